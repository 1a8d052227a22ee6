//! Headers and load segments of a hostile ELF file.
//!
//! What the loader would do counts, so addresses are resolved through load segments and never
//! through sections. All arithmetic is checked and all sizes are bounded by the file.

use alloc::vec::Vec;
use core::ops::Range;

use object::LittleEndian as LE;
use object::elf::{self, FileHeader64, ProgramHeader64};
use object::read::elf::FileHeader;

use super::ImageError;

/// Pages are what the loader maps and protects.
pub(super) const PAGE: u64 = 0x1000;
/// Linux refuses files with more than 64 KiB of program headers.
const MAX_PROGRAM_HEADERS: usize = 65536 / size_of::<ProgramHeader64<LE>>();

/// The headers.
pub(super) struct Headers<'a> {
    pub(super) file: &'a [u8],
    pub(super) header: &'a FileHeader64<LE>,
    pub(super) programs: &'a [ProgramHeader64<LE>],
}

impl<'a> Headers<'a> {
    pub(super) fn parse(file: &'a [u8]) -> Result<Self, ImageError> {
        let header = FileHeader64::<LE>::parse(file)
            .map_err(|_| ImageError::NotExecutable("no 64-bit ELF header"))?;
        if !header.is_little_endian() || header.e_machine(LE) != elf::EM_X86_64 {
            return Err(ImageError::NotExecutable("it is for another machine"));
        }
        if !matches!(header.e_type(LE), elf::ET_EXEC | elf::ET_DYN) {
            return Err(ImageError::NotExecutable(
                "it is not linked (an object file, or a core)",
            ));
        }
        let malformed = |problem| ImageError::Malformed {
            what: "the program header table",
            problem,
        };
        let programs = header
            .program_headers(LE, file)
            .map_err(|_| malformed("it lies outside the file or has entries of another size"))?;
        if programs.len() > MAX_PROGRAM_HEADERS {
            return Err(malformed("it has more entries than a loader accepts"));
        }
        Ok(Self {
            file,
            header,
            programs,
        })
    }

    /// The program headers of one type.
    pub(super) fn of_type(
        &self,
        kind: elf::ProgramType,
    ) -> impl Iterator<Item = &'a ProgramHeader64<LE>> + use<'a> {
        self.programs
            .iter()
            .filter(move |program| program.p_type.get(LE) == kind)
    }
}

/// A PT_LOAD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Load {
    pub(super) start: u64,
    /// After its last byte in memory.
    pub(super) end: u64,
    /// What it maps of the file: as long as the segment, or shorter.
    pub(super) file: Range<usize>,
    pub(super) flags: u32,
}

impl Load {
    fn read(program: &ProgramHeader64<LE>, file_size: usize) -> Result<Self, &'static str> {
        let (start, offset) = (program.p_vaddr.get(LE), program.p_offset.get(LE));
        let (in_file, in_memory) = (program.p_filesz.get(LE), program.p_memsz.get(LE));
        if in_file > in_memory {
            return Err("it is larger in the file than in memory");
        }
        let end = start
            .checked_add(in_memory)
            .ok_or("it ends beyond the address space")?;
        if start % PAGE != offset % PAGE {
            return Err("its address and its place in the file differ within the page");
        }
        let file_end = offset
            .checked_add(in_file)
            .and_then(|end| usize::try_from(end).ok());
        let file_end = file_end
            .filter(|end| *end <= file_size)
            .ok_or("it lies outside the file")?;
        let file = file_end - in_file as usize..file_end;
        Ok(Self {
            start,
            end,
            file,
            flags: program.p_flags.get(LE).0,
        })
    }

    pub(super) fn is_writable(&self) -> bool {
        self.flags & elf::PF_W.0 != 0
    }

    /// Whether the loader's pages for it touch those of a range.
    pub(super) fn shares_page(&self, range: &Range<u64>) -> bool {
        share_page(self.start..self.end, range)
    }
}

/// Whether two ranges have a page in common.
pub(super) fn share_page(one: Range<u64>, other: &Range<u64>) -> bool {
    let pages = |range: &Range<u64>| {
        (
            range.start / PAGE,
            range.end.checked_sub(1).map_or(0, |last| last / PAGE),
        )
    };
    if one.is_empty() || other.is_empty() {
        return false;
    }
    let ((first, last), (other_first, other_last)) = (pages(&one), pages(other));
    first <= other_last && other_first <= last
}

/// What the loader maps.
pub(super) struct Memory<'a> {
    file: &'a [u8],
    /// By address, without overlaps.
    pub(super) loads: Vec<Load>,
}

impl<'a> Memory<'a> {
    pub(super) fn map(headers: &Headers<'a>) -> Result<Self, ImageError> {
        let loads: Result<Vec<Load>, _> = headers
            .of_type(elf::PT_LOAD)
            .map(|program| Load::read(program, headers.file.len()))
            .collect();
        let mut loads = loads.map_err(|problem| ImageError::Malformed {
            what: "a load segment",
            problem,
        })?;
        loads.sort_by_key(|load| (load.start, load.end));
        let overlap = loads.windows(2).find(|pair| pair[1].start < pair[0].end);
        if let Some([first, second]) = overlap {
            return Err(ImageError::SegmentsOverlap {
                first: first.start,
                second: second.start,
            });
        }
        Ok(Self {
            file: headers.file,
            loads,
        })
    }

    /// The segment that holds an address.
    pub(super) fn load_at(&self, address: u64) -> Option<&Load> {
        let after = self.loads.partition_point(|load| load.start <= address);
        // Empty segments may share their start with the one that holds it.
        let mut before = self.loads[..after].iter().rev();
        before
            .find(|load| load.end > load.start)
            .filter(|load| address < load.end)
    }

    /// The file's bytes from an address to the end of what its segment maps of the file.
    pub(super) fn bytes_from(&self, address: u64) -> Option<&'a [u8]> {
        let load = self.load_at(address)?;
        let bytes = self.file.get(load.file.clone())?;
        bytes.get(usize::try_from(address - load.start).ok()?..)
    }

    /// The file's bytes at an address.
    pub(super) fn bytes_at(&self, address: u64, size: u64) -> Option<&'a [u8]> {
        self.bytes_from(address)?.get(..usize::try_from(size).ok()?)
    }
}
