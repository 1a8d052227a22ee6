//! What every rule may ask about the image, and where findings go.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

use iced_x86::{Formatter, GasFormatter, Instruction};

use crate::gate;
use crate::image::{Function, Image};
use crate::manifest::{Level, Strength};
use crate::report::{Finding, Stats};
use crate::rule::Rule;

use super::state::State;
use super::value::{Interval, Value};

/// The image and how it is to be judged.
pub(super) struct Context<'a> {
    pub(super) image: &'a Image,
    pub(super) level: Level,
    pub(super) strength: Strength,
    /// Function starts, sorted.
    pub(super) starts: Vec<u64>,
    /// The lowest and the highest address of the image's segments.
    pub(super) span: (u64, u64),
}

impl Context<'_> {
    /// The values that an address of the image, computed off RIP, can have at run time. Rule 8: with the
    /// load bias, all segments lie in [2^16, 2^47 - 4096); so does whatever lies between them.
    pub(super) fn range(&self, address: u64) -> Interval {
        let a = i128::from(address as i64);
        let below = (i128::from(self.span.0) - a).max(0);
        let above = (a - i128::from(self.span.1)).max(0);
        Interval::new((1 << 16) - below, (1 << 47) - 4096 + above)
    }

    pub(super) fn is_start(&self, address: u64) -> bool {
        self.starts.binary_search(&address).is_ok()
    }

    /// Rule 12: a function's start or a callable entry of the gate.
    pub(super) fn callable(&self, address: u64) -> bool {
        self.is_start(address) || self.gate_entry(address)
    }

    pub(super) fn gate_entry(&self, address: u64) -> bool {
        address
            .checked_sub(self.image.base)
            .and_then(gate::entry_at)
            .is_some_and(|e| e.callable)
    }
}

/// Where findings and counts go. While the fixpoint is sought, findings are not yet wanted.
pub(super) struct Sink<'a> {
    pub(super) findings: Option<&'a mut Vec<Finding>>,
    pub(super) stats: Stats,
    /// The current instruction was refused.
    pub(super) failed: bool,
    /// Some instruction since [`Sink::begin`] was refused.
    pub(super) refused: bool,
    /// Findings are wanted, with their instructions and states in words.
    pub(super) explain: bool,
    pub(super) function: u64,
    pub(super) instruction: Instruction,
    /// The state as text, made once per finding.
    pub(super) state: String,
}

impl<'a> Sink<'a> {
    /// For findings in `function`; without a list, they are only noticed.
    pub(super) fn new(function: &Function, findings: Option<&'a mut Vec<Finding>>) -> Sink<'a> {
        Sink {
            findings,
            stats: Stats::default(),
            failed: false,
            refused: false,
            explain: false,
            function: function.start,
            instruction: Instruction::default(),
            state: String::new(),
        }
    }

    /// How much was found.
    pub(super) fn found(&self) -> usize {
        self.findings.as_ref().map_or(0, |f| f.len())
    }

    /// Counts anew.
    pub(super) fn begin(&mut self) {
        self.stats = Stats::default();
        self.refused = false;
    }

    pub(super) fn fail(&mut self, rule: Rule, text: impl FnOnce() -> (String, &'static str)) {
        self.failed = true;
        self.refused = true;
        if let Some(findings) = self.findings.as_mut() {
            let (message, hint) = text();
            findings.push(Finding {
                rule,
                function: Some(self.function),
                address: self.instruction.ip(),
                instruction: render(&self.instruction),
                state: core::mem::take(&mut self.state),
                message,
                hint,
            });
        }
    }
}

/// The instruction in AT&T syntax.
pub(super) fn render(instruction: &Instruction) -> String {
    let mut text = String::new();
    GasFormatter::new().format(instruction, &mut text);
    text
}

/// A general register's name, by its number.
pub(super) fn name(register: usize) -> &'static str {
    const NAMES: [&str; 16] = [
        "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",
        "r13", "r14", "r15",
    ];
    NAMES.get(register).unwrap_or(&"?")
}

/// The registers that the instruction names, as the analysis knows them.
pub(super) fn describe(state: &State, registers: u16) -> String {
    let mut text = String::new();
    for r in (0..16).filter(|r| registers & (1 << r) != 0) {
        if !text.is_empty() {
            text.push_str(", ");
        }
        let _ = write!(text, "{} = ", name(r));
        let _ = match state.value(r) {
            Value::Number(n) if n == Interval::FULL => write!(text, "unknown"),
            Value::Number(n) if n.lo == n.hi => write!(text, "{}", n.lo),
            Value::Number(n) => write!(text, "[{}, {}]", n.lo, n.hi),
            Value::Anchored(n) => write!(text, "[{}, {}] by proof of access", n.lo, n.hi),
            Value::Address(a) => write!(text, "image address {a:#x}"),
            Value::TableEntry { table, .. } => write!(text, "entry of table {table:#x}"),
            Value::Target { table, .. } => write!(text, "target of table {table:#x}"),
            Value::Stack(k) => write!(text, "stack({k})"),
            Value::Entry(r) => write!(text, "entry({})", name(r.into())),
            Value::Conflict { .. } => write!(text, "conflict of two paths"),
        };
    }
    text
}
