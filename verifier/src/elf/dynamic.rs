//! Dynamic relocations must not touch what the verifier has looked at (docs/image-format.md).
//!
//! Found as the dynamic loader and a static PIE's start code find them: from PT_DYNAMIC through
//! load segments.

use alloc::vec::Vec;
use core::ops::Range;

use object::LittleEndian as LE;
use object::elf::{self, Dyn64, Rel64, Rela64, Sym64};
use object::pod::{Pod, slice_from_bytes};

use super::ImageError;
use super::segments::{Headers, Memory};

/// What a RELR entry means: the load bias is added to the 8 bytes there.
const RELATIVE: u32 = elf::R_X86_64_RELATIVE.0;

fn malformed(problem: &'static str) -> ImageError {
    ImageError::Malformed {
        what: "the dynamic section",
        problem,
    }
}

/// A range that no relocation may write to, and its name.
pub(super) type Protected = (Range<u64>, &'static str);

/// Refuses text relocations and relocations that write into one of the ranges.
pub(super) fn check(
    headers: &Headers<'_>,
    memory: &Memory<'_>,
    protected: &[Protected],
) -> Result<(), ImageError> {
    let mut segments = headers.of_type(elf::PT_DYNAMIC);
    let Some(segment) = segments.next() else {
        return Ok(());
    };
    if segments.next().is_some() {
        return Err(malformed("there is more than one"));
    }
    let table = Dynamic::read(memory, segment.p_vaddr.get(LE))?;
    if table.text_relocations {
        return Err(ImageError::TextRelocations);
    }
    let relocations = Relocations {
        memory,
        protected,
        symbols: table.symbols,
    };
    for range in [table.rela, if table.plt_is_rela { table.plt } else { None }] {
        for entry in relocations.entries::<Rela64<LE>>(range)? {
            relocations.check(entry.r_offset.get(LE), entry.r_info.get(LE))?;
        }
    }
    for range in [table.rel, if table.plt_is_rela { None } else { table.plt }] {
        for entry in relocations.entries::<Rel64<LE>>(range)? {
            relocations.check(entry.r_offset.get(LE), entry.r_info.get(LE))?;
        }
    }
    relocations.check_relr(table.relr)
}

/// Address and size in bytes.
type Table = Option<(u64, u64)>;

/// What the dynamic section says of relocations.
struct Dynamic {
    rela: Table,
    rel: Table,
    relr: Table,
    plt: Table,
    plt_is_rela: bool,
    symbols: Option<u64>,
    text_relocations: bool,
}

impl Dynamic {
    fn read(memory: &Memory<'_>, address: u64) -> Result<Self, ImageError> {
        let bytes = memory
            .bytes_from(address)
            .ok_or(malformed("it lies in no load segment's file data"))?;
        let entries: &[Dyn64<LE>] = whole(bytes);
        let end = entries
            .iter()
            .position(|entry| entry.d_tag.get(LE) == elf::DT_NULL);
        let entries = &entries[..end.ok_or(malformed("it does not end with DT_NULL"))?];
        let packed = |tag: &u64| {
            [
                elf::DT_ANDROID_REL,
                elf::DT_ANDROID_RELA,
                elf::DT_ANDROID_RELR,
            ]
            .iter()
            .any(|packed| packed.0 as u64 == *tag)
        };
        let mut tags = entries.iter().map(|entry| entry.d_tag.get(LE).0 as u64);
        if let Some(tag) = tags.find(packed) {
            return Err(ImageError::PackedRelocations(tag));
        }
        let value = |tag: elf::DynamicTag| {
            let mut values = entries.iter().filter(|entry| entry.d_tag.get(LE) == tag);
            let value = values.next().map(|entry| entry.d_val.get(LE));
            // Readers differ in which one they take.
            match values.next() {
                None => Ok(value),
                Some(_) => Err(malformed("an entry for relocations occurs twice")),
            }
        };
        let table = |address, size| match (value(address)?, value(size)?) {
            (_, None | Some(0)) => Ok(None),
            (Some(address), Some(size)) => Ok(Some((address, size))),
            (None, Some(_)) => Err(malformed("a relocation table has a size but no address")),
        };
        let sizes = [
            (elf::DT_RELAENT, 24),
            (elf::DT_RELENT, 16),
            (elf::DT_RELRENT, 8),
        ];
        for (tag, size) in sizes {
            if value(tag)?.is_some_and(|value| value != size) {
                return Err(malformed("relocations have an unknown size"));
            }
        }
        let plt_is_rela = match value(elf::DT_PLTREL)?.map(|kind| kind as i64) {
            None => true,
            Some(kind) if kind == elf::DT_RELA.0 => true,
            Some(kind) if kind == elf::DT_REL.0 => false,
            Some(_) => return Err(malformed("DT_PLTREL is neither DT_RELA nor DT_REL")),
        };
        Ok(Self {
            rela: table(elf::DT_RELA, elf::DT_RELASZ)?,
            rel: table(elf::DT_REL, elf::DT_RELSZ)?,
            relr: table(elf::DT_RELR, elf::DT_RELRSZ)?,
            plt: table(elf::DT_JMPREL, elf::DT_PLTRELSZ)?,
            plt_is_rela,
            symbols: value(elf::DT_SYMTAB)?,
            text_relocations: value(elf::DT_TEXTREL)?.is_some()
                || value(elf::DT_FLAGS)?.is_some_and(|flags| flags & TEXT_RELOCATIONS != 0),
        })
    }
}

const TEXT_RELOCATIONS: u64 = elf::DF_TEXTREL.0;

/// As many whole entries as there are.
fn whole<T: Pod>(bytes: &[u8]) -> &[T] {
    slice_from_bytes(bytes, bytes.len() / size_of::<T>()).map_or(&[], |(entries, _)| entries)
}

struct Relocations<'a> {
    memory: &'a Memory<'a>,
    protected: &'a [Protected],
    symbols: Option<u64>,
}

impl<'a> Relocations<'a> {
    fn entries<T: Pod>(&self, table: Table) -> Result<&'a [T], ImageError> {
        let Some((address, size)) = table else {
            return Ok(&[]);
        };
        if size % size_of::<T>() as u64 != 0 {
            return Err(malformed("a relocation table ends within an entry"));
        }
        let bytes = self.memory.bytes_at(address, size);
        bytes.map(whole).ok_or(malformed(
            "a relocation table lies in no load segment's file data",
        ))
    }

    /// A REL or RELA entry.
    fn check(&self, address: u64, info: u64) -> Result<(), ImageError> {
        let kind = info as u32;
        let size = match elf::RelocationType(kind) {
            elf::R_X86_64_NONE => return Ok(()),
            // As large as the symbol: the loader copies it out of a shared library.
            elf::R_X86_64_COPY => self.symbol_size(info >> 32)?,
            elf::R_X86_64_TLSDESC => 16,
            // No other type writes more.
            _ => 8,
        };
        self.refuse_write(kind, address, size)
    }

    fn symbol_size(&self, index: u64) -> Result<u64, ImageError> {
        let entry = size_of::<Sym64<LE>>() as u64;
        self.symbols
            .and_then(|table| table.checked_add(index.checked_mul(entry)?))
            .and_then(|address| self.memory.bytes_at(address, entry))
            .and_then(|bytes| whole::<Sym64<LE>>(bytes).first())
            .map(|symbol| symbol.st_size.get(LE))
            .ok_or(malformed(
                "a copy relocation names a symbol that does not exist",
            ))
    }

    /// The packed format of relative relocations (gABI, "Relative Relocation Table").
    fn check_relr(&self, table: Table) -> Result<(), ImageError> {
        const WORD: u64 = 8;
        /// Words that a bitmap covers; its lowest bit marks it as one.
        const COVERED: u64 = 63;
        let mut next = None;
        for entry in self
            .entries::<object::U64<LE>>(table)?
            .iter()
            .map(|entry| entry.get(LE))
        {
            if entry & 1 == 0 {
                self.refuse_write(RELATIVE, entry, WORD)?;
                next = Some(entry.wrapping_add(WORD));
                continue;
            }
            let start = next.ok_or(malformed("the RELR table starts with a bitmap"))?;
            // Rarely near anything protected: only then bit by bit.
            if self.hit(start, COVERED * WORD).is_some() {
                for bit in (0..COVERED).filter(|bit| entry >> (bit + 1) & 1 == 1) {
                    self.refuse_write(RELATIVE, start.wrapping_add(bit * WORD), WORD)?;
                }
            }
            next = Some(start.wrapping_add(COVERED * WORD));
        }
        Ok(())
    }

    fn refuse_write(&self, kind: u32, address: u64, size: u64) -> Result<(), ImageError> {
        match self.hit(address, size) {
            None => Ok(()),
            Some(target) => Err(ImageError::Relocation {
                kind,
                address,
                target,
            }),
        }
    }

    /// What protected range a write hits. Addresses wrap, as they do when the bias is added.
    fn hit(&self, address: u64, size: u64) -> Option<&'static str> {
        let hits = |range: &Range<u64>| {
            size > 0
                && (address.wrapping_sub(range.start) < range.end.saturating_sub(range.start)
                    || (!range.is_empty() && range.start.wrapping_sub(address) < size))
        };
        self.protected
            .iter()
            .find(|(range, _)| hits(range))
            .map(|(_, name)| *name)
    }
}

/// So that callers need not name the vector.
pub(super) fn protect(ranges: &[(&Range<u64>, &'static str)]) -> Vec<Protected> {
    ranges
        .iter()
        .map(|(range, name)| ((*range).clone(), *name))
        .collect()
}
