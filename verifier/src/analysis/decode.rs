//! Rules 2, 3 and 12 as far as they need no state: one linear decoding of a function.

use alloc::vec::Vec;

use iced_x86::{Decoder, DecoderError, DecoderOptions, FlowControl, Instruction, Mnemonic};

use crate::features::Features;
use crate::image::Function;
use crate::rule::Rule;

use super::allow;
use super::context::{Context, Sink};
use super::flow::{self, Flow};
use super::op::Op;
use super::shape::{Key, Shapes};

/// More findings than this say no more.
const MAX_FINDINGS: usize = 1000;

/// A function's instructions.
#[derive(Default)]
pub(super) struct Code {
    pub(super) ops: Vec<Op>,
    /// Where control goes after each.
    pub(super) flows: Vec<Flow>,
    /// The address of each.
    addresses: Vec<u64>,
    /// Those after which control may go elsewhere than on to the next.
    transfers: Vec<usize>,
    /// What `lea` makes addresses of.
    pub(super) named: Vec<u64>,
    /// The CPU features that they need.
    pub(super) features: Features,
    /// How many there are; 0 if not all could be decoded.
    pub(super) instructions: u64,
}

impl Code {
    /// The instruction that starts at `address`.
    pub(super) fn index_of(&self, address: u64) -> Option<usize> {
        self.addresses.binary_search(&address).ok()
    }

    fn clear(&mut self) {
        self.ops.clear();
        self.flows.clear();
        self.addresses.clear();
        self.transfers.clear();
        self.named.clear();
        self.features = Features::default();
        self.instructions = 0;
    }

    #[inline(always)]
    fn push(&mut self, op: Op) {
        if op.flow != FlowControl::Next {
            self.transfers.push(self.ops.len());
        } else if op.mnemonic() == Mnemonic::Lea
            && let Some(m) = op.memory.filter(|m| m.fixed)
        {
            self.named.push(m.displacement as u64);
        }
        self.addresses.push(op.address());
        self.flows.push(Flow::Next);
        self.ops.push(op);
    }

    /// Decodes `function` in place of what was here. False: it is not code of the allowed kind, so that
    /// nothing is to be analysed.
    pub(super) fn read(
        &mut self,
        context: &Context<'_>,
        function: &Function,
        shapes: &mut Shapes,
        sink: &mut Sink<'_>,
    ) -> bool {
        self.clear();
        let Some(end) = function.start.checked_add(function.size) else {
            return false;
        };
        let Some(bytes) = context.image.bytes_at(function.start..end) else {
            return false;
        };
        if !self.decode(bytes, function.start, shapes, sink) {
            return false;
        }
        self.instructions = self.ops.len() as u64;
        if self.ops.is_empty() {
            sink.fail(Rule::R2, || {
                (
                    "an empty function".into(),
                    "the function table must give whole functions",
                )
            });
        }
        if sink.failed {
            return false;
        }
        self.classify(context, function.start..end, sink);
        !sink.failed
    }

    /// False: what follows cannot be decoded.
    fn decode(
        &mut self,
        bytes: &[u8],
        start: u64,
        shapes: &mut Shapes,
        sink: &mut Sink<'_>,
    ) -> bool {
        let mut decoder = Decoder::with_ip(64, bytes, start, DecoderOptions::NONE);
        let mut instruction = Instruction::default();
        while decoder.can_decode() {
            let from = decoder.position();
            decoder.decode_out(&mut instruction);
            let key = Key::of(
                &decoder,
                &instruction,
                bytes.get(from..).unwrap_or_default(),
            );
            if let Some((form, features)) = key.as_ref().and_then(|key| shapes.find(key)) {
                self.features |= *features;
                self.push(form.of(&instruction));
                continue;
            }
            let encoded = bytes.get(from..decoder.position()).unwrap_or_default();
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
                return false;
            }
            if let Err(why) = allow::check(&instruction, encoded) {
                let rule = refusal_rule(&instruction);
                sink.fail(rule, || (why.into(), "the instruction may not stand in a box: leave the function outside (PRIVBOX_OUTSIDE)"));
                if sink.found() > MAX_FINDINGS {
                    return false;
                }
                continue;
            }
            let (op, features) = shapes.describe(&instruction, key, sink);
            self.features |= features;
            if let Some(op) = op {
                self.push(op);
            }
        }
        true
    }

    /// Finds out where control goes.
    fn classify(
        &mut self,
        context: &Context<'_>,
        function: core::ops::Range<u64>,
        sink: &mut Sink<'_>,
    ) {
        let mut flows = core::mem::take(&mut self.flows);
        for &i in &self.transfers {
            let op = &self.ops[i];
            sink.instruction = op.instruction;
            let flow = flow::classify(context, op, |a| self.index_of(a), function.clone(), sink);
            // Rule 2: straight-line speculation ends at once.
            if matches!(flow, Flow::Ret | Flow::Indirect)
                && self
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
            flows[i] = flow;
        }
        self.flows = flows;
    }
}

fn refusal_rule(instruction: &Instruction) -> Rule {
    match instruction.flow_control() {
        FlowControl::IndirectBranch | FlowControl::IndirectCall => Rule::R12,
        _ => Rule::R3,
    }
}
