//! Rules 2, 11, 12 and 13: how control moves.

use alloc::format;
use alloc::vec::Vec;

use iced_x86::{Code, FlowControl, Mnemonic, OpKind, Register};

use crate::gate;
use crate::manifest::Strength;
use crate::rule::Rule;

use super::context::{Context, Sink, name};
use super::depth::{Graph, Transfer};
use super::op::{Op, general};
use super::stack::FRAME;
use super::state::{CALLEE_SAVED, RSP, State};
use super::value::Value;

/// Where control goes after an instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Flow {
    Next,
    /// To an instruction of the same function, by index; the second: or on.
    Branch {
        target: usize,
        falls: bool,
    },
    /// Out of the function for good; the second: or on.
    Tail {
        falls: bool,
    },
    Call,
    Ret,
    /// Through a register.
    Indirect,
    Stop,
}

/// What a direct branch or call may do, decided once per instruction (rules 2 and 12).
pub(super) fn classify(
    context: &Context<'_>,
    op: &Op,
    index_of: impl Fn(u64) -> Option<usize>,
    function: core::ops::Range<u64>,
    sink: &mut Sink<'_>,
) -> Flow {
    let i = &op.instruction;
    match i.flow_control() {
        FlowControl::Next => Flow::Next,
        FlowControl::Interrupt if i.mnemonic() == Mnemonic::Int3 => Flow::Next,
        FlowControl::Exception if i.mnemonic() == Mnemonic::Ud2 => Flow::Stop,
        FlowControl::Return if i.code() == Code::Retnq => Flow::Ret,
        FlowControl::IndirectBranch
            if i.op0_kind() == OpKind::Register && i.op0_register().size() == 8 =>
        {
            Flow::Indirect
        }
        FlowControl::Call if i.op0_kind() == OpKind::NearBranch64 => {
            if !context.callable(i.near_branch_target()) {
                sink.fail(Rule::R12, || (
                    format!("call of {:#x}, which is neither a function's start nor a callable gate entry", i.near_branch_target()),
                    "calls lead to functions of the box; others go out through the gate",
                ));
            }
            Flow::Call
        }
        FlowControl::UnconditionalBranch | FlowControl::ConditionalBranch
            if i.op0_kind() == OpKind::NearBranch64 =>
        {
            let falls = i.flow_control() == FlowControl::ConditionalBranch;
            let target = i.near_branch_target();
            if function.contains(&target) {
                return match index_of(target) {
                    Some(target) => Flow::Branch { target, falls },
                    None => {
                        sink.fail(Rule::R2, || {
                            (
                                format!("branch to {target:#x}, into the middle of an instruction"),
                                "there is one decoding only",
                            )
                        });
                        Flow::Stop
                    }
                };
            }
            if !context.callable(target) {
                sink.fail(Rule::R2, || (
                    format!("branch to {target:#x}, which is neither in this function nor a function's start nor a gate entry"),
                    "only whole functions can be jumped to",
                ));
            }
            Flow::Tail { falls }
        }
        _ => {
            let rule = if matches!(
                i.flow_control(),
                FlowControl::IndirectCall | FlowControl::IndirectBranch
            ) {
                Rule::R12
            } else {
                Rule::R3
            };
            sink.fail(rule, || {
                (
                    "a transfer of control that box code may not make".into(),
                    "indirect calls go through the gate's thunk with the target in R11",
                )
            });
            Flow::Stop
        }
    }
}

/// Rule 13, of a call or a jump `op` out of the function: tested, or told to the graph (`depth.rs`). What runs any
/// function, below a return address or a record, must be tested here.
pub(super) fn depth(
    context: &Context<'_>,
    state: &State,
    op: &Op,
    is_call: bool,
    graph: &mut Graph,
    sink: &mut Sink<'_>,
) {
    let target = op.instruction.near_branch_target();
    let sp = state.sp();
    // Not at a call's return address: that is below RSP as it was tested, and the callee's slot.
    if state.tested.is_some_and(|t| t <= sp) {
        return;
    }
    let slot = if is_call { sp - 8 } else { sp };
    graph.reach(slot);
    let entry = target
        .checked_sub(context.image.base)
        .and_then(|offset| u32::try_from(offset).ok());
    let untested = match entry {
        Some(gate::THUNK) if !is_call => {
            graph.reach_anything();
            false
        }
        Some(gate::THUNK | gate::TRY) => true,
        _ => {
            if let Ok(target) = context.starts.binary_search(&target) {
                graph.transfer(Transfer {
                    address: op.address(),
                    target: target as u32,
                    below: slot.min(0).unsigned_abs(),
                });
            }
            false
        }
    };
    if untested {
        sink.fail(Rule::R13, || {
            (
                "a way to any function that the depth test does not precede on every path, at or below this RSP"
                    .into(),
                "testl $0x200000, %esp; je to a ud2, after the prologue",
            )
        });
    }
}

/// Rules 9 and 12 at a call; afterwards only what the callee restores is known (rule 11).
pub(super) fn call(context: &Context<'_>, state: &mut State, sink: &mut Sink<'_>) {
    sink.stats.calls += 1;
    let sp = state.sp();
    if sp - 8 < -FRAME || sp % 8 != 0 {
        sink.fail(Rule::R9, || {
            (
                format!("a call at {sp} bytes from the return-address slot leaves the frame"),
                "shrink the frame",
            )
        });
    }
    no_stack_address(state, sink);
    for r in 0..16 {
        if r != RSP && !CALLEE_SAVED.contains(&r) {
            state.forget_register(r);
        }
    }
    state.flags = None;
    state.forget_pending();
    if context.strength == Strength::Transient {
        state.forget_numbers();
    }
}

/// Rule 9: only RSP holds a stack address when control leaves the function.
fn no_stack_address(state: &State, sink: &mut Sink<'_>) {
    let leaked = (0..16).any(|r| r != RSP && state.may_be_stack(r));
    if leaked {
        sink.fail(Rule::R9, || {
            (
                "a register other than RSP holds a safe-stack address here".into(),
                "only RSP may hold one at a call or return",
            )
        });
    }
}

/// Rule 11, at `ret` and at a jump out of the function.
pub(super) fn leave(state: &State, sink: &mut Sink<'_>) {
    if state.sp() != 0 {
        sink.fail(Rule::R11, || {
            (
                format!("RSP is {} bytes from the return-address slot", state.sp()),
                "take the frame down first",
            )
        });
    }
    for r in CALLEE_SAVED {
        if state.value(r) != Value::Entry(r as u8) {
            sink.fail(Rule::R11, || {
                (
                    format!("{} does not hold what it held on entry", name(r)),
                    "restore callee-saved registers from their own slots",
                )
            });
        }
    }
    no_stack_address(state, sink);
}

/// Rule 12: the targets of an indirect jump, as instruction indices.
pub(super) fn table_targets(
    context: &Context<'_>,
    state: &State,
    op: &Op,
    index_of: impl Fn(u64) -> Option<usize>,
    sink: &mut Sink<'_>,
) -> Vec<usize> {
    let register: Register = op.instruction.op0_register();
    let value = general(register).map(|r| state.value(r.into()));
    let Some(Value::Target { table, lo, hi }) = value else {
        sink.fail(Rule::R12, || (
            "an indirect jump whose target is not an entry of a table in the box".into(),
            "the index must be bounded by data flow (an AND), the table must lie in .privbox.tables",
        ));
        return Vec::new();
    };
    sink.stats.table_jumps += 1;
    let mut targets = Vec::new();
    for n in lo..=hi {
        let at = table + 4 * u64::from(n);
        let entry = context
            .image
            .bytes_at(at..at + 4)
            .and_then(|b| <[u8; 4]>::try_from(b).ok())
            .map(i32::from_le_bytes);
        let target = entry.map(|e| table.wrapping_add_signed(i64::from(e)));
        match target.and_then(&index_of) {
            Some(t) => targets.push(t),
            None => {
                sink.fail(Rule::R12, || (
                    format!("entry {n} of the table at {table:#x} leads to {:#x}, no instruction of this function", target.unwrap_or(0)),
                    "every entry that the index can reach must lead into the function",
                ));
                return Vec::new();
            }
        }
    }
    targets.sort_unstable();
    targets.dedup();
    targets
}

/// Rule 4: `jrcxz` compares a register.
pub(super) fn condition(state: &State, op: &Op, sink: &mut Sink<'_>) {
    if op.reads != 0 && (0..16).any(|r| op.reads & (1 << r) != 0 && !state.is_data(r)) {
        sink.fail(Rule::R4, || {
            (
                "a branch on a value that may only be moved".into(),
                "write the register before using it",
            )
        });
    }
}

/// Rule 13 on a branch's edges: (taken, falling through), each the new `tested` if that edge is the
/// one where the bit is 1.
pub(super) fn depth_edge(op: &Op, state: &State) -> Option<(Edge, i32)> {
    let (k, by_carry) = state.flags?;
    match (op.mnemonic(), by_carry) {
        (Mnemonic::Je, false) | (Mnemonic::Jae, true) => Some((Edge::Falls, k)),
        (Mnemonic::Jne, false) | (Mnemonic::Jb, true) => Some((Edge::Taken, k)),
        _ => None,
    }
}

/// Which edge of a conditional branch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Edge {
    Taken,
    Falls,
}
