//! Rule 9: whatever moves RSP.

use alloc::format;

use iced_x86::{Mnemonic::*, OpKind, Register};

use crate::rule::Rule;

use super::cell::Cell;
use super::op::general;
use super::state::RSP;
use super::transfer::{Step, rsp_written};
use super::value::Value;

/// The largest frame, return-address slot not counted.
pub(super) const FRAME: i32 = 8192;
const RBP: usize = 5;

/// `k + d`, kept well inside an `i32`.
pub(super) fn displaced(k: i32, d: i128) -> Option<i32> {
    let sum = i128::from(k) + d;
    (-(1 << 24)..=1 << 24).contains(&sum).then_some(sum as i32)
}

/// Executes an instruction that writes RSP. False: RSP is lost.
pub(super) fn moves_sp(step: &mut Step<'_, '_, '_, '_>) -> bool {
    let instruction = step.op.instruction;
    let whole = instruction.op_count() > 0
        && instruction.op0_kind() == OpKind::Register
        && instruction.op0_register() == Register::RSP;
    let sp = step.state.sp();
    let to = match instruction.mnemonic() {
        Push => return push(step),
        Pop if !whole => return pop(step),
        Leave => {
            let Some(k) = step.state.stack(RBP) else {
                step.sink.fail(Rule::R9, || {
                    (
                        "leave takes RSP from an RBP that is no address of this frame".into(),
                        "set RBP by mov %rsp, %rbp",
                    )
                });
                return false;
            };
            if !set(step, i128::from(k)) {
                return false;
            }
            return pop_to(step, Some(RBP));
        }
        Add | Sub
            if whole
                && matches!(
                    instruction.op1_kind(),
                    OpKind::Immediate8to64 | OpKind::Immediate32to64
                ) =>
        {
            let c = i128::from(instruction.immediate(1) as i64);
            Some(i128::from(sp) + if instruction.mnemonic() == Add { c } else { -c })
        }
        Lea if whole => match step.effective().value {
            Value::Stack(k) => Some(i128::from(k)),
            _ => None,
        },
        Mov if whole && instruction.op1_kind() == OpKind::Register => {
            match general(instruction.op1_register()) {
                Some(r) => step.state.stack(r.into()).map(i128::from),
                None => None,
            }
        }
        _ => None,
    };
    match to {
        Some(k) => set(step, k),
        None => {
            rsp_written(step.sink);
            false
        }
    }
}

fn set(step: &mut Step<'_, '_, '_, '_>, k: i128) -> bool {
    if k > 0 || k < -i128::from(FRAME) {
        step.sink.fail(Rule::R9, || (
            format!("RSP leaves the frame: {k} bytes from the return-address slot, not within -{FRAME}..=0"),
            "large locals belong on the unsafe stack",
        ));
        return false;
    }
    step.state.move_sp(k as i32);
    true
}

fn push(step: &mut Step<'_, '_, '_, '_>) -> bool {
    let instruction = step.op.instruction;
    let cell = match instruction.op0_kind() {
        OpKind::Register => match general(instruction.op0_register()) {
            Some(r) if instruction.op0_register().size() == 8 => {
                step.state.shared_register(usize::from(r))
            }
            _ => {
                rsp_written(step.sink);
                return false;
            }
        },
        OpKind::Memory => {
            let cell = step.load(8);
            step.shared_operand(0, cell)
        }
        _ => Cell::number(super::value::Interval::constant(i128::from(
            instruction.immediate(0) as i64,
        ))),
    };
    let sp = step.state.sp();
    if !set(step, i128::from(sp) - 8) {
        return false;
    }
    let sp = step.state.sp();
    if sp % 8 == 0 {
        step.state.write_word(sp, cell);
    } else {
        step.only_data(cell.value);
        step.state.write_bytes(sp, 8);
    }
    true
}

fn pop(step: &mut Step<'_, '_, '_, '_>) -> bool {
    let instruction = step.op.instruction;
    if instruction.op0_kind() == OpKind::Register {
        return match general(instruction.op0_register()) {
            Some(r) if usize::from(r) != RSP && instruction.op0_register().size() == 8 => {
                pop_to(step, Some(usize::from(r)))
            }
            _ => {
                rsp_written(step.sink);
                false
            }
        };
    }
    pop_to(step, None)
}

/// Pops into a register, or (data only) into memory that was checked.
fn pop_to(step: &mut Step<'_, '_, '_, '_>, register: Option<usize>) -> bool {
    let sp = step.state.sp();
    if sp > -8 {
        step.sink.fail(Rule::R9, || {
            (
                "pop reads the return address".into(),
                "balance push and pop",
            )
        });
        return false;
    }
    let cell = if sp % 8 == 0 {
        step.state.whole_word(sp)
    } else {
        None
    };
    let cell = match cell {
        Some(cell) => cell,
        None => {
            if let Err(why) = step.state.readable(sp, 8) {
                super::memory::unreadable(&why, step.sink);
            }
            Cell::UNKNOWN
        }
    };
    if !set(step, i128::from(sp) + 8) {
        return false;
    }
    match register {
        Some(r) => step.state.set_register(r, cell),
        None => step.store(8, cell),
    }
    true
}
