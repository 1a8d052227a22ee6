//! Variadic definitions: `va_start` points at the caller's va area, so that clang's own expansion of
//! `va_arg` takes the memory path (docs/box-abi.md).

use super::clones::first_non_alloca;
use crate::llvm::{Builder, Context, Function, Module, ThreadLocalMode, Value, Visibility};

/// Bytes of a `va_list`, and its fields: offsets into the register save area, then two pointers.
const VA_LIST_SIZE: u64 = 24;
const ALL_GP_USED: u64 = 48;
const ALL_FP_USED: u64 = 176;

/// The thread's variable that carries the va area (`__privbox_va_area`) or its descriptor.
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

/// Replaces `va_start` in a variadic clone.
pub fn lower_starts(module: &Module<'_>, clone: Function) {
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
    for start in starts {
        let Some(list) = start.operand(0) else {
            continue;
        };
        builder.before(start);
        let (i32t, ptr) = (context.i32(), context.ptr());
        builder.store(i32t.constant(ALL_GP_USED), list);
        builder.store(i32t.constant(ALL_FP_USED), at(context, &builder, list, 4));
        builder.store(area, at(context, &builder, list, 8));
        builder.store(ptr.null(), at(context, &builder, list, 16));
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

/// The constant that describes a va area, one byte per slot and a final 0 (docs/box-abi.md).
pub fn descriptor(module: &Module<'_>, bytes: &[u8]) -> Value {
    let name = format!("privbox.va.{}", String::from_utf8_lossy(bytes));
    if let Some(there) = module.variable(&name) {
        return there;
    }
    let mut text = bytes.to_vec();
    text.push(0);
    let constant = module.context().const_bytes(&text);
    let variable = module.add_variable(&name, constant.ty());
    variable.set_initializer(Some(constant));
    variable.set_global_constant(true);
    variable.set_linkage(crate::llvm::Linkage::LLVMPrivateLinkage);
    variable.set_unnamed_addr(crate::llvm::UnnamedAddr::LLVMGlobalUnnamedAddr);
    variable.set_alignment(1);
    variable
}
