//! Thread-local variables that another unit, or a shared library, defines.
//!
//! LLVM would fold the load of their offset into `%fs:(%rax)`, which rule 8 rejects: an offset out of
//! the GOT is an unknown number. Here the address is a sum that the mask stage masks like any pointer.
//!
//! Copies of this unit's own variables ([`near_copies`]) must be where LLVM sees whose address it is.

use crate::abi::variadic;
use crate::llvm::{Builder, Function, Layout, Module, Opcode, ThreadLocalMode, Value};
use crate::mask::address;
use crate::options::Level;

/// Rewrites the addresses of initial-exec variables in a function of the box module.
pub fn lower(module: &Module<'_>, function: Function, level: Level) {
    let context = module.context();
    for call in function.instructions() {
        let is_address = call.is_call()
            && call
                .intrinsic()
                .is_some_and(|n| n.starts_with("llvm.threadlocal.address"));
        let Some(variable) = call.operand(0).filter(|_| is_address) else {
            continue;
        };
        let builder = Builder::new(context);
        if !far(variable) {
            // Where accesses are not masked, LLVM folds a variable index into `%fs:(,%rax,8)`, and rule 8 holds at
            // every level: the address must be a register's.
            if level != Level::Mask && call.users().into_iter().any(|user| !constant(user, call)) {
                let ty = context.ptr().function(&[context.ptr()], false);
                let hide = context.inline_asm(ty, "", "=r,0,~{dirflag},~{fpsr},~{flags}", false);
                if let Some(next) = call.next() {
                    builder.before(next);
                    let hidden = builder.call(ty, hide, &[call]);
                    call.replace_all_uses_with(hidden);
                    hidden.set_operand(0, call);
                }
            }
            continue;
        }
        builder.before(call);
        // One opaque sum: where nothing is masked, LLVM would fold a sum of its own just the same.
        let text = format!(
            "movq %fs:0, $0; addq \"{}\"@GOTTPOFF(%rip), $0",
            // Names of Rust's older mangling have dollars, which are operands to LLVM.
            crate::split::plain(&variable.name()).replace('$', "$$")
        );
        let ty = context.ptr().function(&[], false);
        let constraints = "=r,~{dirflag},~{fpsr},~{flags}";
        let address = builder.call(ty, context.inline_asm(ty, &text, constraints, false), &[]);
        call.replace_all_uses_with(address);
        call.erase();
    }
}

/// Computes the address of a thread-local variable again where `memcpy` and its like access it. An access at
/// a constant offset needs no mask because LLVM makes it `%fs:` and the offset (rule 8); but it selects instructions
/// block by block, and sinks the address of a load or store into the block first, not that of a copy: which
/// would be an access through a register that nothing is known of.
///
/// Nothing may merge equal calls afterwards.
pub fn near_copies(module: &Module<'_>, function: Function) {
    let builder = Builder::new(module.context());
    for copy in function.instructions() {
        let of_memory = copy.intrinsic().is_some_and(|name| {
            ["llvm.memcpy", "llvm.memmove", "llvm.memset"]
                .iter()
                .any(|start| name.starts_with(start))
        });
        if !of_memory {
            continue;
        }
        for operand in 0..2 {
            let pointer = copy.operand(operand).filter(|p| p.ty().is_pointer());
            let Some((variable, offset)) = pointer.and_then(|p| at_offset(module.layout(), p))
            else {
                continue;
            };
            builder.before(copy);
            let mut address = variadic::thread_local(module, &builder, variable);
            if offset != 0 {
                let offset = module.context().i64().signed(offset);
                address = builder.gep(module.context().i8(), address, &[offset]);
            }
            copy.set_operand(operand, address);
        }
    }
}

/// The thread-local variable that a pointer points a constant offset into.
fn at_offset(layout: Layout, pointer: Value) -> Option<(Value, i64)> {
    let mut base = pointer;
    let mut offset = 0i64;
    while base.is_gep() {
        offset = offset.checked_add(address::constant_step(layout, base)?)?;
        base = base.operand(0)?;
    }
    let is_address = base
        .intrinsic()
        .is_some_and(|name| name.starts_with("llvm.threadlocal.address"));
    let variable = base.operand(0).filter(|_| is_address)?;
    Some((variable, offset))
}

/// Whether `user` reaches a constant offset of the address only.
fn constant(user: Value, address: Value) -> bool {
    match user.opcode() {
        Some(Opcode::LLVMLoad) => true,
        Some(Opcode::LLVMStore) => user.operand(0) != Some(address),
        Some(Opcode::LLVMGetElementPtr) => {
            user.operands().into_iter().skip(1).all(Value::is_constant)
                && user.users().into_iter().all(|next| constant(next, user))
        }
        _ => false,
    }
}

fn far(variable: Value) -> bool {
    variable.is_global_variable()
        && variable.thread_local_mode() == ThreadLocalMode::LLVMInitialExecTLSModel
}
