//! Bit scans with a result that the verifier knows.
//!
//! For an input of zero, `bsf` and `bsr` keep what their register held before: a caller's register, which
//! no value may be computed from (contract, rule 4), or a number without a bound. LLVM leaves the
//! register alone where it knows that the input is not zero. Here it does not know: it writes the
//! constant for zero to the register first, one move that is no longer than the false dependency on
//! the old value which it breaks.

use crate::llvm::{Builder, Function, Module, Value};

/// Is it a scan for the first or last bit?
pub(super) fn is_scan(value: Value) -> bool {
    value
        .intrinsic()
        .is_some_and(|n| n.starts_with("llvm.cttz.i") || n.starts_with("llvm.ctlz.i"))
}

/// Gives every scan of the function a result for zero, and hides its input from LLVM.
pub(super) fn define(module: &Module<'_>, function: Function) {
    let context = module.context();
    let builder = Builder::new(context);
    for scan in function.instructions() {
        let Some(input) = scan.operand(0).filter(|_| is_scan(scan)) else {
            continue;
        };
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
