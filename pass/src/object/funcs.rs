//! The function table: one entry per clone, garbage collected with it.

use super::Text;
use object::build::elf::{Builder, Relocation, SectionData, SymbolId};
use object::elf;

/// Adds `.privbox.funcs.NAME` for each clone: `{ i32 start - &entry; u32 size }`, linked to the
/// clone's section so that the linker drops both or none (docs/box-abi.md).
pub(super) fn add(elf: &mut Builder<'_>, texts: &[Text]) {
    let symbols = super::section_id_of_symbols(elf);
    for text in texts {
        let start = section_symbol(elf, text);
        let section = elf.sections.add();
        let id = section.id();
        section.name = format!(".privbox.funcs.{}", text.name).into_bytes().into();
        section.sh_type = elf::SHT_PROGBITS;
        section.sh_flags = elf::SHF_ALLOC | elf::SHF_LINK_ORDER;
        section.sh_link_section = Some(text.section);
        section.sh_addralign = 4;
        let mut entry = vec![0; 8];
        entry[4..].copy_from_slice(&u32::try_from(text.size).unwrap_or(u32::MAX).to_le_bytes());
        section.data = SectionData::Data(entry.into());
        let relocations = elf.sections.add();
        relocations.name = format!(".rela.privbox.funcs.{}", text.name)
            .into_bytes()
            .into();
        relocations.sh_type = elf::SHT_RELA;
        relocations.sh_flags = elf::SHF_INFO_LINK;
        relocations.sh_link_section = symbols;
        relocations.sh_info_section = Some(id);
        relocations.sh_addralign = 8;
        relocations.sh_entsize = 24;
        relocations.data = SectionData::Relocation(vec![Relocation {
            r_offset: 0,
            symbol: Some(start),
            r_type: elf::R_X86_64_PC32,
            r_addend: 0,
        }]);
    }
}

/// The symbol of the clone's section itself. Its entry must not name the clone's own symbol: that may be
/// weak, and then the entry would lead to another unit's copy and leave this one out of the table.
fn section_symbol(elf: &mut Builder<'_>, text: &Text) -> SymbolId {
    let there = elf
        .symbols
        .iter()
        .find(|s| s.section == Some(text.section) && s.st_type() == elf::STT_SECTION)
        .map(|s| s.id());
    there.unwrap_or_else(|| {
        let symbol = elf.symbols.add();
        symbol.section = Some(text.section);
        symbol.set_st_info(elf::STB_LOCAL, elf::STT_SECTION);
        symbol.id()
    })
}
