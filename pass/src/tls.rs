//! Thread-local variables that another unit, or a shared library, defines.
//!
//! LLVM would fold the load of their offset into `%fs:(%rax)`, which rule 8 rejects: an offset out of
//! the GOT is an unknown number. Here the address is a sum that the mask stage masks like any pointer.

use crate::llvm::{Builder, Function, Module, ThreadLocalMode, Value};

/// Rewrites the addresses of initial-exec variables in a function of the box module.
pub fn lower(module: &Module<'_>, function: Function) {
    let context = module.context();
    for call in function.instructions() {
        let is_address = call.is_call()
            && call
                .intrinsic()
                .is_some_and(|n| n.starts_with("llvm.threadlocal.address"));
        let Some(variable) = call.operand(0).filter(|_| is_address) else {
            continue;
        };
        if !far(variable) {
            continue;
        }
        let builder = Builder::new(context);
        builder.before(call);
        // One opaque sum: where nothing is masked, LLVM would fold a sum of its own just the same.
        let text = format!(
            "movq %fs:0, $0; addq \"{}\"@GOTTPOFF(%rip), $0",
            crate::split::plain(&variable.name())
        );
        let ty = context.ptr().function(&[], false);
        let constraints = "=r,~{dirflag},~{fpsr},~{flags}";
        let address = builder.call(ty, context.inline_asm(ty, &text, constraints, false), &[]);
        call.replace_all_uses_with(address);
        call.erase();
    }
}

fn far(variable: Value) -> bool {
    variable.is_global_variable()
        && variable.thread_local_mode() == ThreadLocalMode::LLVMInitialExecTLSModel
}
