//! The verdict on an image.

use alloc::string::String;
use alloc::vec::Vec;

use crate::features::Features;
use crate::rule::Rule;

/// One thing that could not be proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule of the contract that is not obeyed, or not provably so.
    pub rule: Rule,
    /// Start of the function concerned, if it is about one.
    pub function: Option<u64>,
    /// Link-time address: of the instruction, or of what the message is about.
    pub address: u64,
    /// The instruction in AT&T syntax; empty if it is not about one.
    pub instruction: String,
    /// The abstract state that failed, in words; may be empty.
    pub state: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it; may be empty.
    pub hint: &'static str,
}

impl Finding {
    /// A finding about the image as a whole, or about a place in it that is no instruction.
    pub fn about_image(rule: Rule, address: u64, message: String, hint: &'static str) -> Self {
        Self {
            rule,
            function: None,
            address,
            instruction: String::new(),
            state: String::new(),
            message,
            hint,
        }
    }
}

/// The result of verifying one image.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Number of functions examined.
    pub functions: usize,
    /// Size of the text in bytes.
    pub text_bytes: u64,
    /// Number of instructions decoded.
    pub instructions: u64,
    /// CPU features that the code uses.
    pub features: Features,
    /// SHA-256 digest of the image, computed.
    pub digest: [u8; 32],
    /// How many bytes below its return-address slot each function may need of the safe stack, with all that it leads to until
    /// the depth is tested (rule 13).
    pub needs: Vec<u32>,
    /// What could not be proved, by address; empty: the image is accepted.
    pub findings: Vec<Finding>,
    /// How the proofs were made.
    pub stats: Stats,
}

impl Report {
    /// Whether everything was proved.
    pub fn accepted(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Counts, for measuring compilers and the verifier; they decide nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Accesses proved by rule 7, rule 10 included.
    pub accesses: u64,
    /// Of them, those whose proof needed an earlier access (rule 6).
    pub proved_by_access: u64,
    /// RIP-relative and `fs:` accesses (rule 8).
    pub fixed_accesses: u64,
    /// Accesses to the safe stack (rule 9).
    pub stack_accesses: u64,
    /// Direct calls and tail jumps to functions.
    pub calls: u64,
    /// Calls of the gate and jumps to it.
    pub gate_calls: u64,
    /// Indirect jumps through tables (rule 12).
    pub table_jumps: u64,
    /// Basic blocks.
    pub blocks: u64,
    /// How often a block was interpreted until its state was stable, in total.
    pub visits: u64,
    /// How many instructions were interpreted in them.
    pub steps: u64,
    /// How often a state was joined into that of a block.
    pub joins: u64,
}

impl Stats {
    /// Adds another function's counts.
    pub(crate) fn add(&mut self, other: &Self) {
        self.accesses += other.accesses;
        self.proved_by_access += other.proved_by_access;
        self.fixed_accesses += other.fixed_accesses;
        self.stack_accesses += other.stack_accesses;
        self.calls += other.calls;
        self.gate_calls += other.gate_calls;
        self.table_jumps += other.table_jumps;
        self.blocks += other.blocks;
        self.visits += other.visits;
        self.steps += other.steps;
        self.joins += other.joins;
    }
}
