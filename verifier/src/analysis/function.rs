//! One function: its blocks, the fixpoint, and the pass that reports.

use alloc::collections::{BTreeSet, BinaryHeap};
use alloc::vec::Vec;
use core::cmp::Reverse;

use crate::features::Features;
use crate::image::{Function, Image};
use crate::manifest::Strength;
use crate::report::{Finding, Stats};
use crate::rule::Rule;

use super::context::{Context, Sink, describe};
use super::decode::Code;
use super::depth::Graph;
use super::flow::{self, Edge, Flow};
use super::join::Known;
use super::op::Op;
use super::shape::Shapes;
use super::state::{RSP, State};
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

/// Checks functions one after the other; what it allocates for one serves the next.
pub(super) struct Checker {
    shapes: Shapes,
    code: Code,
    blocks: Blocks,
    known: Known,
    state: State,
    work: Work,
    graph: Graph,
}

impl Checker {
    /// For so many bytes of text.
    pub(super) fn new(text: u64) -> Checker {
        Checker {
            shapes: Shapes::new(text),
            code: Code::default(),
            blocks: Blocks::default(),
            known: Known::default(),
            state: State::entry(),
            work: Work::default(),
            graph: Graph::default(),
        }
    }

    /// Rule 13 of all functions, once each was checked, in the image's order. Returns their needs.
    pub(super) fn depth(&self, image: &Image, findings: &mut Vec<Finding>) -> Vec<u32> {
        self.graph.check(image, findings)
    }

    /// Checks `function` against rules 2 to 13.
    pub(super) fn check(
        &mut self,
        context: &Context<'_>,
        function: &Function,
        findings: &mut Vec<Finding>,
    ) -> Outcome {
        let mut sink = Sink::new(function, Some(findings));
        // What is not even code of the allowed kind is not analysed further.
        let read = self
            .code
            .read(context, function, &mut self.shapes, &mut sink);
        let mut stats = Stats::default();
        if read {
            self.blocks.find(context, &self.code);
            self.known.reset(self.blocks.starts.len());
            let mut fixpoint = Fixpoint {
                context,
                function,
                code: &self.code,
                blocks: &self.blocks,
                known: &mut self.known,
                work: &mut self.work,
                graph: &mut self.graph,
            };
            stats = fixpoint.run(&mut self.state, findings);
        }
        self.graph.end_function();
        Outcome {
            features: self.code.features,
            instructions: self.code.instructions,
            stats,
        }
    }
}

/// Where the blocks of a function start: where control may come from elsewhere than from the instruction before. A block may branch before
/// its end, and what it falls through to there is visited with it, in the state at hand.
#[derive(Default)]
struct Blocks {
    /// Of each instruction: the block that starts there, or [`NO_BLOCK`].
    at: Vec<u32>,
    /// Of each block: its first instruction.
    starts: Vec<usize>,
}

const NO_BLOCK: u32 = u32::MAX;

impl Blocks {
    fn find(&mut self, context: &Context<'_>, code: &Code) {
        const START: u32 = 0;
        self.at.clear();
        self.at.resize(code.ops.len(), NO_BLOCK);
        let mut mark = |i: usize| {
            if let Some(at) = self.at.get_mut(i) {
                *at = START;
            }
        };
        mark(0);
        for flow in &code.flows {
            // What follows a transfer of control is a block only if something leads there.
            if let Flow::Branch { target, .. } = *flow {
                mark(target);
            }
        }
        table_starts(context, code, mark);
        self.starts.clear();
        for (i, at) in self.at.iter_mut().enumerate() {
            if *at == START {
                *at = self.starts.len() as u32;
                self.starts.push(i);
            }
        }
    }

    /// The block that starts at an instruction.
    fn block_at(&self, i: usize) -> Option<usize> {
        let at = *self.at.get(i)?;
        (at != NO_BLOCK).then_some(at as usize)
    }
}

/// Blocks to visit; lower numbers first, as code is laid out nearly in reverse post-order.
#[derive(Default)]
struct Work {
    queue: BinaryHeap<Reverse<u32>>,
    blocks: Vec<Progress>,
    /// See [`Stats`].
    steps: u64,
    joins: u64,
}

/// What the fixpoint has done at a block.
#[derive(Clone, Copy, Default)]
struct Progress {
    queued: bool,
    /// At the last visit, something was refused.
    refused: bool,
    joins: u32,
    /// Of the last visit.
    stats: Stats,
}

impl Work {
    fn reset(&mut self, blocks: usize) {
        self.queue.clear();
        self.blocks.clear();
        self.blocks.resize(blocks, Progress::default());
        (self.steps, self.joins) = (0, 0);
    }

    fn push(&mut self, block: usize) {
        let progress = &mut self.blocks[block];
        if !progress.queued {
            progress.queued = true;
            self.queue.push(Reverse(block as u32));
        }
    }

    fn pop(&mut self) -> Option<usize> {
        let Reverse(block) = self.queue.pop()?;
        self.blocks[block as usize].queued = false;
        Some(block as usize)
    }
}

/// The work of finding, per block, a state that contains every state there.
struct Fixpoint<'a> {
    context: &'a Context<'a>,
    function: &'a Function,
    code: &'a Code,
    blocks: &'a Blocks,
    known: &'a mut Known,
    work: &'a mut Work,
    graph: &'a mut Graph,
}

impl Fixpoint<'_> {
    fn run(&mut self, state: &mut State, findings: &mut Vec<Finding>) -> Stats {
        let count = self.blocks.starts.len();
        self.work.reset(count);
        self.enter(0, &mut State::entry());
        let mut visits = 0u64;
        let mut quiet = Sink::new(self.function, None);
        while let Some(block) = self.work.pop() {
            visits += 1;
            if visits > VISITS * count as u64 + 1000 {
                let mut sink = Sink::new(self.function, Some(findings));
                sink.instruction = self.code.ops[self.blocks.starts[block]].instruction;
                sink.fail(Rule::R4, || {
                    (
                        "the analysis does not settle".into(),
                        "report this function: it is a bug of the verifier",
                    )
                });
                return Stats::default();
            }
            quiet.begin();
            self.visit(block, state, &mut quiet, true);
            // A block is visited whenever its state has changed, so the last visit was of its last state.
            let progress = &mut self.work.blocks[block];
            (progress.stats, progress.refused) = (quiet.stats, quiet.refused);
        }
        let mut stats = Stats::default();
        for block in 0..count {
            let Progress {
                refused,
                stats: counts,
                ..
            } = self.work.blocks[block];
            stats.add(&counts);
            if refused {
                // Once more, with findings, and with states in words.
                let mut loud = Sink::new(self.function, Some(&mut *findings));
                loud.explain = true;
                self.visit(block, state, &mut loud, false);
            }
        }
        stats.blocks = count as u64;
        stats.visits = visits;
        (stats.steps, stats.joins) = (self.work.steps, self.work.joins);
        stats
    }

    /// Interprets one block in `state`; with `flow`, passes its last state on.
    fn visit(&mut self, block: usize, state: &mut State, sink: &mut Sink<'_>, flow: bool) {
        if !self.known.load(block, state) {
            return;
        }
        let mut i = self.blocks.starts[block];
        let context = self.context;
        let code = self.code;
        let end = self.blocks.starts.get(block + 1).copied();
        let end = end.unwrap_or(code.ops.len());
        if state.stack(RSP).is_none() {
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
            self.work.steps += 1;
            if sink.explain {
                sink.instruction = op.instruction;
                sink.state = describe(state, interesting(op));
            }
            let mut falls = true;
            match code.flows[i] {
                Flow::Next => {
                    if !transfer::step(context, state, op, sink) {
                        return;
                    }
                    if op.writes_sp {
                        self.graph.reach(state.sp());
                    }
                }
                Flow::Stop => return,
                Flow::Call => {
                    if context.gate_entry(op.instruction.near_branch_target()) {
                        sink.stats.gate_calls += 1;
                    }
                    flow::depth(context, state, op, true, self.graph, sink);
                    flow::call(context, state, sink);
                }
                Flow::Ret => {
                    flow::leave(state, sink);
                    return;
                }
                Flow::Tail { falls: f } => {
                    flow::depth(context, state, op, false, self.graph, sink);
                    flow::leave(state, sink);
                    falls = f;
                }
                Flow::Indirect => {
                    let targets = flow::table_targets(
                        context,
                        state,
                        op,
                        // Only starts of blocks: code that no block starts at would run without having been analysed
                        // from there. `table_starts` makes every target of a compiler's table one.
                        |a| {
                            code.index_of(a)
                                .filter(|&i| self.blocks.block_at(i).is_some())
                        },
                        sink,
                    );
                    if context.strength == Strength::Transient {
                        state.forget_numbers();
                    }
                    if flow {
                        state.canonicalize(self.known.classes());
                        for t in targets {
                            self.enter(t, state);
                        }
                    }
                    return;
                }
                Flow::Branch { target, falls: f } => {
                    flow::condition(state, op, sink);
                    let edge = flow::depth_edge(op, state);
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
                        state.canonicalize(self.known.classes());
                        state.tested = taken;
                        self.enter(target, state);
                    }
                    state.tested = on;
                    falls = f;
                }
            }
            if !falls {
                return;
            }
            i += 1;
            if i < end {
                continue;
            }
            if end >= code.ops.len() {
                sink.fail(Rule::R2, || {
                    (
                        "control falls off the function's end".into(),
                        "end every path with ret, jmp or ud2",
                    )
                });
                return;
            }
            if flow {
                state.canonicalize(self.known.classes());
                self.enter(end, state);
            }
            return;
        }
    }

    fn stops(&self, index: usize) -> bool {
        self.code.flows.get(index) == Some(&Flow::Stop)
    }

    /// A path with the canonical `state` leads to an instruction.
    fn enter(&mut self, index: usize, state: &mut State) {
        // Table targets that were not known as block starts do not exist: `table_starts` lists all.
        let Some(block) = self.blocks.block_at(index) else {
            return;
        };
        let context = self.context;
        let widening = self.work.blocks[block].joins >= EXACT_JOINS;
        let first = !self.known.is_reached(block);
        self.work.joins += 1;
        if self
            .known
            .enter(block, state, widening, &|a| context.range(a))
        {
            self.work.blocks[block].joins += u32::from(!first);
            self.work.push(block);
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
    mask | (1 << RSP)
}

/// Marks instructions that table entries could lead to: every entry of every table that a `lea` of this
/// function names, as far as consecutive entries lead into the function. Only a superset of the block
/// starts: whether a jump may use them is rule 12's, by `flow::table_targets`.
fn table_starts(context: &Context<'_>, code: &Code, mut mark: impl FnMut(usize)) {
    let tables = &context.image.tables;
    let mut seen = BTreeSet::new();
    for &table in &code.named {
        if !tables.contains(&table) || !seen.insert(table) {
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
            mark(i);
            at += 4;
        }
    }
}
