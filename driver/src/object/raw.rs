//! The tables of a relocatable ELF64 file, read and changed in place.
//!
//! The edits of this folder set a flag, clear a symbol or reorder the symbols; writing the file anew would risk more
//! than it is worth.

use std::ops::Range;

/// Why a file could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RawError {
    /// Not ELF64, not little endian, not x86-64 or not relocatable.
    #[error("not a relocatable x86-64 ELF file")]
    Format,
    /// A table or string lies outside the file.
    #[error("corrupt ELF file: {0} lies outside the file")]
    Bounds(&'static str),
}

/// One section header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Section {
    /// Offset of the header in the file.
    pub header: usize,
    /// `sh_name`.
    pub name: u32,
    /// `sh_type`.
    pub kind: u32,
    /// `sh_flags`.
    pub flags: u64,
    /// `sh_offset`.
    pub offset: usize,
    /// `sh_size`.
    pub size: usize,
    /// `sh_link`.
    pub link: u32,
    /// `sh_info`.
    pub info: u32,
}

/// One symbol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// Offset of the entry in the file.
    pub entry: usize,
    /// Its name.
    pub name: String,
    /// `st_shndx`.
    pub section: u16,
}

/// `SHF_ALLOC`.
pub const SHF_ALLOC: u64 = 2;
/// `SHF_GNU_RETAIN`.
pub const SHF_GNU_RETAIN: u64 = 0x20_0000;
/// `ELFOSABI_GNU`, without which GNU ld ignores `SHF_GNU_RETAIN`.
pub const ELFOSABI_GNU: u8 = 3;
const SHT_SYMTAB: u32 = 2;
const SHT_RELA: u32 = 4;
const SHT_GROUP: u32 = 17;
const SHT_SYMTAB_SHNDX: u32 = 18;
const SHT_LLVM_ADDRSIG: u32 = 0x6fff_4c03;

/// A relocatable file's tables.
#[derive(Debug)]
pub struct Elf<'a> {
    bytes: &'a mut [u8],
    sections: Vec<Section>,
    names: Range<usize>,
}

impl<'a> Elf<'a> {
    /// Reads the section headers.
    pub fn parse(bytes: &'a mut [u8]) -> Result<Self, RawError> {
        let head = bytes.get(..64).ok_or(RawError::Format)?;
        // ELFCLASS64, ELFDATA2LSB; ET_REL; EM_X86_64; e_shentsize.
        if head[..6] != *b"\x7fELF\x02\x01"
            || u16_at(head, 16) != Some(1)
            || u16_at(head, 18) != Some(62)
            || u16_at(head, 58) != Some(64)
        {
            return Err(RawError::Format);
        }
        let outside = RawError::Bounds("the section table");
        let table = u64_at(bytes, 40).ok_or(outside.clone())?;
        let first = section_at(bytes, table).ok_or(outside.clone())?;
        // More than 0xff00 sections: the counts are in the first header.
        let count = match u16_at(bytes, 60) {
            Some(0) | None => first.size,
            Some(count) => count.into(),
        };
        let names = match u16_at(bytes, 62) {
            Some(0xffff) | None => first.link as usize,
            Some(index) => index.into(),
        };
        if count > bytes.len() / 64 {
            return Err(outside);
        }
        let sections: Vec<Section> = (0..count)
            .map(|index| section_at(bytes, table + 64 * index as u64))
            .collect::<Option<_>>()
            .ok_or(outside)?;
        let names = sections
            .get(names)
            .ok_or(RawError::Bounds("the section names"))?
            .range();
        if bytes.get(names.clone()).is_none() {
            return Err(RawError::Bounds("the section names"));
        }
        Ok(Self {
            bytes,
            sections,
            names,
        })
    }

    /// All section headers, the null one included.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// A section's name; empty if it lies outside the table.
    pub fn name(&self, section: &Section) -> &[u8] {
        let names = self.bytes.get(self.names.clone()).unwrap_or_default();
        let name = names.get(section.name as usize..).unwrap_or_default();
        name.split(|&byte| byte == 0).next().unwrap_or_default()
    }

    /// The symbols of the symbol table.
    pub fn symbols(&self) -> Result<Vec<Symbol>, RawError> {
        let Some(table) = self
            .sections
            .iter()
            .find(|section| section.kind == SHT_SYMTAB)
        else {
            return Ok(Vec::new());
        };
        let outside = RawError::Bounds("the symbol table");
        let strings = self
            .sections
            .get(table.link as usize)
            .ok_or(outside.clone())?
            .range();
        let strings = self.bytes.get(strings).ok_or(outside.clone())?;
        let range = table.range();
        let entries = self.bytes.get(range.clone()).ok_or(outside)?;
        Ok(entries
            .chunks_exact(24)
            .enumerate()
            .map(|(index, entry)| {
                let name = u32_at(entry, 0).unwrap_or(0) as usize;
                let name = strings.get(name..).unwrap_or_default();
                let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
                Symbol {
                    entry: range.start + 24 * index,
                    name: String::from_utf8_lossy(name).into_owned(),
                    section: u16_at(entry, 6).unwrap_or(0),
                }
            })
            .collect())
    }

    /// The symbol indices that a RELA section refers to.
    pub fn relocated_symbols(&self, section: &Section) -> Vec<u32> {
        let entries = self.bytes.get(section.range()).unwrap_or_default();
        entries
            .chunks_exact(24)
            .filter_map(|entry| u32_at(entry, 12))
            .collect()
    }

    /// Makes defined global symbols local. They move to the front of the others, as the format wants; everything
    /// that names a symbol by its number follows.
    pub fn localize(&mut self, doomed: impl Fn(&str) -> bool) -> Result<(), RawError> {
        let Some((index, table)) = self
            .sections
            .iter()
            .enumerate()
            .find(|(_, section)| section.kind == SHT_SYMTAB)
            .map(|(index, section)| (index as u32, *section))
        else {
            return Ok(());
        };
        let symbols = self.symbols()?;
        let first = table.info as usize;
        if first > symbols.len() {
            return Err(RawError::Bounds("the first global symbol"));
        }
        let (local, global): (Vec<usize>, Vec<usize>) = (first..symbols.len())
            .partition(|&old| symbols[old].section != 0 && doomed(&symbols[old].name));
        let order: Vec<usize> = (0..first)
            .chain(local.iter().copied())
            .chain(global)
            .collect();
        let mut new = vec![0u32; order.len()];
        for (at, &old) in (0u32..).zip(&order) {
            new[old] = at;
        }
        for &old in &local {
            let entry = symbols[old].entry;
            // Binding (the upper half of st_info) and visibility.
            self.bytes[entry + 4] &= 0xf;
            self.bytes[entry + 5] &= !3;
        }
        self.permute(&table, 24, &order)?;
        self.set_info(&table, (first + local.len()) as u32);
        for section in self.sections.clone() {
            if section.link != index {
                continue;
            }
            match section.kind {
                SHT_RELA => self.renumber(&section, &new)?,
                SHT_SYMTAB_SHNDX => self.permute(&section, 4, &order)?,
                SHT_GROUP => {
                    let old = new.get(section.info as usize);
                    let new = old.ok_or(RawError::Bounds("the symbol of a group"))?;
                    self.set_info(&section, *new);
                }
                // Numbers of varying length: without a link, linkers take them for out of date.
                SHT_LLVM_ADDRSIG => self.put(section.header + 40, &0u32.to_le_bytes()),
                _ => {}
            }
        }
        Ok(())
    }

    /// Puts a table's entries into a new order.
    fn permute(&mut self, table: &Section, size: usize, order: &[usize]) -> Result<(), RawError> {
        let outside = RawError::Bounds("the symbol table");
        let entries = self.bytes.get_mut(table.range()).ok_or(outside.clone())?;
        let old = entries.to_vec();
        for (to, &from) in entries.chunks_exact_mut(size).zip(order) {
            let from = old
                .get(from * size..(from + 1) * size)
                .ok_or(outside.clone())?;
            to.copy_from_slice(from);
        }
        Ok(())
    }

    /// Gives the symbols of a RELA section their new numbers.
    fn renumber(&mut self, section: &Section, new: &[u32]) -> Result<(), RawError> {
        let outside = RawError::Bounds("a relocation's symbol");
        let entries = self.bytes.get_mut(section.range()).ok_or(outside.clone())?;
        for entry in entries.chunks_exact_mut(24) {
            let old = u32_at(entry, 12).unwrap_or(0) as usize;
            let new = new.get(old).ok_or(outside.clone())?;
            entry[12..16].copy_from_slice(&new.to_le_bytes());
        }
        Ok(())
    }

    fn set_info(&mut self, section: &Section, info: u32) {
        self.put(section.header + 44, &info.to_le_bytes());
    }

    fn put(&mut self, at: usize, value: &[u8]) {
        if let Some(place) = self.bytes.get_mut(at..at + value.len()) {
            place.copy_from_slice(value);
        }
    }

    /// Takes the unwinding records of some sections' code out of `.eh_frame`: the record before each
    /// grows over it with no-ops, so that nothing moves.
    pub fn drop_unwinding(&mut self, dead: impl Fn(u16) -> bool) -> Result<(), RawError> {
        let symbols = self.symbols()?;
        let frames: Vec<(usize, Section)> = (0..)
            .zip(self.sections.clone())
            .filter(|(_, section)| self.name(section) == b".eh_frame")
            .collect();
        for (index, frame) in frames {
            let relocations: Vec<Section> = self
                .sections
                .iter()
                .filter(|s| s.kind == SHT_RELA && s.info as usize == index)
                .copied()
                .collect();
            // Where, of which section's code, and the relocation's own place in the file.
            let mut entries = Vec::new();
            for rela in relocations {
                let bytes = self.bytes.get(rela.range()).unwrap_or_default();
                for (n, entry) in bytes.chunks_exact(24).enumerate() {
                    let (Some(at), Some(symbol)) = (u64_at(entry, 0), u32_at(entry, 12)) else {
                        continue;
                    };
                    let section = symbols.get(symbol as usize).map_or(0, |s| s.section);
                    entries.push((at as usize, section, rela.offset + 24 * n));
                }
            }
            let (mut at, mut kept) = (0, None);
            while let Some(length) = self
                .bytes
                .get(frame.range())
                .and_then(|bytes| u32_at(bytes, at))
            {
                let end = at + 4 + length as usize;
                // A terminator, a 64-bit record or nonsense: not LLVM's writing.
                if length == 0 || length > 0xffff_fff0 || end > frame.size {
                    break;
                }
                // length, CIE pointer, then the start of the code.
                let doomed = entries.iter().any(|e| e.0 == at + 8 && dead(e.1));
                match kept {
                    Some(start) if doomed => {
                        let new = ((end - start - 4) as u32).to_le_bytes();
                        let base = frame.offset;
                        self.bytes[base + start..base + start + 4].copy_from_slice(&new);
                        self.bytes[base + at..base + end].fill(0);
                        for (_, _, entry) in entries.iter().filter(|e| (at..end).contains(&e.0)) {
                            // R_X86_64_NONE
                            self.bytes[entry + 8..entry + 24].fill(0);
                        }
                    }
                    _ => kept = Some(at),
                }
                at = end;
            }
        }
        Ok(())
    }

    /// Makes a symbol undefined; name, binding and visibility stay.
    pub fn undefine(&mut self, symbol: &Symbol) {
        // st_shndx, st_value, st_size; the type goes too: it described the definition.
        if let Some(entry) = self.bytes.get_mut(symbol.entry..symbol.entry + 24) {
            entry[4] &= 0xf0;
            entry[6..24].fill(0);
        }
    }

    /// Changes a section's flags.
    pub fn set_flags(&mut self, section: &Section, flags: u64) {
        if let Some(field) = self.bytes.get_mut(section.header + 8..section.header + 16) {
            field.copy_from_slice(&flags.to_le_bytes());
        }
    }

    /// Gives a section the name of another.
    pub fn set_name(&mut self, section: &Section, name: u32) {
        if let Some(field) = self.bytes.get_mut(section.header..section.header + 4) {
            field.copy_from_slice(&name.to_le_bytes());
        }
    }

    /// Sets the file's OS ABI.
    pub fn set_os_abi(&mut self, abi: u8) {
        if let Some(byte) = self.bytes.get_mut(7) {
            *byte = abi;
        }
    }
}

impl Section {
    fn range(&self) -> Range<usize> {
        self.offset..self.offset.saturating_add(self.size)
    }
}

fn section_at(bytes: &[u8], offset: u64) -> Option<Section> {
    let offset = usize::try_from(offset).ok()?;
    let header = bytes.get(offset..offset.checked_add(64)?)?;
    Some(Section {
        header: offset,
        name: u32_at(header, 0)?,
        kind: u32_at(header, 4)?,
        flags: u64_at(header, 8)?,
        offset: usize::try_from(u64_at(header, 24)?).ok()?,
        size: usize::try_from(u64_at(header, 32)?).ok()?,
        link: u32_at(header, 40)?,
        info: u32_at(header, 44)?,
    })
}

fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    Some(u16::from_le_bytes(
        bytes.get(offset..offset + 2)?.try_into().ok()?,
    ))
}

fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    Some(u32::from_le_bytes(
        bytes.get(offset..offset + 4)?.try_into().ok()?,
    ))
}

fn u64_at(bytes: &[u8], offset: usize) -> Option<u64> {
    Some(u64::from_le_bytes(
        bytes.get(offset..offset + 8)?.try_into().ok()?,
    ))
}
