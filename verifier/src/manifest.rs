//! The manifest: the note that says where the box is and what it claims (docs/image-format.md).

use core::fmt;
use core::ops::Range;
use core::str::FromStr;

use crate::features::Features;
use crate::gate;

/// Size in bytes of the note's descriptor.
pub const SIZE: usize = 168;
/// Version of the descriptor's layout.
pub const VERSION: u32 = 1;
/// Name of the note, with its NUL.
pub const NOTE_NAME: &[u8; 8] = b"Privbox\0";
/// Type of the note.
pub const NOTE_TYPE: u32 = 1;

/// Which hardware help the image needs (rule 14).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Level {
    /// None: every access is proved.
    #[default]
    Mask,
    /// Supervisor protection keys: only stores are proved.
    Pks,
    /// The paper's proposed feature: no access is proved.
    Spap,
}

impl Level {
    /// As in the manifest.
    pub fn number(self) -> u32 {
        match self {
            Self::Mask => 0,
            Self::Pks => 1,
            Self::Spap => 2,
        }
    }

    /// From the manifest.
    pub fn from_number(number: u32) -> Option<Self> {
        [Self::Mask, Self::Pks, Self::Spap]
            .into_iter()
            .find(|level| level.number() == number)
    }

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mask => "mask",
            Self::Pks => "pks",
            Self::Spap => "spap",
        }
    }

    /// Whether an image of this level proves at least what `required` asks for.
    pub fn covers(self, required: Self) -> bool {
        self.number() <= required.number()
    }
}

/// What the proof holds against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Strength {
    /// Rules 1 to 15.
    #[default]
    Architectural,
    /// Rule T1 too: nor can mispredicted returns and jumps reach the kernel half.
    Transient,
}

impl Strength {
    /// As in the manifest.
    pub fn number(self) -> u32 {
        match self {
            Self::Architectural => 0,
            Self::Transient => 1,
        }
    }

    /// From the manifest.
    pub fn from_number(number: u32) -> Option<Self> {
        [Self::Architectural, Self::Transient]
            .into_iter()
            .find(|it| it.number() == number)
    }

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Architectural => "architectural",
            Self::Transient => "transient",
        }
    }

    /// Whether an image of this strength proves at least what `required` asks for.
    pub fn covers(self, required: Self) -> bool {
        self.number() >= required.number()
    }
}

/// The text names no level, or no strength.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected one of: {0}")]
pub struct UnknownName(&'static str);

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Level {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        [Self::Mask, Self::Pks, Self::Spap]
            .into_iter()
            .find(|level| level.name() == text)
            .ok_or(UnknownName("mask, pks, spap"))
    }
}

impl fmt::Display for Strength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Strength {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        [Self::Architectural, Self::Transient]
            .into_iter()
            .find(|strength| strength.name() == text)
            .ok_or(UnknownName("architectural, transient"))
    }
}

/// The manifest's contents. Ranges are link-time virtual addresses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Manifest {
    /// Hardware help needed.
    pub level: Level,
    /// What the proof holds against.
    pub strength: Strength,
    /// CPU features used.
    pub features: Features,
    /// The whole segment: gate, text, tables; whole pages.
    pub box_segment: Range<u64>,
    /// Functions; starts right after the gate.
    pub text: Range<u64>,
    /// Jump tables.
    pub tables: Range<u64>,
    /// `.privbox.funcs`.
    pub function_table: Range<u64>,
    /// `.privbox.map`.
    pub translation_table: Range<u64>,
    /// SHA-256; all zero: not filled in yet.
    pub digest: [u8; 32],
}

/// Why a manifest cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Wrong length.
    #[error(
        "the manifest is {0} bytes long instead of {SIZE}: the file is damaged or of another version; link it again"
    )]
    Size(usize),
    /// All zero: as the linker lays it out.
    #[error(
        "the manifest is not filled in: link with privbox-cc, which does that after the linker"
    )]
    NotFilled,
    /// Another layout.
    #[error(
        "manifest version {0} is not known, only {VERSION}: use the verifier of the toolchain that linked the file"
    )]
    Version(u32),
    /// Another gate.
    #[error("gate ABI version {0} is not known, only {known}: link again with this toolchain's libprivbox", known = gate::ABI_VERSION)]
    GateAbi(u32),
    /// A level that rule 14 does not know.
    #[error("level {0} is not known: 0 is mask, 1 pks, 2 spap")]
    Level(u32),
    /// Neither architectural nor transient.
    #[error("strength {0} is not known: 0 is architectural, 1 transient")]
    Strength(u32),
    /// Bits without a meaning.
    #[error(
        "the CPU features {0:#x} contain unknown bits: use the verifier of the toolchain that linked the file"
    )]
    Features(u64),
    /// Not zero.
    #[error("the reserved bytes of the manifest are not zero")]
    Reserved,
}

impl Manifest {
    /// Reads a note's descriptor. Addresses are not examined.
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        let bytes: &[u8; SIZE] = bytes
            .try_into()
            .map_err(|_| ManifestError::Size(bytes.len()))?;
        if bytes.iter().all(|byte| *byte == 0) {
            return Err(ManifestError::NotFilled);
        }
        let u32_at = |at: usize| u64_at(bytes, at) as u32;
        let u64_at = |at: usize| u64_at(bytes, at);
        match (u32_at(0), u32_at(4)) {
            (VERSION, gate::ABI_VERSION) => {}
            (VERSION, abi) => return Err(ManifestError::GateAbi(abi)),
            (version, _) => return Err(ManifestError::Version(version)),
        }
        if bytes[136..].iter().any(|byte| *byte != 0) {
            return Err(ManifestError::Reserved);
        }
        let level = Level::from_number(u32_at(8)).ok_or(ManifestError::Level(u32_at(8)))?;
        let strength =
            Strength::from_number(u32_at(12)).ok_or(ManifestError::Strength(u32_at(12)))?;
        let features =
            Features::from_bits(u64_at(16)).ok_or(ManifestError::Features(u64_at(16)))?;
        let mut digest = [0; 32];
        digest.copy_from_slice(&bytes[104..136]);
        Ok(Self {
            level,
            strength,
            features,
            box_segment: u64_at(24)..u64_at(64),
            text: u64_at(32)..u64_at(40),
            tables: u64_at(48)..u64_at(56),
            function_table: u64_at(72)..u64_at(80),
            translation_table: u64_at(88)..u64_at(96),
            digest,
        })
    }

    /// The note's descriptor.
    pub fn to_bytes(&self) -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        let words = [
            VERSION,
            gate::ABI_VERSION,
            self.level.number(),
            self.strength.number(),
        ];
        for (field, word) in bytes.chunks_exact_mut(4).zip(words) {
            field.copy_from_slice(&word.to_le_bytes());
        }
        let addresses = [
            self.features.bits(),
            self.box_segment.start,
            self.text.start,
            self.text.end,
            self.tables.start,
            self.tables.end,
            self.box_segment.end,
            self.function_table.start,
            self.function_table.end,
            self.translation_table.start,
            self.translation_table.end,
        ];
        for (field, address) in bytes[16..104].chunks_exact_mut(8).zip(addresses) {
            field.copy_from_slice(&address.to_le_bytes());
        }
        bytes[104..136].copy_from_slice(&self.digest);
        bytes
    }
}

/// The little-endian number at an offset; zero-extended at the end.
fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut number = [0; 8];
    for (to, from) in number.iter_mut().zip(bytes.iter().skip(at)) {
        *to = *from;
    }
    u64::from_le_bytes(number)
}

pub use crate::elf::locate_manifest as locate;

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn is_read_back() {
        let manifest = Manifest {
            level: Level::Spap,
            strength: Strength::Transient,
            features: Features::AVX2 | Features::BMI2,
            box_segment: 1..6,
            text: 2..3,
            tables: 4..5,
            function_table: 7..8,
            translation_table: 9..10,
            digest: [0xaa; 32],
        };
        let bytes = manifest.to_bytes();
        assert_eq!(Manifest::parse(&bytes), Ok(manifest));
        // Fields are where the format puts them.
        let at = |offset: usize| bytes[offset];
        assert_eq!([at(0), at(4), at(8), at(12)], [1, 1, 2, 1]);
        assert_eq!(
            [24, 32, 40, 48, 56, 64, 72, 80, 88, 96].map(at),
            [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
        );
        assert_eq!([at(103), at(104), at(135), at(136)], [0, 0xaa, 0xaa, 0]);
    }

    #[test]
    fn bad_fields() {
        let error = |offset: usize, byte: u8| {
            let mut bytes = Manifest::default().to_bytes();
            bytes[offset] = byte;
            Manifest::parse(&bytes).expect_err("must be refused")
        };
        assert_eq!(error(0, 9), ManifestError::Version(9));
        assert_eq!(error(4, 2), ManifestError::GateAbi(2));
        assert_eq!(error(8, 3), ManifestError::Level(3));
        assert_eq!(error(15, 1), ManifestError::Strength(1 << 24));
        assert_eq!(error(23, 0x80), ManifestError::Features(1 << 63));
        assert_eq!(error(167, 1), ManifestError::Reserved);
        assert_eq!(Manifest::parse(&[0; SIZE]), Err(ManifestError::NotFilled));
        assert_eq!(Manifest::parse(&[0; 4]), Err(ManifestError::Size(4)));
    }

    #[test]
    fn names() {
        for level in [Level::Mask, Level::Pks, Level::Spap] {
            assert_eq!(level.to_string().parse(), Ok(level));
            assert!(Level::Mask.covers(level) && level.covers(Level::Spap));
        }
        assert!(!Level::Pks.covers(Level::Mask));
        assert_eq!("transient".parse(), Ok(Strength::Transient));
        assert!(Strength::Transient.covers(Strength::Architectural));
        assert!(!Strength::Architectural.covers(Strength::Transient));
        assert!("Mask".parse::<Level>().is_err());
    }
}
