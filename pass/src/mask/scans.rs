//! Bit scans with a result that the verifier knows.
//!
//! For an input of zero, `bsf` and `bsr` keep what their register held before: a caller's register, which
//! no value may be computed from (contract, rule 4), or a number without a bound. LLVM leaves the
//! register alone where it knows that the input is not zero. Here it does not know: it writes the
//! constant for zero to the register first, one move that is no longer than the false dependency on
//! the old value which it breaks.
//!
//! Of a narrow input it sets the bit above instead, one more operation on the way to the result. That is only worth it if
//! something counts on the bound. A hash table adds the position of a group to the one in the group, and masks the
//! sum: there the scan stays as it was, a `tzcnt`, of which the verifier knows that it gives a number.

use super::bounds;
use crate::llvm::{Builder, Function, Module, Opcode, Place, Value};
use std::collections::HashSet;

/// Is it a scan for the first or last bit?
pub(super) fn is_scan(value: Value) -> bool {
    value
        .intrinsic()
        .is_some_and(|n| n.starts_with("llvm.cttz.i") || n.starts_with("llvm.ctlz.i"))
}

/// Gives every scan of the function a result for zero, and hides its input from LLVM. `all`: also if it would do without.
/// `addresses`: do the bounds of indices count?
pub(super) fn define(module: &Module<'_>, function: Function, all: bool, addresses: bool) {
    // Code for size has `bsf`, not `tzcnt`.
    let small = function.enum_attribute(Place::Function, "optsize");
    let all = all || small.is_some();
    let context = module.context();
    let builder = Builder::new(context);
    for scan in function.instructions() {
        let Some(input) = scan.operand(0).filter(|_| is_scan(scan)) else {
            continue;
        };
        let narrow = input.ty().int_width() <= 16;
        let trailing = scan.intrinsic().is_some_and(|n| n.starts_with("llvm.cttz"));
        if !all && narrow && trailing && !bound_counts(scan, addresses) {
            continue;
        }
        scan.set_operand(1, context.i1().constant(0));
        if !matches!(input.ty().int_width(), 16 | 32 | 64) {
            continue; // wider arithmetic, where LLVM adds a bit of its own or composes scans
        }
        builder.before(scan);
        builder.set_location(scan.location());
        let ty = input.ty().function(&[input.ty()], false);
        let hidden = context.inline_asm(ty, "", "=r,0", false);
        scan.set_operand(0, builder.call(ty, hidden, &[input]));
    }
}

/// Does something rely on an upper bound of what is computed from the scan?
///
/// [`bounds::upper`] looks through integer operations only, so it is enough to follow those. What it says of the
/// sum counts where the sum is used: one with a term that has no bound has none, whatever the scan's is.
fn bound_counts(scan: Value, addresses: bool) -> bool {
    let mut seen = HashSet::from([scan]);
    let mut work = vec![scan];
    while let Some(value) = work.pop() {
        for user in value.users() {
            if user.opcode() == Some(Opcode::LLVMSwitch) {
                return true;
            }
            // A vector of pointers is masked element by element, whatever its indices are.
            if user.is_gep() && addresses && bounds::upper(value).is_some() {
                return true;
            }
            let compares = user.opcode() == Some(Opcode::LLVMICmp);
            if user.ty().is_int() && !compares && seen.insert(user) {
                work.push(user);
            }
        }
    }
    false
}
