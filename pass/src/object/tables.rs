//! Jump tables: from LLVM's `.rodata` into the box, one section per clone.
//!
//! Rule 12 of the contract wants a table inside the box segment. LLVM puts the tables of all
//! functions that have sections of their own into one `.rodata`, so they are told apart by what the
//! clones refer to: a table starts where a clone's code points and runs as long as there is an entry,
//! a 32-bit distance to that same clone, every four bytes.

use super::{ObjectError, TEXT_PREFIX, Text};
use object::build::Id;
use object::build::elf::{Builder, Relocation, SectionData, SectionId};
use object::elf;
use std::collections::{BTreeMap, HashMap, HashSet};

/// A reference from a clone into read-only data: which relocation, and where it points.
struct Reference {
    relocations: SectionId,
    index: usize,
    text: SectionId,
    data: SectionId,
    offset: u64,
}

/// Moves every jump table to `.privbox.tables.NAME` of its clone (flags `AX`, 4-byte aligned).
pub(super) fn move_tables(elf: &mut Builder<'_>, texts: &[Text]) -> Result<(), ObjectError> {
    let names: HashMap<usize, String> = texts
        .iter()
        .map(|t| (t.section.index(), t.name.clone()))
        .collect();
    let references = references(elf);
    let entries = entries(elf);
    let mut moved: BTreeMap<usize, Moved> = BTreeMap::new();
    let mut done: HashMap<(usize, u64, usize), u64> = HashMap::new();
    let mut taken: HashSet<(usize, u64)> = HashSet::new();
    let starts: HashSet<(usize, u64)> = references
        .iter()
        .map(|r| (r.data.index(), r.offset))
        .collect();
    let mut patches = Vec::new();
    for reference in &references {
        let Some(table) = entries.get(&reference.data.index()) else {
            continue;
        };
        if !table.contains_key(&reference.offset) {
            continue; // A constant, not a table.
        }
        let key = (
            reference.data.index(),
            reference.offset,
            reference.text.index(),
        );
        let start = match done.get(&key) {
            Some(start) => *start,
            None => {
                let moved = moved.entry(reference.text.index()).or_default();
                let start = moved.size;
                let mut at = reference.offset;
                while let Some(entry) = table.get(&at) {
                    if at != reference.offset && starts.contains(&(reference.data.index(), at)) {
                        break;
                    }
                    let target = entry.symbol.and_then(|s| elf.symbols.get(s).section);
                    if target != Some(reference.text) {
                        return Err(ObjectError::Table {
                            section: String::from_utf8_lossy(
                                &elf.sections.get(reference.data).name,
                            )
                            .into_owned(),
                            offset: at,
                            what: "its entry leads to another function".into(),
                        });
                    }
                    moved.relocations.push(Relocation {
                        r_offset: moved.size,
                        ..*entry
                    });
                    moved.size += 4;
                    taken.insert((reference.data.index(), at));
                    at += 4;
                }
                done.insert(key, start);
                start
            }
        };
        patches.push((
            reference.relocations,
            reference.index,
            reference.text.index(),
            start,
        ));
    }
    let sections = add_sections(elf, moved, &names);
    for (relocations, index, text, start) in patches {
        let Some(symbol) = sections.get(&text) else {
            continue;
        };
        if let SectionData::Relocation(list) = &mut elf.sections.get_mut(relocations).data
            && let Some(relocation) = list.get_mut(index)
        {
            relocation.symbol = Some(*symbol);
            // The displacement ends the instruction: PC-relative addends are 4 less.
            relocation.r_addend = start as i64 - 4;
        }
    }
    remove_originals(elf, &entries, &taken, &references);
    Ok(())
}

/// What moved for one clone.
#[derive(Default)]
struct Moved {
    size: u64,
    relocations: Vec<Relocation>,
}

/// Is this a section in which LLVM may have put jump tables?
fn may_hold_tables(name: &[u8]) -> bool {
    name == b".rodata"
        || (name.starts_with(b".rodata.")
            && !name.starts_with(b".rodata.cst")
            && !name.starts_with(b".rodata.str"))
}

fn references(elf: &Builder<'_>) -> Vec<Reference> {
    let mut all = Vec::new();
    for section in elf.sections.iter() {
        let SectionData::Relocation(relocations) = &section.data else {
            continue;
        };
        let Some(text) = section.sh_info_section else {
            continue;
        };
        if !elf
            .sections
            .get(text)
            .name
            .starts_with(TEXT_PREFIX.as_bytes())
        {
            continue;
        }
        for (index, relocation) in relocations.iter().enumerate() {
            let Some(symbol) = relocation.symbol.map(|s| elf.symbols.get(s)) else {
                continue;
            };
            let Some(data) = symbol.section else { continue };
            if relocation.r_type == elf::R_X86_64_PC32
                && may_hold_tables(&elf.sections.get(data).name)
            {
                let offset = symbol
                    .st_value
                    .wrapping_add_signed(relocation.r_addend)
                    .wrapping_add(4);
                all.push(Reference {
                    relocations: section.id(),
                    index,
                    text,
                    data,
                    offset,
                });
            }
        }
    }
    all
}

/// Entries of jump tables by section and offset: distances to a clone.
fn entries(elf: &Builder<'_>) -> HashMap<usize, BTreeMap<u64, Relocation>> {
    let mut all: HashMap<usize, BTreeMap<u64, Relocation>> = HashMap::new();
    for section in elf.sections.iter() {
        let SectionData::Relocation(relocations) = &section.data else {
            continue;
        };
        let Some(data) = section.sh_info_section else {
            continue;
        };
        if !may_hold_tables(&elf.sections.get(data).name) {
            continue;
        }
        for relocation in relocations {
            let target = relocation.symbol.and_then(|s| elf.symbols.get(s).section);
            let to_text = target
                .is_some_and(|t| elf.sections.get(t).name.starts_with(TEXT_PREFIX.as_bytes()));
            if relocation.r_type == elf::R_X86_64_PC32 && to_text {
                all.entry(data.index())
                    .or_default()
                    .insert(relocation.r_offset, *relocation);
            }
        }
    }
    all
}

fn add_sections(
    elf: &mut Builder<'_>,
    moved: BTreeMap<usize, Moved>,
    names: &HashMap<usize, String>,
) -> HashMap<usize, object::build::elf::SymbolId> {
    let symbol_table = super::section_id_of_symbols(elf);
    let mut symbols = HashMap::new();
    for (text, table) in moved {
        let name = names.get(&text).cloned().unwrap_or_default();
        let section = elf.sections.add();
        let id = section.id();
        section.name = format!(".privbox.tables.{name}").into_bytes().into();
        section.sh_type = elf::SHT_PROGBITS;
        section.sh_flags = elf::SHF_ALLOC | elf::SHF_EXECINSTR;
        section.sh_addralign = 4;
        section.data = SectionData::Data(vec![0; table.size as usize].into());
        let relocations = elf.sections.add();
        relocations.name = format!(".rela.privbox.tables.{name}").into_bytes().into();
        relocations.sh_type = elf::SHT_RELA;
        relocations.sh_flags = elf::SHF_INFO_LINK;
        relocations.sh_link_section = symbol_table;
        relocations.sh_info_section = Some(id);
        relocations.sh_addralign = 8;
        relocations.sh_entsize = 24;
        relocations.data = SectionData::Relocation(table.relocations);
        let symbol = elf.symbols.add();
        symbol.section = Some(id);
        symbol.set_st_info(elf::STB_LOCAL, elf::STT_SECTION);
        symbols.insert(text, symbol.id());
    }
    symbols
}

/// Takes the moved entries out of the old section, or the whole section if nothing else is in it.
fn remove_originals(
    elf: &mut Builder<'_>,
    entries: &HashMap<usize, BTreeMap<u64, Relocation>>,
    taken: &HashSet<(usize, u64)>,
    references: &[Reference],
) {
    for (data, table) in entries {
        let constants = references
            .iter()
            .any(|r| r.data.index() == *data && !taken.contains(&(*data, r.offset)));
        let all_taken = table.keys().all(|offset| taken.contains(&(*data, *offset)));
        let mut whole = all_taken && !constants;
        for section in elf.sections.iter_mut() {
            if section.id().index() == *data {
                // Four bytes per entry: anything more is other data.
                whole &= section.sh_size == 4 * table.len() as u64;
                section.delete |= whole;
            }
        }
        for section in elf.sections.iter_mut() {
            if section.sh_info_section.is_some_and(|s| s.index() == *data)
                && let SectionData::Relocation(list) = &mut section.data
            {
                list.retain(|r| !taken.contains(&(*data, r.r_offset)));
                section.delete |= whole;
            }
        }
        for symbol in elf.symbols.iter_mut() {
            if whole && symbol.section.is_some_and(|s| s.index() == *data) {
                symbol.delete = true;
            }
        }
    }
}
