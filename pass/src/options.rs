//! What the caller of the pass chooses.

use std::collections::BTreeSet;

/// The hardware help an image is built for (contract, rule 14): which accesses need a mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Level {
    /// Loads and stores are masked: runs everywhere.
    #[default]
    Mask,
    /// Stores are masked; loads are left to supervisor protection keys.
    Pks,
    /// Nothing is masked: the proposed semi-privileged access prevention.
    Spap,
}

impl Level {
    /// The spelling of the command line and of the unit record.
    pub fn name(self) -> &'static str {
        match self {
            Level::Mask => "mask",
            Level::Pks => "pks",
            Level::Spap => "spap",
        }
    }
}

/// What the proof holds against (contract, "Strength against transient execution").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strength {
    /// Rules 1 to 15 on the architectural path.
    #[default]
    Architectural,
    /// Also T1: after a call no register counts as masked.
    Transient,
}

impl Strength {
    /// The spelling of the command line and of the unit record.
    pub fn name(self) -> &'static str {
        match self {
            Strength::Architectural => "architectural",
            Strength::Transient => "transient",
        }
    }
}

/// How functions of the unit may end besides by returning (`unwind.rs`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unwinding {
    /// By nothing that the box knows of: C, and C++ without exceptions.
    #[default]
    None,
    /// By panics, which the box itself begins and catches.
    Rust,
    /// By the exceptions of the Itanium C++ ABI, which the C++ runtime outside raises and compares.
    Cxx,
}

/// How accesses are protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scheme {
    /// Masks shared between accesses and left out where the verifier does without.
    #[default]
    Elide,
    /// The paper's address masking, for the benchmark only: the result does not verify.
    Paper,
}

/// Everything `run` needs to know besides the bitcode.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Source path, for messages and the record.
    pub unit: String,
    /// 16 hexadecimal digits that no other unit of the program has: part of the names of promoted
    /// internal symbols.
    pub unit_hash: String,
    /// Which accesses are masked.
    pub level: Level,
    /// What the masks must hold against.
    pub strength: Strength,
    /// Globs of functions whose normal symbol enters the box.
    pub entry: Vec<String>,
    /// Globs of functions that get no clone.
    pub outside: Vec<String>,
    /// Whether calls may return by unwinding.
    pub unwinding: Unwinding,
    /// A mask on every access, none shared: the fallback for functions that failed verification.
    pub mask_all: bool,
    /// No local stays on the safe stack: the other half of that fallback.
    pub locals_outside: bool,
    /// Benchmark only.
    pub scheme: Scheme,
    /// The mask keeps this many low bits of an address: 63, or fewer in a strict test build. 0 means 63.
    pub mask_bits: u32,
    /// Emit only these clones (by symbol name); every other one becomes a declaration. The normal
    /// module is the same as without it.
    pub only: Option<BTreeSet<String>>,
    /// 0 to 3, of the code generator.
    pub opt_level: u8,
    /// `-mcpu`-like processor name, when the functions do not say it themselves.
    pub cpu: Option<String>,
    /// Target features, when the functions do not say them themselves.
    pub features: Option<String>,
}
