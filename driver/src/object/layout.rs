//! A pseudo-link of one box object, in memory.
//!
//! Box sections are laid out behind a gate and relocated against themselves. What is elsewhere gets
//! an imaginary place of the right kind: a missing clone is one legal stub, a gate symbol its
//! offset, data and normal code an address in an imaginary data segment, a GOT entry a slot there.
//! Accesses to data are therefore only checked in kind; the linked file is verified with the
//! real addresses.

use std::collections::HashMap;

use object::read::elf::{ElfFile64, FileHeader};
use object::{
    Endianness, LittleEndian, Object, ObjectSection, ObjectSymbol, RelocationFlags,
    RelocationTarget, SectionIndex, SymbolIndex, elf,
};
use privbox_pass::depth::{LIBRARY, is_shallow};
use privbox_verifier::gate;

/// Link address of the imaginary box.
pub const BASE: u64 = 0x1000_0000;
/// The imaginary data segment: far from its ends, so that any displacement into a big array hits it.
pub const DATA: u64 = 0x2000_0000;
/// Its size.
pub const DATA_SIZE: u64 = 0x5000_0000;
const DATA_FIRST: u64 = DATA + 0x1000_0000;
/// What a thread-local's offset is taken to be (rule 8 allows [-2^20, 2^31)).
const THREAD_LOCAL: i64 = -0x8_0000;
const PAGE: u64 = 0x1000;
/// Length of each of [`Stubs`].
const STUB: usize = 16;

/// Why the object could not be laid out.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// Not a readable object.
    #[error("cannot read the box object: {0}")]
    Read(#[from] object::Error),
    /// A relocation that no linker would accept here, or that we do not know.
    #[error("relocation type {kind} in {section} at {offset:#x} against '{symbol}': {problem}")]
    Relocation {
        /// `R_X86_64_*`.
        kind: u32,
        /// Where.
        section: String,
        /// Where in the section.
        offset: u64,
        /// Against what.
        symbol: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// The function table does not describe the text.
    #[error("function table: {0}")]
    Functions(&'static str),
}

/// A laid out box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// From [`BASE`] on: gate, text, tables; whole pages.
    pub bytes: Vec<u8>,
    /// End of the text (start: behind the gate).
    pub text_end: u64,
    /// Tables.
    pub tables: std::ops::Range<u64>,
    /// Start, size and symbol of each function, by address.
    pub functions: Vec<(u64, u64, String)>,
}

/// Lays out a box object.
pub fn lay_out(object: &[u8]) -> Result<Layout, LayoutError> {
    let file = ElfFile64::<LittleEndian>::parse(object)?;
    let mut linker = Linker {
        places: HashMap::new(),
        bytes: vec![0; gate_size()],
        next_data: DATA_FIRST,
    };
    linker.place(&file, ".privbox.text")?;
    let stubs = Stubs::add(&mut linker);
    let text_end = linker.end();
    let tables_start = linker.end_aligned(PAGE, 0xcc);
    linker.place(&file, ".privbox.tables")?;
    let tables = tables_start..linker.end();
    linker.end_aligned(PAGE, 0);
    linker.place_data(&file);

    let symbols = Symbols::resolve(&file, &mut linker, &stubs)?;
    let indices: Vec<SectionIndex> = linker.places.keys().copied().collect();
    for index in indices {
        let section = file.section_by_index(index)?;
        let start = linker.places[&index];
        if start < linker.end() {
            linker.relocate(&section, start, &symbols)?;
        }
    }
    let mut functions = functions(&file, &symbols)?;
    for stub in [stubs.anything, stubs.shallow] {
        functions.push((stub, STUB as u64, String::new()));
    }
    functions.sort();
    Ok(Layout {
        bytes: linker.bytes,
        text_end,
        tables,
        functions,
    })
}

/// What stands for functions of other units, and for those of this one that the linker may replace.
struct Stubs {
    /// `jmp` to the thunk: as deep as rule 13 lets a function go, and from there anywhere.
    anything: u64,
    /// A frame of [`LIBRARY`] bytes: a function that is known not to need more.
    shallow: u64,
}

impl Stubs {
    fn add(linker: &mut Linker) -> Self {
        let anything = linker.end_aligned(16, 0xcc);
        let thunk = BASE + u64::from(gate::THUNK);
        linker.bytes.push(0xe9);
        let distance = thunk.wrapping_sub(linker.end() + 4) as i32;
        linker.bytes.extend_from_slice(&distance.to_le_bytes());
        let shallow = linker.end_aligned(16, 0xcc);
        // sub, add: RSP.
        for opcode in [0xec, 0xc4] {
            linker.bytes.extend_from_slice(&[0x48, 0x81, opcode]);
            let size = LIBRARY as u32;
            linker.bytes.extend_from_slice(&size.to_le_bytes());
        }
        // ret, int3
        linker.bytes.extend_from_slice(&[0xc3, 0xcc]);
        linker.end_aligned(16, 0xcc);
        Self { anything, shallow }
    }

    fn of(&self, name: &str) -> u64 {
        if is_shallow(name) {
            self.shallow
        } else {
            self.anything
        }
    }
}

fn gate_size() -> usize {
    gate::BOX_GATE_SIZE as usize
}

struct Linker {
    /// Where each section was put.
    places: HashMap<SectionIndex, u64>,
    bytes: Vec<u8>,
    next_data: u64,
}

impl Linker {
    fn end(&self) -> u64 {
        BASE + self.bytes.len() as u64
    }

    /// Pads to an alignment and returns the new end.
    fn end_aligned(&mut self, align: u64, fill: u8) -> u64 {
        let length = (self.bytes.len() as u64).next_multiple_of(align.clamp(1, PAGE)) as usize;
        self.bytes.resize(length, fill);
        self.end()
    }

    fn place(
        &mut self,
        file: &ElfFile64<'_, LittleEndian>,
        prefix: &str,
    ) -> Result<(), LayoutError> {
        for section in file.sections() {
            let name = section.name_bytes()?;
            if name.starts_with(prefix.as_bytes()) {
                let start = self.end_aligned(section.align(), 0xcc);
                self.bytes.extend_from_slice(section.data()?);
                self.places.insert(section.index(), start);
            }
        }
        Ok(())
    }

    /// Constants and the like get an address in the data segment; their contents do not matter.
    fn place_data(&mut self, file: &ElfFile64<'_, LittleEndian>) {
        for section in file.sections() {
            if !self.places.contains_key(&section.index()) {
                let start = self.data(section.size());
                self.places.insert(section.index(), start);
            }
        }
    }

    fn data(&mut self, size: u64) -> u64 {
        let start = self.next_data;
        self.next_data = start
            .saturating_add(size)
            .next_multiple_of(64)
            .min(DATA + DATA_SIZE - PAGE);
        start
    }

    fn relocate<'data>(
        &mut self,
        section: &impl ObjectSection<'data>,
        start: u64,
        symbols: &Symbols,
    ) -> Result<(), LayoutError> {
        for (offset, relocation) in section.relocations() {
            let RelocationFlags::Elf { r_type } = relocation.flags() else {
                continue;
            };
            let RelocationTarget::Symbol(index) = relocation.target() else {
                continue;
            };
            let Some(symbol) = symbols.get(index) else {
                continue;
            };
            let at = Reloc {
                kind: r_type,
                place: start + offset,
                addend: relocation.addend(),
            };
            let problem = |problem| LayoutError::Relocation {
                kind: r_type.0,
                section: section.name().unwrap_or_default().to_owned(),
                offset,
                symbol: symbol.name.clone(),
                problem,
            };
            let (value, size) = at.value(symbol).map_err(problem)?;
            let from = (start - BASE + offset) as usize;
            let field = self
                .bytes
                .get_mut(from..from + size)
                .filter(|_| offset + size as u64 <= section.size())
                .ok_or_else(|| problem("lies outside its section"))?;
            field.copy_from_slice(&value.to_le_bytes()[..size]);
        }
        Ok(())
    }
}

struct Symbol {
    name: String,
    address: u64,
    /// Where calls of it lead: not to a weak definition, which the linker may replace.
    called: u64,
    /// Its imaginary GOT slot.
    slot: u64,
    thread_local: bool,
}

struct Symbols(HashMap<SymbolIndex, Symbol>);

impl Symbols {
    fn resolve(
        file: &ElfFile64<'_, LittleEndian>,
        linker: &mut Linker,
        stubs: &Stubs,
    ) -> Result<Self, LayoutError> {
        let mut symbols = HashMap::new();
        // One imaginary address per undefined name: a symbol is one thing.
        for symbol in file.symbols() {
            let name = symbol.name().unwrap_or_default().to_owned();
            let thread_local = symbol.kind() == object::SymbolKind::Tls;
            let address = match symbol.section_index() {
                Some(section) => {
                    let start = linker.places.get(&section).copied().unwrap_or(DATA_FIRST);
                    start.wrapping_add(symbol.address())
                }
                None if symbol.is_undefined() || symbol.is_common() => {
                    external(&name, linker, stubs)
                }
                None => symbol.address(),
            };
            let slot = linker.data(8);
            let called = if symbol.is_weak() && is_clone(&name) {
                stubs.of(&name)
            } else {
                address
            };
            symbols.insert(
                symbol.index(),
                Symbol {
                    name,
                    address,
                    called,
                    slot,
                    thread_local,
                },
            );
        }
        Ok(Self(symbols))
    }

    fn get(&self, index: SymbolIndex) -> Option<&Symbol> {
        self.0.get(&index)
    }
}

/// Where an undefined symbol is.
fn external(name: &str, linker: &mut Linker, stubs: &Stubs) -> u64 {
    if let Some(offset) = gate_offset(name) {
        return BASE + offset;
    }
    if is_clone(name) {
        return stubs.of(name);
    }
    linker.data(64)
}

fn is_clone(name: &str) -> bool {
    name.ends_with(".privbox") || name.contains(".privbox.")
}

fn gate_offset(name: &str) -> Option<u64> {
    // LLVM's name of the thunk for R11 targets.
    let name = if name == "__x86_indirect_thunk_r11" {
        "__privbox_gate_thunk"
    } else {
        name
    };
    gate::ENTRIES
        .iter()
        .find(|entry| entry.name == name)
        .map(|entry| u64::from(entry.offset))
}

struct Reloc {
    kind: elf::RelocationType,
    place: u64,
    addend: i64,
}

impl Reloc {
    /// The value and its size in bytes (psABI, "Relocation Types").
    fn value(&self, symbol: &Symbol) -> Result<(i64, usize), &'static str> {
        let target = symbol.address.wrapping_add_signed(self.addend) as i64;
        let relative = target.wrapping_sub(self.place as i64);
        let slot = symbol
            .slot
            .wrapping_add_signed(self.addend)
            .wrapping_sub(self.place) as i64;
        let (value, size) = match self.kind {
            elf::R_X86_64_NONE | elf::R_X86_64_TLSDESC_CALL => (0, 0),
            elf::R_X86_64_64 => (target, 8),
            elf::R_X86_64_PC64 => (relative, 8),
            elf::R_X86_64_PC32 => (in_32(relative)?, 4),
            elf::R_X86_64_PLT32 => {
                let called = symbol.called.wrapping_add_signed(self.addend);
                (in_32(called.wrapping_sub(self.place) as i64)?, 4)
            }
            elf::R_X86_64_32 | elf::R_X86_64_32S => (in_32(target)?, 4),
            elf::R_X86_64_GOTPCREL
            | elf::R_X86_64_GOTPCRELX
            | elf::R_X86_64_REX_GOTPCRELX
            | elf::R_X86_64_GOTTPOFF
            | elf::R_X86_64_GOTPC32_TLSDESC
            | elf::R_X86_64_TLSGD
            | elf::R_X86_64_TLSLD => (in_32(slot)?, 4),
            elf::R_X86_64_TPOFF32 if symbol.thread_local => {
                (in_32(THREAD_LOCAL.wrapping_add(self.addend))?, 4)
            }
            elf::R_X86_64_TPOFF32 | elf::R_X86_64_DTPOFF32 => {
                (in_32(THREAD_LOCAL.wrapping_add(self.addend))?, 4)
            }
            _ => return Err("is not expected in box code"),
        };
        Ok((value, size))
    }
}

fn in_32(value: i64) -> Result<i64, &'static str> {
    i32::try_from(value)
        .map(i64::from)
        .map_err(|_| "does not reach its target")
}

/// The functions that `.privbox.funcs.*` declares.
fn functions(
    file: &ElfFile64<'_, LittleEndian>,
    symbols: &Symbols,
) -> Result<Vec<(u64, u64, String)>, LayoutError> {
    let mut functions = Vec::new();
    let names = names(file, symbols);
    for section in file.sections() {
        if !section.name_bytes()?.starts_with(b".privbox.funcs") {
            continue;
        }
        let data = section.data()?;
        for (offset, relocation) in section.relocations() {
            let RelocationTarget::Symbol(index) = relocation.target() else {
                continue;
            };
            let Some(symbol) = symbols.get(index) else {
                continue;
            };
            let size = usize::try_from(offset)
                .ok()
                .and_then(|at| data.get(at + 4..at + 8))
                .and_then(|bytes| bytes.try_into().ok())
                .map(u32::from_le_bytes)
                .ok_or(LayoutError::Functions("an entry is cut short"))?;
            let start = symbol.address.wrapping_add_signed(relocation.addend());
            let name = names.get(&start).cloned().unwrap_or_default();
            functions.push((start, size.into(), name));
        }
    }
    Ok(functions)
}

/// The functions' names by address: an entry refers to its section, which has none. Of several names
/// the first one counts, as in the pass.
fn names(file: &ElfFile64<'_, LittleEndian>, symbols: &Symbols) -> HashMap<u64, String> {
    let mut names = HashMap::new();
    for symbol in file.symbols() {
        if symbol.kind() == object::SymbolKind::Text
            && let Some(symbol) = symbols.get(symbol.index())
        {
            names
                .entry(symbol.address)
                .or_insert_with(|| symbol.name.clone());
        }
    }
    names
}

/// Whether the file is one that [`lay_out`] can read at all.
pub fn is_relocatable(object: &[u8]) -> bool {
    elf::FileHeader64::<Endianness>::parse(object)
        .is_ok_and(|header| header.e_type.get(Endianness::Little) == elf::ET_REL)
}

#[cfg(test)]
mod tests;
