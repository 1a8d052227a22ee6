//! Upper bounds of integers by data flow alone, as the verifier will find them (contract, rule 5).

use crate::llvm::{Opcode, Value};

/// How far to look back.
const DEPTH: u32 = 6;

/// An upper bound of an integer of at most 64 bits as an unsigned number, or `None`.
///
/// Only operations are used whose machine code bounds its result for the verifier too: a zero
/// extension, an `and`, a shift. No branch condition, metadata or no-wrap flag counts.
pub fn upper(value: Value) -> Option<u128> {
    bound(value, 0)
}

fn bound(value: Value, depth: u32) -> Option<u128> {
    let width = value.ty().int_width();
    if width == 0 || width > 64 {
        return None;
    }
    if value.is_const_int() {
        return value.const_u64().map(u128::from);
    }
    let limit = 1u128 << width;
    let by_type = (width <= 32).then(|| limit - 1);
    if depth > DEPTH {
        return by_type;
    }
    let operand = |n: u32| value.operand(n).and_then(|v| bound(v, depth + 1));
    let constant = |n: u32| value.operand(n).and_then(Value::const_u64);
    let found = match value.opcode() {
        Some(Opcode::LLVMZExt) => operand(0),
        Some(Opcode::LLVMAnd) => match (operand(0), operand(1)) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        },
        Some(Opcode::LLVMLShr) => constant(1)
            .filter(|c| *c < u64::from(width))
            .map(|c| operand(0).unwrap_or(limit - 1) >> c),
        Some(Opcode::LLVMShl) => constant(1)
            .filter(|c| *c < u64::from(width))
            .and_then(|c| operand(0).map(|a| a << c))
            .filter(|b| *b < limit),
        Some(Opcode::LLVMAdd) => match (operand(0), operand(1)) {
            (Some(a), Some(b)) if a + b < limit => Some(a + b),
            _ => None,
        },
        Some(Opcode::LLVMMul) if constant(1).is_some_and(subtracts) => None,
        Some(Opcode::LLVMMul) => match (operand(0), operand(1)) {
            (Some(a), Some(b)) if a.saturating_mul(b) < limit => Some(a * b),
            _ => None,
        },
        Some(Opcode::LLVMOr | Opcode::LLVMXor) => match (operand(0), operand(1)) {
            (Some(a), Some(b)) => Some((a.max(b) + 1).next_power_of_two() - 1),
            _ => None,
        },
        Some(Opcode::LLVMSelect) => match (operand(1), operand(2)) {
            (Some(a), Some(b)) => Some(a.max(b)),
            _ => None,
        },
        Some(Opcode::LLVMPHI) => value
            .incoming()
            .into_iter()
            .take(8)
            .try_fold(0, |most, (v, _)| bound(v, depth + 2).map(|b| b.max(most))),
        Some(Opcode::LLVMFreeze) => operand(0),
        // The number for an input of zero is up to twice the width before LLVM flips bits.
        Some(Opcode::LLVMCall) if super::scans::is_scan(value) => Some(2 * u128::from(width) - 1),
        _ => None,
    };
    match (found, by_type) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Does LLVM multiply by this constant with a subtraction at the end (7 x = 8 x - x)? Then the bound of
/// the product is not to be seen in the machine code: rule 4's intervals do not know that both are x.
pub fn subtracts(factor: u64) -> bool {
    let odd = factor >> factor.trailing_zeros().min(63);
    (odd >= 7 && (odd + 1).is_power_of_two()) || odd == 23
}
