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
        let Some((pointer, pointer_type)) =
            module.intrinsic("llvm.thread.pointer", &[context.ptr()])
        else {
            continue;
        };
        let builder = Builder::new(context);
        builder.before(call);
        let text = format!(
            "movq \"{}\"@GOTTPOFF(%rip), $0",
            crate::split::plain(&variable.name())
        );
        let ty = context.i64().function(&[], false);
        let offset = builder.call(ty, context.inline_asm(ty, &text, "=r", false), &[]);
        let base = builder.call(pointer_type, pointer.value(), &[]);
        call.replace_all_uses_with(builder.gep(context.i8(), base, &[offset]));
        call.erase();
    }
}

fn far(variable: Value) -> bool {
    variable.is_global_variable()
        && variable.thread_local_mode() == ThreadLocalMode::LLVMInitialExecTLSModel
}
