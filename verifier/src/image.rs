//! What the verifier sees of a linked file.

use alloc::vec::Vec;
use core::ops::Range;

pub use crate::elf::ImageError;
use crate::features::Features;
use crate::manifest::{Level, Strength};

/// A function, as the function table states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Function {
    /// Link-time address.
    pub start: u64,
    /// Size in bytes.
    pub size: u64,
}

/// A PT_LOAD segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Link-time address.
    pub start: u64,
    /// Size in memory in bytes.
    pub size: u64,
    /// `p_flags`: 1 execute, 2 write, 4 read.
    pub flags: u32,
}

impl Segment {
    /// The address after its last byte; `None` if it does not fit 64 bits.
    pub fn end(&self) -> Option<u64> {
        self.start.checked_add(self.size)
    }

    /// Whether it is mapped executable.
    pub fn is_executable(&self) -> bool {
        self.flags & 1 != 0
    }

    /// Whether it is mapped writable.
    pub fn is_writable(&self) -> bool {
        self.flags & 2 != 0
    }
}

/// A linked file, reduced to what the rules speak of. All addresses are link-time virtual
/// addresses. Nothing in it is trusted: [`crate::verify::verify`] checks how the parts lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Start of the box.
    pub base: u64,
    /// The whole box segment: gate, text, tables.
    pub bytes: Vec<u8>,
    /// The functions.
    pub text: Range<u64>,
    /// The jump tables.
    pub tables: Range<u64>,
    /// The function table, by address (rule 1 wants it so).
    pub functions: Vec<Function>,
    /// All PT_LOAD segments, the box included, by address.
    pub segments: Vec<Segment>,
    /// Claimed level.
    pub level: Level,
    /// Claimed strength.
    pub strength: Strength,
    /// Claimed CPU features.
    pub features: Features,
    /// Claimed digest; `None`: not filled in.
    pub digest: Option<[u8; 32]>,
}

impl Image {
    /// Reads a linked ELF file.
    pub fn from_elf(file: &[u8]) -> Result<Self, ImageError> {
        crate::elf::read_image(file)
    }

    /// The digest that the manifest must hold (rule 15).
    pub fn compute_digest(&self) -> [u8; 32] {
        crate::digest::of_image(self)
    }

    /// The address after the box's last byte.
    pub fn end(&self) -> u64 {
        self.base.saturating_add(self.bytes.len() as u64)
    }

    /// The bytes at an address range that lies in the box.
    pub fn bytes_at(&self, range: Range<u64>) -> Option<&[u8]> {
        let start = usize::try_from(range.start.checked_sub(self.base)?).ok()?;
        let end = usize::try_from(range.end.checked_sub(self.base)?).ok()?;
        self.bytes.get(start..end)
    }
}
