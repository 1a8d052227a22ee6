//! Variadic definitions: `va_start` points at the caller's va area, which has the psABI's layout, so that clang's
//! own expansion of `va_arg` finds everything where it expects it (docs/box-abi.md).

use super::clones::first_non_alloca;
use super::signature::{HomeState, va_overflow};
use crate::llvm::{Builder, Context, Function, Module, ThreadLocalMode, Value, Visibility};

/// Bytes of a `va_list`: two offsets into the register save area, then two pointers.
const VA_LIST_SIZE: u64 = 24;

/// The thread's variable that carries the va area (`__privbox_va_area`) or the number of its stack words.
pub fn variable(module: &Module<'_>, name: &str) -> Value {
    if let Some(there) = module.variable(name) {
        return there;
    }
    let variable = module.add_variable(name, module.context().ptr());
    variable.set_visibility(Visibility::LLVMHiddenVisibility);
    variable.set_thread_local_mode(ThreadLocalMode::LLVMLocalExecTLSModel);
    variable
}

/// The address of a thread-local variable, as clang writes it.
pub fn thread_local(module: &Module<'_>, builder: &Builder<'_>, variable: Value) -> Value {
    match module.intrinsic("llvm.threadlocal.address", &[module.context().ptr()]) {
        Some((intrinsic, ty)) => builder.call(ty, intrinsic.value(), &[variable]),
        None => variable,
    }
}

/// Replaces `va_start` in a variadic clone; `named`: what its named parameters take.
pub fn lower_starts(module: &Module<'_>, clone: Function, named: &HomeState) {
    let starts = intrinsics(clone, "llvm.va_start");
    if starts.is_empty() {
        return;
    }
    let context = module.context();
    let builder = Builder::new(context);
    let Some(first) = clone
        .entry()
        .and_then(|e| first_non_alloca(e.instructions()))
    else {
        return;
    };
    // Read at entry: any call may set it anew.
    builder.before(first);
    builder.set_location(None);
    let area = thread_local(module, &builder, variable(module, "__privbox_va_area"));
    let area = builder.load(context.ptr(), area);
    area.set_name("va.area");
    let overflow = at(context, &builder, area, va_overflow(named));
    let (gp, vec) = (u64::from(named.gp) * 8, 48 + u64::from(named.vec) * 16);
    for start in starts {
        let Some(list) = start.operand(0) else {
            continue;
        };
        builder.before(start);
        let i32t = context.i32();
        builder.store(i32t.constant(gp), list);
        builder.store(i32t.constant(vec), at(context, &builder, list, 4));
        builder.store(overflow, at(context, &builder, list, 8));
        builder.store(area, at(context, &builder, list, 16));
        start.erase();
    }
}

/// Replaces `va_copy` and `va_end`, which any function may use on a list it was given.
pub fn lower_copies(module: &Module<'_>, clone: Function) {
    let context = module.context();
    let builder = Builder::new(context);
    for copy in intrinsics(clone, "llvm.va_copy") {
        let (Some(to), Some(from)) = (copy.operand(0), copy.operand(1)) else {
            continue;
        };
        builder.before(copy);
        for offset in (0..VA_LIST_SIZE).step_by(8) {
            let word = builder.load(context.i64(), at(context, &builder, from, offset));
            builder.store(word, at(context, &builder, to, offset));
        }
        copy.erase();
    }
    for end in intrinsics(clone, "llvm.va_end") {
        end.erase();
    }
}

fn at(context: &Context, builder: &Builder<'_>, base: Value, offset: u64) -> Value {
    builder.gep(context.i8(), base, &[context.i64().constant(offset)])
}

fn intrinsics(function: Function, prefix: &str) -> Vec<Value> {
    function
        .instructions()
        .into_iter()
        .filter(|i| i.is_call() && i.intrinsic().is_some_and(|name| name.starts_with(prefix)))
        .collect()
}
