//! The box object, after LLVM: what the code generator cannot be told is set right here.
//!
//! * [`libcalls`]: calls that LLVM inserted (`memcpy`, `__divti3`) go to the box's own functions;
//! * [`tables`]: jump tables move from `.rodata` into the box (contract, rule 12);
//! * [`funcs`]: the function table (docs/image-format.md);
//! * the unit record.

mod funcs;
mod libcalls;
mod tables;

use object::build::Id;
use object::build::elf::{Builder, SectionData, SectionId};
use object::elf;
use std::collections::{HashMap, HashSet};

/// Prefix of a clone's section.
pub const TEXT_PREFIX: &str = ".privbox.text.";
/// The name under which LLVM calls the external thunk, with the target in R11.
const LLVM_THUNK: &[u8] = b"__x86_indirect_thunk_r11";

/// What is wrong with the object that LLVM wrote; each is a bug of the pass, not of the user.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// It could not be read or written.
    #[error("box object: {call}: {source}")]
    Elf {
        /// What was being done.
        call: &'static str,
        /// The library's own error.
        #[source]
        source: object::build::Error,
    },
    /// A jump table could not be told apart from other read-only data.
    #[error("box object: jump table in {section} at {offset:#x}: {what}")]
    Table {
        /// Section of the table.
        section: String,
        /// Offset in it.
        offset: u64,
        /// What is unexpected.
        what: String,
    },
    /// A function with no size or in no section of its own.
    #[error("box object: function `{0}` has no size or no section of its own")]
    Function(String),
}

/// A clone's section and the symbol that names it.
struct Text {
    section: SectionId,
    /// Name of the function (aliases excluded: the first one defined).
    name: String,
    size: u64,
}

/// Turns LLVM's object into the box object.
///
/// `provided` are the names the runtime library defines in the box; `record` is the line for
/// `.privbox.unit`. Also returns the library functions that LLVM calls and nobody provides.
pub fn finish(
    bytes: &[u8],
    provided: &HashSet<String>,
    record: &str,
) -> Result<(Vec<u8>, Vec<String>), ObjectError> {
    let mut elf = Builder::read64(bytes).map_err(|source| ObjectError::Elf {
        call: "read",
        source,
    })?;
    drop_stale(&mut elf);
    split_strings(&mut elf);
    let called_out = libcalls::redirect(&mut elf, provided);
    rename_thunk(&mut elf);
    let texts = texts(&elf)?;
    tables::move_tables(&mut elf, &texts)?;
    funcs::add(&mut elf, &texts);
    let unit = elf.sections.add();
    unit.name = b".privbox.unit"[..].into();
    unit.sh_type = elf::SHT_PROGBITS;
    unit.sh_addralign = 1;
    unit.data = SectionData::Data(record.as_bytes().to_vec().into());
    elf.set_section_sizes();
    let mut out = Vec::new();
    elf.write(&mut out).map_err(|source| ObjectError::Elf {
        call: "write",
        source,
    })?;
    Ok((out, called_out))
}

/// Sections that hold symbol indices in a form the rewriter does not follow.
fn drop_stale(elf: &mut Builder<'_>) {
    for section in elf.sections.iter_mut() {
        if &*section.name == b".llvm_addrsig" {
            section.delete = true;
        }
    }
}

/// LLVM keeps section and symbol names in one `.strtab`; the rewriter wants two tables.
fn split_strings(elf: &mut Builder<'_>) {
    if !elf
        .sections
        .iter()
        .any(|s| matches!(s.data, SectionData::SectionString))
    {
        let section = elf.sections.add();
        section.name = b".shstrtab"[..].into();
        section.sh_type = elf::SHT_STRTAB;
        section.sh_addralign = 1;
        section.data = SectionData::SectionString;
    }
}

fn rename_thunk(elf: &mut Builder<'_>) {
    for symbol in elf.symbols.iter_mut() {
        if &*symbol.name == LLVM_THUNK {
            symbol.name = b"__privbox_gate_thunk"[..].into();
            symbol.st_other = symbol.st_other.with_visibility(elf::STV_HIDDEN);
        }
    }
}

/// The clones, in section order.
fn texts(elf: &Builder<'_>) -> Result<Vec<Text>, ObjectError> {
    let mut by_section: HashMap<usize, (String, u64)> = HashMap::new();
    for symbol in elf.symbols.iter() {
        if symbol.st_type() != elf::STT_FUNC || symbol.st_value != 0 {
            continue;
        }
        if let Some(section) = symbol.section {
            let name = String::from_utf8_lossy(&symbol.name).into_owned();
            let entry = by_section
                .entry(section.index())
                .or_insert((name.clone(), symbol.st_size));
            // The section is named after the function; another symbol there is an alias.
            let own = elf
                .sections
                .get(section)
                .name
                .strip_prefix(TEXT_PREFIX.as_bytes())
                == Some(name.as_bytes());
            if own {
                *entry = (name, symbol.st_size);
            }
        }
    }
    let mut texts = Vec::new();
    for section in elf.sections.iter() {
        if section.delete || !section.name.starts_with(TEXT_PREFIX.as_bytes()) {
            continue;
        }
        let text = String::from_utf8_lossy(&section.name).into_owned();
        let (name, size) = by_section
            .remove(&section.id().index())
            .ok_or_else(|| ObjectError::Function(text.clone()))?;
        if size == 0 {
            return Err(ObjectError::Function(name));
        }
        texts.push(Text {
            section: section.id(),
            name,
            size,
        });
    }
    Ok(texts)
}

/// The symbol table's section, that relocation sections link to.
fn section_id_of_symbols(elf: &Builder<'_>) -> Option<SectionId> {
    elf.sections
        .iter()
        .find(|s| matches!(s.data, SectionData::Symbol))
        .map(|s| s.id())
}
