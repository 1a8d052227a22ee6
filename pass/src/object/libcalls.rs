//! Calls of library functions that the code generator inserted.
//!
//! Everything the program calls itself already has its box name in the IR. What is left, from a
//! clone's section through a PLT relocation to a name without `.privbox`, LLVM made up: `memcpy`
//! for an aggregate, `__udivti3` for a division, `fmod` for `frem`.

use super::TEXT_PREFIX;
use object::build::Id;
use object::build::elf::{Builder, Relocation, SectionData, SectionId, SymbolId};
use object::elf;
use std::collections::{BTreeMap, HashMap, HashSet};

/// `mov NAME@GOTPCREL(%rip), %r10; jmp __privbox_gate_callout`: the simple call-out of docs/box-abi.md.
const STUB: [u8; 12] = [0x4c, 0x8b, 0x15, 0, 0, 0, 0, 0xe9, 0, 0, 0, 0];
const STUB_GOT: u64 = 3;
const STUB_GATE: u64 = 8;

/// Redirects them to `NAME.privbox`; returns those that had to get a call-out.
pub(super) fn redirect(elf: &mut Builder<'_>, provided: &HashSet<String>) -> Vec<String> {
    let mut clones: HashMap<Vec<u8>, SymbolId> = HashMap::new();
    for symbol in elf.symbols.iter() {
        clones.insert(symbol.name.to_vec(), symbol.id());
    }
    let text_relocations = text_relocations(elf);
    let mut wanted: BTreeMap<String, SymbolId> = BTreeMap::new();
    for (_, relocations) in &text_relocations {
        for relocation in relocations {
            if let Some((name, id)) = library_call(elf, relocation) {
                wanted.insert(name, id);
            }
        }
    }
    let mut called_out = Vec::new();
    let mut targets: HashMap<usize, SymbolId> = HashMap::new();
    for (name, id) in wanted {
        let clone = format!("{name}.privbox");
        let target = match clones.get(clone.as_bytes()) {
            Some(target) => *target,
            None => {
                let symbol = elf.symbols.add();
                symbol.name = clone.into_bytes().into();
                symbol.set_st_info(elf::STB_GLOBAL, elf::STT_NOTYPE);
                symbol.st_other = symbol.st_other.with_visibility(elf::STV_HIDDEN);
                let target = symbol.id();
                if !provided.contains(&name) {
                    add_stub(elf, &name, id, target);
                    called_out.push(name);
                }
                target
            }
        };
        targets.insert(id.index(), target);
    }
    for (section, mut relocations) in text_relocations {
        let mut changed = false;
        for relocation in &mut relocations {
            if relocation.r_type == elf::R_X86_64_PLT32
                && let Some(target) = relocation.symbol.and_then(|s| targets.get(&s.index()))
            {
                relocation.symbol = Some(*target);
                changed = true;
            }
        }
        if changed {
            elf.sections.get_mut(section).data = SectionData::Relocation(relocations);
        }
    }
    drop_unreferenced(elf, &targets);
    called_out
}

/// Relocation sections that apply to clones.
fn text_relocations(elf: &Builder<'_>) -> Vec<(SectionId, Vec<Relocation>)> {
    let mut all = Vec::new();
    for section in elf.sections.iter() {
        let SectionData::Relocation(relocations) = &section.data else {
            continue;
        };
        let Some(target) = section.sh_info_section else {
            continue;
        };
        if elf
            .sections
            .get(target)
            .name
            .starts_with(TEXT_PREFIX.as_bytes())
        {
            all.push((section.id(), relocations.clone()));
        }
    }
    all
}

/// The name of the library function, if this is a call of one.
fn library_call(elf: &Builder<'_>, relocation: &Relocation) -> Option<(String, SymbolId)> {
    if relocation.r_type != elf::R_X86_64_PLT32 {
        return None;
    }
    let id = relocation.symbol?;
    let symbol = elf.symbols.get(id);
    let undefined = symbol.section.is_none() && symbol.st_shndx == elf::SHN_UNDEF;
    let name = std::str::from_utf8(&symbol.name).ok()?;
    let ours = name.contains(".privbox")
        || name.starts_with("__privbox_")
        || name.starts_with("__x86_indirect_thunk");
    (undefined && !ours && !name.is_empty()).then(|| (name.to_owned(), id))
}

/// Defines `target` as a weak call-out of `name`: neither the program nor the runtime has a clone.
fn add_stub(elf: &mut Builder<'_>, name: &str, original: SymbolId, target: SymbolId) {
    let symbols = super::section_id_of_symbols(elf);
    let gate = match elf
        .symbols
        .iter()
        .find(|s| &*s.name == b"__privbox_gate_callout")
    {
        Some(symbol) => symbol.id(),
        None => {
            let symbol = elf.symbols.add();
            symbol.name = b"__privbox_gate_callout"[..].into();
            symbol.set_st_info(elf::STB_GLOBAL, elf::STT_NOTYPE);
            symbol.st_other = symbol.st_other.with_visibility(elf::STV_HIDDEN);
            symbol.id()
        }
    };
    let text = elf.sections.add();
    let id = text.id();
    text.name = format!("{TEXT_PREFIX}{name}.privbox").into_bytes().into();
    text.sh_type = elf::SHT_PROGBITS;
    text.sh_flags = elf::SHF_ALLOC | elf::SHF_EXECINSTR;
    text.sh_addralign = 16;
    text.data = SectionData::Data(STUB.to_vec().into());
    let relocations = elf.sections.add();
    relocations.name = format!(".rela{TEXT_PREFIX}{name}.privbox")
        .into_bytes()
        .into();
    relocations.sh_type = elf::SHT_RELA;
    relocations.sh_flags = elf::SHF_INFO_LINK;
    relocations.sh_link_section = symbols;
    relocations.sh_info_section = Some(id);
    relocations.sh_addralign = 8;
    relocations.sh_entsize = 24;
    relocations.data = SectionData::Relocation(vec![
        Relocation {
            r_offset: STUB_GOT,
            symbol: Some(original),
            r_type: elf::R_X86_64_REX_GOTPCRELX,
            r_addend: -4,
        },
        Relocation {
            r_offset: STUB_GATE,
            symbol: Some(gate),
            r_type: elf::R_X86_64_PLT32,
            r_addend: -4,
        },
    ]);
    let symbol = elf.symbols.get_mut(target);
    symbol.section = Some(id);
    symbol.set_st_info(elf::STB_WEAK, elf::STT_FUNC);
    symbol.st_size = STUB.len() as u64;
}

/// An undefined symbol that nothing refers to any more would still pull its definition in.
fn drop_unreferenced(elf: &mut Builder<'_>, replaced: &HashMap<usize, SymbolId>) {
    let mut used = HashSet::new();
    for section in elf.sections.iter() {
        if let SectionData::Relocation(relocations) = &section.data {
            used.extend(
                relocations
                    .iter()
                    .filter_map(|r| r.symbol.map(|s| s.index())),
            );
        }
    }
    for symbol in elf.symbols.iter_mut() {
        let id = symbol.id().index();
        if replaced.contains_key(&id) && !used.contains(&id) {
            symbol.delete = true;
        }
    }
}
