//! One object from several, with `ld.lld -r`.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::raw::{Elf, Section};
use crate::temporary::Scratch;
use crate::wrapper::clang::Clang;
use crate::wrapper::jobs::Job;

/// What to join.
#[derive(Debug)]
pub struct Plan {
    /// The normal half first; of two definitions the first one counts.
    pub inputs: Vec<PathBuf>,
    /// Leave the normal functions out (the runtime's box library: only its clones matter).
    pub drop_normal_code: bool,
}

/// The objects that the pass wrote have a record of their own, which may be out of date when
/// functions were compiled twice: the driver's is the one that stays.
const BOX_OBJECTS: &str = "*/box.o(.privbox.unit) */box-again.o(.privbox.unit)";

/// Joins into `output`.
pub fn join(clang: &Clang, job: &Job, plan: &Plan, scratch: &Scratch, output: &Path) -> Result<()> {
    let script = scratch.path("join.ld");
    let mut dropped = BOX_OBJECTS.to_owned();
    if plan.drop_normal_code {
        dropped.push_str(" */normal.o(.text .text.* .init_array* .fini_array* .eh_frame)");
    }
    fs::write(
        &script,
        format!("SECTIONS {{ /DISCARD/ : {{ {dropped} }} }}\n"),
    )
    .context("cannot write a linker script")?;
    let mut arguments: Vec<OsString> = vec!["-r".into(), "-T".into(), script.into()];
    arguments.push("-o".into());
    arguments.push(output.into());
    arguments.extend(plan.inputs.iter().map(OsString::from));
    let linker = linker(job);
    let result = clang
        .tool(&linker, &arguments, scratch)
        .and_then(|mut command| command.output())
        .with_context(|| {
            format!(
                "cannot run '{}': install lld 22 (Debian: lld-22)",
                linker.display()
            )
        })?;
    anyhow::ensure!(
        result.status.success(),
        "cannot join the normal and the box half (a bug of privbox-cc):\n{}",
        String::from_utf8_lossy(&result.stderr).trim_end()
    );
    Ok(())
}

/// `ld.lld` beside clang, else Debian's name for it in the PATH.
pub fn linker(job: &Job) -> PathBuf {
    let beside = job.program.parent().map(|folder| folder.join("ld.lld"));
    beside
        .filter(|path| path.is_file())
        .unwrap_or_else(|| "ld.lld-22".into())
}

/// The clones and stubs that a box object defines.
pub fn defined_functions(object: &[u8]) -> Result<BTreeSet<String>> {
    let mut bytes = object.to_vec();
    let elf = Elf::parse(&mut bytes)?;
    let symbols = elf.symbols()?;
    Ok(symbols
        .into_iter()
        .filter(|symbol| {
            elf.sections()
                .get(usize::from(symbol.section))
                .is_some_and(|section| elf.name(section).starts_with(b".privbox.text."))
        })
        .map(|symbol| symbol.name)
        .filter(|name| !name.is_empty())
        .collect())
}

/// Takes clones out of a box object: their symbols become undefined, their sections get the name
/// of the record's section, which joining discards.
pub fn drop_functions(object: &mut [u8], clones: &BTreeSet<String>) -> Result<()> {
    let mut elf = Elf::parse(object)?;
    let symbols = elf.symbols()?;
    let doomed: Vec<_> = symbols
        .iter()
        .filter(|symbol| clones.contains(&symbol.name))
        .collect();
    let mut sections: BTreeSet<u32> = doomed
        .iter()
        .map(|symbol| u32::from(symbol.section))
        .filter(|&index| index != 0)
        .collect();
    let record = elf
        .sections()
        .iter()
        .find(|section| elf.name(section) == super::record::SECTION.as_bytes())
        .map(|section| section.name)
        .context("the box object has no unit record")?;

    // GNU ld refuses unwinding records of code that is not there.
    elf.drop_unwinding(|section| section != 0 && sections.contains(&u32::from(section)))?;

    // Jump tables of the dropped text, found by who refers to them.
    let mut tables = BTreeSet::new();
    for rela in elf
        .sections()
        .iter()
        .filter(|section| is_rela_of(section, &sections))
    {
        for symbol in elf.relocated_symbols(rela) {
            let Some(symbol) = symbols.get(symbol as usize) else {
                continue;
            };
            let Some(section) = elf.sections().get(usize::from(symbol.section)) else {
                continue;
            };
            if elf.name(section).starts_with(b".privbox.tables.") {
                tables.insert(u32::from(symbol.section));
            }
        }
    }
    sections.extend(tables);
    // Function table entries: linked to the text (SHF_LINK_ORDER).
    let entries: Vec<u32> = (0u32..)
        .zip(elf.sections())
        .filter(|(_, section)| elf.name(section).starts_with(b".privbox.funcs."))
        .filter(|(_, section)| sections.contains(&section.link))
        .map(|(index, _)| index)
        .collect();
    sections.extend(entries);

    let sections: Vec<Section> = sections
        .iter()
        .filter_map(|&index| elf.sections().get(index as usize).copied())
        .collect();
    for section in &sections {
        elf.set_name(section, record);
    }
    for symbol in doomed {
        elf.undefine(symbol);
    }
    Ok(())
}

fn is_rela_of(section: &Section, targets: &BTreeSet<u32>) -> bool {
    const SHT_RELA: u32 = 4;
    section.kind == SHT_RELA && targets.contains(&section.info)
}
