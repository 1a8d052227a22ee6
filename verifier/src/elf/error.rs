//! Why a file cannot be read as an image.

use alloc::string::String;

use crate::manifest::ManifestError;
use crate::rule::Rule;

/// Why a file cannot be read as an image. Addresses are link-time virtual addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// Not an executable for this machine.
    #[error("not an x86-64 ELF executable: {0}")]
    NotExecutable(&'static str),
    /// A part of the file that contradicts itself or the ELF specification.
    #[error("{what} of the ELF file is malformed: {problem}; the file is damaged, link it again")]
    Malformed {
        /// Which part.
        what: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
    /// No manifest note.
    #[error(
        "the file has no box: it contains no manifest note; compile and link it with privbox-cc \
         and choose functions with -fprivbox-fn=NAME"
    )]
    NoBox,
    /// More than one manifest note: which one counts would be the reader's choice.
    #[error(
        "the file contains {0} manifest notes instead of one; link with privbox-cc, which adds \
         libprivbox once, and not with objects that bring a note of their own"
    )]
    SeveralManifests(usize),
    /// The note is in no load segment.
    #[error(
        "the manifest note is not part of a load segment; link with privbox.ld, which keeps \
         .note.privbox allocated"
    )]
    ManifestNotLoaded,
    /// The manifest cannot be read.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Ranges of the manifest that cannot be.
    #[error("the manifest's {what} {start:#x}..{end:#x} {problem}; link again with privbox-cc")]
    Range {
        /// Which range.
        what: &'static str,
        /// Its start.
        start: u64,
        /// Its end.
        end: u64,
        /// What is wrong.
        problem: &'static str,
    },
    /// The segment that should be the box is none.
    #[error("the box segment at {start:#x} {problem}; link with privbox.ld and default page sizes")]
    BoxSegment {
        /// Its start.
        start: u64,
        /// What is wrong.
        problem: &'static str,
    },
    /// Something else would be mapped over pages of the box, or change their protection.
    #[error(
        "{what} at {start:#x}, {size:#x} bytes, overlaps pages of the box at {box_start:#x}; \
         check the linker script in use"
    )]
    BoxOverlap {
        /// What overlaps it.
        what: String,
        /// Where it starts.
        start: u64,
        /// Its size in memory in bytes.
        size: u64,
        /// Start of the box.
        box_start: u64,
    },
    /// Two load segments share addresses.
    #[error(
        "the load segments at {first:#x} and {second:#x} overlap; check the linker script in use"
    )]
    SegmentsOverlap {
        /// Start of the lower one.
        first: u64,
        /// Start of the other.
        second: u64,
    },
    /// A file of fixed address that uses the lowest one (rule 8).
    #[error(
        "the load segments of a file of fixed address start at 0; link at the default address, or with -pie"
    )]
    StartsAtZero,
    /// The file asks the loader to make its code writable.
    #[error(
        "the file has text relocations (DT_TEXTREL): the loader would write into code; compile \
         all objects with -fPIE, or link with -no-pie"
    )]
    TextRelocations,
    /// A dynamic relocation writes where the verifier has looked.
    #[error(
        "a dynamic relocation (type {kind}) writes to {address:#x}, which is in {target}; code and \
         tables of a box must be position independent: compile with -fPIE"
    )]
    Relocation {
        /// `R_X86_64_*`; for a RELR entry 8, which is what it means.
        kind: u32,
        /// Where it writes.
        address: u64,
        /// What lies there.
        target: &'static str,
    },
    /// A relocation format that is not examined.
    #[error(
        "the file has dynamic relocations in a packed format (dynamic tag {0:#x}) that cannot be \
         checked; link without --pack-dyn-relocs=android"
    )]
    PackedRelocations(u64),
}

impl ImageError {
    /// The rule that the file breaks; `None` if it is not a file for the verifier at all.
    pub fn rule(&self) -> Option<Rule> {
        match self {
            Self::NotExecutable(_) | Self::Malformed { .. } | Self::NoBox => None,
            Self::BoxSegment { .. }
            | Self::BoxOverlap { .. }
            | Self::Range { .. }
            | Self::TextRelocations
            | Self::Relocation { .. }
            | Self::PackedRelocations(_) => Some(Rule::R1),
            Self::SegmentsOverlap { .. } | Self::StartsAtZero => Some(Rule::R8),
            Self::Manifest(ManifestError::Level(_)) => Some(Rule::R14),
            Self::Manifest(ManifestError::Strength(_)) => Some(Rule::T1),
            Self::Manifest(ManifestError::Features(_)) => Some(Rule::R3),
            Self::SeveralManifests(_) | Self::ManifestNotLoaded | Self::Manifest(_) => {
                Some(Rule::R15)
            }
        }
    }
}
