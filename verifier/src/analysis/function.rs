//! One function: linear decoding, blocks, the fixpoint, and the pass that reports.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use iced_x86::{
    Decoder, DecoderError, DecoderOptions, Instruction, InstructionInfoFactory, Mnemonic,
};

use crate::features::Features;
use crate::image::Function;
use crate::manifest::Strength;
use crate::report::{Finding, Stats};
use crate::rule::Rule;

use super::allow;
use super::context::{Context, Sink, describe};
use super::flow::{self, Edge, Flow};
use super::op::{self, Op};
use super::state::State;
use super::transfer;

/// Joins at a block before widening begins: enough for a loop's second turn to settle.
const EXACT_JOINS: u32 = 3;
/// Visits per block after which a function is given up: far beyond what widening allows.
const VISITS: u64 = 200;

/// What one function needs of the CPU, and how it was checked.
pub(super) struct Outcome {
    pub(super) features: Features,
    pub(super) instructions: u64,
    pub(super) stats: Stats,
}

struct Code {
    ops: Vec<Op>,
    flows: Vec<Flow>,
}

impl Code {
    fn index_of(&self, address: u64) -> Option<usize> {
        self.ops.binary_search_by_key(&address, Op::address).ok()
    }
}

/// Checks `function` against rules 2 to 13.
pub(super) fn check(
    context: &Context<'_>,
    function: &Function,
    findings: &mut Vec<Finding>,
) -> Outcome {
    let before = findings.len();
    let mut outcome = Outcome {
        features: Features::default(),
        instructions: 0,
        stats: Stats::default(),
    };
    let Some(code) = decode(context, function, findings, &mut outcome) else {
        return outcome;
    };
    if findings.len() > before {
        // What is not even code of the allowed kind is not analysed further.
        return outcome;
    }
    Fixpoint::new(context, function, &code).run(findings, &mut outcome.stats);
    outcome
}

fn sink<'a>(function: &Function, findings: Option<&'a mut Vec<Finding>>) -> Sink<'a> {
    Sink {
        findings,
        stats: Stats::default(),
        failed: false,
        explain: false,
        function: function.start,
        instruction: Instruction::default(),
        state: String::new(),
    }
}

/// Rules 2, 3 and 12 as far as they need no state.
fn decode(
    context: &Context<'_>,
    function: &Function,
    findings: &mut Vec<Finding>,
    outcome: &mut Outcome,
) -> Option<Code> {
    let end = function.start.checked_add(function.size)?;
    let bytes = context.image.bytes_at(function.start..end)?;
    let mut sink = sink(function, Some(findings));
    let mut decoder = Decoder::with_ip(64, bytes, function.start, DecoderOptions::NONE);
    let mut factory = InstructionInfoFactory::new();
    let mut ops: Vec<Op> = Vec::with_capacity(bytes.len() / 4);
    let mut instruction = Instruction::default();
    while decoder.can_decode() {
        let from = decoder.position();
        decoder.decode_out(&mut instruction);
        sink.instruction = instruction;
        if instruction.is_invalid() {
            if decoder.last_error() == DecoderError::NoMoreBytes {
                sink.fail(Rule::R2, || {
                    (
                        "an instruction crosses the function's end".into(),
                        "the function table must give whole functions",
                    )
                });
            } else {
                sink.fail(Rule::R3, || {
                    (
                        "bytes that are no instruction".into(),
                        "data does not belong into the text",
                    )
                });
            }
            return None;
        }
        let encoded = bytes.get(from..decoder.position()).unwrap_or_default();
        if let Err(why) = allow::check(&instruction, encoded) {
            let rule = refusal_rule(&instruction);
            sink.fail(rule, || (why.into(), "the instruction may not stand in a box: leave the function outside (PRIVBOX_OUTSIDE)"));
            if sink.findings.as_ref().is_some_and(|f| f.len() > 1000) {
                return None;
            }
            continue;
        }
        for &feature in instruction.cpuid_features() {
            match Features::from_iced(feature) {
                // `tzcnt` is checked as what it is on every CPU (rule 4), so it demands none.
                Some(_) if instruction.mnemonic() == Mnemonic::Tzcnt => {}
                // A nop without CET.
                _ if instruction.mnemonic() == Mnemonic::Endbr64 => {}
                Some(f) => outcome.features |= f,
                None => sink.fail(Rule::R3, || (format!("the instruction needs the CPU feature {feature:?}, which is not allowed"), "compile for x86-64-v3 or less")),
            }
        }
        match op::describe(&mut factory, &instruction) {
            Ok(op) => ops.push(op),
            Err(why) => sink.fail(Rule::R3, || {
                (why.into(), "the instruction's form is not allowed")
            }),
        }
    }
    outcome.instructions = ops.len() as u64;
    if sink.failed || ops.is_empty() {
        if ops.is_empty() {
            sink.fail(Rule::R2, || {
                (
                    "an empty function".into(),
                    "the function table must give whole functions",
                )
            });
        }
        return None;
    }
    let mut code = Code {
        flows: Vec::with_capacity(ops.len()),
        ops,
    };
    for i in 0..code.ops.len() {
        let op = &code.ops[i];
        sink.instruction = op.instruction;
        let flow = flow::classify(
            context,
            op,
            |a| code.index_of(a),
            function.start..end,
            &mut sink,
        );
        // Rule 2: straight-line speculation ends at once.
        if matches!(flow, Flow::Ret | Flow::Indirect)
            && code
                .ops
                .get(i + 1)
                .is_none_or(|n| n.mnemonic() != Mnemonic::Int3)
        {
            sink.fail(Rule::R2, || {
                (
                    "no int3 follows".into(),
                    "compile with straight-line-speculation hardening",
                )
            });
        }
        code.flows.push(flow);
    }
    Some(code)
}

fn refusal_rule(instruction: &Instruction) -> Rule {
    use iced_x86::FlowControl::{
        ConditionalBranch, IndirectBranch, IndirectCall, UnconditionalBranch,
    };
    match instruction.flow_control() {
        IndirectBranch | IndirectCall => Rule::R12,
        UnconditionalBranch | ConditionalBranch => Rule::R3,
        _ => Rule::R3,
    }
}

/// The work of finding, per block, a state that contains every state there.
struct Fixpoint<'a> {
    context: &'a Context<'a>,
    function: &'a Function,
    code: &'a Code,
    /// Of each instruction: the block that starts there.
    block_at: Vec<Option<u32>>,
    starts: Vec<usize>,
    states: Vec<Option<State>>,
    joins: Vec<u32>,
    /// Blocks to visit; lower numbers first, as code is laid out nearly in reverse post-order.
    work: BTreeSet<u32>,
}

impl<'a> Fixpoint<'a> {
    fn new(context: &'a Context<'a>, function: &'a Function, code: &'a Code) -> Self {
        let mut block_at = vec![None; code.ops.len()];
        let mut starts = vec![0];
        for (i, flow) in code.flows.iter().enumerate() {
            match *flow {
                Flow::Next | Flow::Call => {}
                Flow::Branch { target, .. } => {
                    starts.push(target);
                    starts.push(i + 1);
                }
                _ => starts.push(i + 1),
            }
        }
        starts.extend(table_starts(context, code));
        starts.retain(|&s| s < code.ops.len());
        starts.sort_unstable();
        starts.dedup();
        for (n, &s) in starts.iter().enumerate() {
            block_at[s] = Some(n as u32);
        }
        let n = starts.len();
        Fixpoint {
            context,
            function,
            code,
            block_at,
            starts,
            states: vec![None; n],
            joins: vec![0; n],
            work: BTreeSet::new(),
        }
    }

    fn run(mut self, findings: &mut Vec<Finding>, stats: &mut Stats) {
        self.states[0] = Some(State::entry());
        self.work.insert(0);
        let mut visits = 0u64;
        while let Some(block) = self.work.pop_first() {
            visits += 1;
            if visits > VISITS * self.starts.len() as u64 + 1000 {
                let mut sink = sink(self.function, Some(findings));
                sink.instruction = self.code.ops[self.starts[block as usize]].instruction;
                sink.fail(Rule::R4, || {
                    (
                        "the analysis does not settle".into(),
                        "report this function: it is a bug of the verifier",
                    )
                });
                return;
            }
            let mut quiet = sink(self.function, None);
            self.visit(block, &mut quiet, true);
        }
        let mut loud = sink(self.function, Some(findings));
        for block in 0..self.starts.len() as u32 {
            if self.states[block as usize].is_some() {
                // States are put into words only where something was found.
                let (found, stats) = (loud.found(), loud.stats);
                self.visit(block, &mut loud, false);
                if loud.found() > found {
                    loud.forget(found, stats);
                    loud.explain = true;
                    self.visit(block, &mut loud, false);
                    loud.explain = false;
                }
            }
        }
        loud.stats.blocks = self.starts.len() as u64;
        loud.stats.visits = visits;
        *stats = loud.stats;
    }

    /// Interprets one block; with `flow`, passes its last state on.
    fn visit(&mut self, block: u32, sink: &mut Sink<'_>, flow: bool) {
        let Some(mut state) = self.states[block as usize].clone() else {
            return;
        };
        let mut i = self.starts[block as usize];
        let context = self.context;
        let code = self.code;
        if !matches!(
            state.registers[super::state::RSP].value,
            super::value::Value::Stack(_)
        ) {
            sink.instruction = code.ops[i].instruction;
            sink.fail(Rule::R9, || {
                (
                    "paths with different RSP meet here".into(),
                    "balance push and pop on every path",
                )
            });
            return;
        }
        loop {
            let op = &code.ops[i];
            sink.failed = false;
            sink.instruction = op.instruction;
            if sink.explain {
                sink.state = describe(&state, interesting(op));
            }
            let mut falls = true;
            match code.flows[i] {
                Flow::Next => {
                    if !transfer::step(context, &mut state, op, sink) {
                        return;
                    }
                }
                Flow::Stop => return,
                Flow::Call => {
                    if context.gate_entry(op.instruction.near_branch_target()) {
                        sink.stats.gate_calls += 1;
                    }
                    flow::call(context, &mut state, sink);
                }
                Flow::Ret => {
                    flow::leave(&state, sink);
                    return;
                }
                Flow::Tail { falls: f } => {
                    flow::leave(&state, sink);
                    falls = f;
                }
                Flow::Indirect => {
                    let targets = flow::table_targets(
                        context,
                        &state,
                        op,
                        // Only starts of blocks: code that no block starts at would run without having been analysed
                        // from there. `table_starts` makes every target of a compiler's table one.
                        |a| code.index_of(a).filter(|&i| self.block_at[i].is_some()),
                        sink,
                    );
                    if context.strength == Strength::Transient {
                        state.forget_numbers();
                    }
                    if flow {
                        state.canonicalize();
                        for t in targets {
                            self.enter(t, &state);
                        }
                    }
                    return;
                }
                Flow::Branch { target, falls: f } => {
                    flow::condition(&state, op, sink);
                    let edge = flow::depth_edge(op, &state);
                    let before = state.tested;
                    // Rule 13: the other edge must end in `ud2`.
                    let (taken, on) = match edge {
                        Some((Edge::Taken, k)) if self.stops(i + 1) => {
                            (Some(before.map_or(k, |t| t.min(k))), before)
                        }
                        Some((Edge::Falls, k)) if self.stops(target) => {
                            (before, Some(before.map_or(k, |t| t.min(k))))
                        }
                        _ => (before, before),
                    };
                    if flow {
                        state.canonicalize();
                        state.tested = taken;
                        self.enter(target, &state);
                    }
                    state.tested = on;
                    falls = f;
                }
            }
            if !falls {
                return;
            }
            i += 1;
            if i >= code.ops.len() {
                sink.fail(Rule::R2, || {
                    (
                        "control falls off the function's end".into(),
                        "end every path with ret, jmp or ud2",
                    )
                });
                return;
            }
            if self.block_at[i].is_some() {
                if flow {
                    state.canonicalize();
                    self.enter(i, &state);
                }
                return;
            }
        }
    }

    fn stops(&self, index: usize) -> bool {
        self.code.flows.get(index) == Some(&Flow::Stop)
    }

    fn enter(&mut self, index: usize, state: &State) {
        // Table targets that were not known as block starts do not exist: `table_starts` lists all.
        let Some(block) = self.block_at.get(index).copied().flatten() else {
            return;
        };
        let b = block as usize;
        match &mut self.states[b] {
            None => {
                self.states[b] = Some(state.clone());
                self.work.insert(block);
            }
            Some(old) => {
                let widening = self.joins[b] >= EXACT_JOINS;
                let context = self.context;
                if old.join(state, widening, &|a| context.range(a)) {
                    self.joins[b] += 1;
                    self.work.insert(block);
                }
            }
        }
    }
}

/// Registers worth showing beside a finding: those the instruction addresses with or reads.
fn interesting(op: &Op) -> u16 {
    let mut mask = op.reads;
    if let Some(m) = op.memory {
        for r in [m.base, m.index].into_iter().flatten() {
            mask |= 1 << r;
        }
    }
    mask | (1 << super::state::RSP)
}

/// Instructions that table entries could lead to: every entry of every table that a `lea` of this
/// function names, as far as consecutive entries lead into the function. Only a superset of the block
/// starts: whether a jump may use them is rule 12's, by `flow::table_targets`.
fn table_starts(context: &Context<'_>, code: &Code) -> Vec<usize> {
    let tables = &context.image.tables;
    let mut starts = Vec::new();
    let mut seen = BTreeSet::new();
    for op in &code.ops {
        if op.mnemonic() != Mnemonic::Lea {
            continue;
        }
        let Some(m) = op.memory else { continue };
        let table = m.displacement as u64;
        if !m.fixed || !tables.contains(&table) || !seen.insert(table) {
            continue;
        }
        let mut at = table;
        while at + 4 <= tables.end {
            let entry = context
                .image
                .bytes_at(at..at + 4)
                .and_then(|b| <[u8; 4]>::try_from(b).ok())
                .map(i32::from_le_bytes);
            let Some(i) =
                entry.and_then(|e| code.index_of(table.wrapping_add_signed(i64::from(e))))
            else {
                break;
            };
            starts.push(i);
            at += 4;
        }
    }
    starts
}
