//! Which locals may live on the safe stack (contract, rule 9), by LLVM's SafeStack pass.
//!
//! RSP is the safe stack in the box, and only accesses at constant offsets of RSP are provable. LLVM's
//! pass keeps every local there that it can show to be accessed in bounds; what it shows by other
//! means than constant offsets is forced off with a call that takes the address (a fake escape,
//! deleted afterwards). The unsafe stack is the thread's ordinary stack, its pointer a local-exec
//! thread-local variable of the runtime. Small locals that are read where they may not have been
//! written (`written.rs`) start with zeros, large ones leave the safe stack.

use crate::abi::clones::first_non_alloca;
use crate::llvm::{
    Builder, Function, Linkage, LlvmError, Machine, Module, Opcode, Place, ThreadLocalMode, Value,
    Visibility,
};
use crate::mask::address;
use crate::options::Options;
use crate::written::{self, Local};
use std::collections::HashSet;

/// The thread's unsafe stack pointer while it is in the box.
pub const UNSAFE_SP: &str = "__privbox_unsafe_sp";
const LLVM_NAME: &str = "__safestack_unsafe_stack_ptr";
const ESCAPE: &str = "__privbox_escape";

/// A larger local is forced off the safe stack: frames are limited to 8 KiB (rule 9).
const LARGEST: u64 = 512;
/// Locals beyond this sum are forced off too; the rest of the 8 KiB is for spills.
const FRAME: u64 = 3072;
/// Memory intrinsics up to this many bytes become plain moves.
const INLINE_BYTES: u64 = 64;

/// Locals up to this size are filled with zeros if that makes them provable.
const ZEROED: u64 = 64;

/// Splits the stack of every function with a body.
pub fn run(module: &Module<'_>, machine: &Machine, options: &Options) -> Result<(), LlvmError> {
    let context = module.context();
    let escape_type = context.void().function(&[context.ptr()], false);
    let escape = module.add_function(ESCAPE, escape_type);
    for function in module.defined_functions() {
        function.add_enum(context, "safestack");
        let builder = Builder::new(context);
        for local in unprovable(module, function, options.locals_outside) {
            // Directly behind it: the address must not have to dominate anything else.
            if let Some(next) = local.next() {
                builder.before(next);
                builder.call(escape_type, escape.value(), &[local]);
            }
        }
    }
    module.run_passes("function(safe-stack)", machine)?;
    for call in escape.users() {
        call.erase();
    }
    escape.delete();
    for function in module.defined_functions() {
        // Code generation would run the pass again.
        function.remove_enum_attribute(Place::Function, "safestack");
    }
    if let Some(made) = module.variable(LLVM_NAME) {
        let pointer = match module.variable(UNSAFE_SP) {
            Some(known) => {
                made.replace_all_uses_with(known);
                made.delete_global();
                known
            }
            None => {
                made.set_name(UNSAFE_SP);
                made
            }
        };
        pointer.set_linkage(Linkage::LLVMExternalLinkage);
        // The C API cannot say dso_local; hidden says it.
        pointer.set_visibility(Visibility::LLVMHiddenVisibility);
        pointer.set_thread_local_mode(ThreadLocalMode::LLVMLocalExecTLSModel);
    }
    Ok(())
}

/// The locals that must leave the safe stack although LLVM might prove them safe.
fn unprovable(module: &Module<'_>, function: Function, all: bool) -> Vec<Value> {
    let layout = module.layout();
    let mut forced = Vec::new();
    let mut kept: Vec<Local> = Vec::new();
    for (n, block) in function.blocks().into_iter().enumerate() {
        for local in block.instructions() {
            let Some(ty) = local.allocated_type() else {
                continue;
            };
            let count = local.operand(0).and_then(Value::const_u64);
            let size = count.map(|c| c.saturating_mul(layout.abi_size(ty)));
            match size {
                Some(size)
                    if n == 0
                        && !all
                        && size <= LARGEST
                        && local.alignment() <= 16
                        && constant_accesses_only(module, local, size) =>
                {
                    kept.push(Local { value: local, size });
                }
                _ => forced.push(local),
            }
        }
    }
    kept.sort_by_key(|local| local.size);
    let mut sum = 0;
    kept.retain(|local| {
        sum += local.size;
        if sum > FRAME {
            forced.push(local.value);
        }
        sum <= FRAME
    });
    for n in written::unwritten(layout, function, &kept) {
        if kept[n].size > ZEROED || !fill_with_zeros(module, kept[n]) {
            forced.push(kept[n].value);
        }
    }
    forced
}

/// Zeros in a local from the start of the function. Its lifetime markers go: at each its contents
/// would be undefined again.
fn fill_with_zeros(module: &Module<'_>, local: Local) -> bool {
    for user in local.value.users() {
        if user
            .intrinsic()
            .is_some_and(|name| name.starts_with("llvm.lifetime"))
        {
            user.erase();
        }
    }
    // Only now: the first instruction may have been such a marker.
    let Some(at) = first_non_alloca(
        local
            .value
            .parent()
            .map_or(Vec::new(), |b| b.instructions()),
    ) else {
        return false;
    };
    let context = module.context();
    let builder = Builder::new(context);
    builder.before(at);
    builder.set_location(None);
    builder.memset(
        local.value,
        context.i8().null(),
        context.i64().constant(local.size),
        local.value.alignment(),
    );
    true
}

/// Is the local only loaded and stored, at constant offsets inside it?
fn constant_accesses_only(module: &Module<'_>, local: Value, size: u64) -> bool {
    let layout = module.layout();
    let mut work = vec![(local, 0i64)];
    let mut seen = HashSet::new();
    let inside =
        |offset: i64, bytes: u64| offset >= 0 && (offset as u64).saturating_add(bytes) <= size;
    while let Some((pointer, offset)) = work.pop() {
        if !seen.insert(pointer) {
            continue;
        }
        for user in pointer.users() {
            let fine = match user.opcode() {
                Some(Opcode::LLVMGetElementPtr) => match address::constant_step(layout, user) {
                    Some(step) => {
                        work.push((user, offset.wrapping_add(step)));
                        true
                    }
                    None => false,
                },
                Some(Opcode::LLVMLoad) => inside(offset, layout.store_size(user.ty())),
                Some(Opcode::LLVMStore) => user
                    .operand(0)
                    .is_some_and(|v| v != pointer && inside(offset, layout.store_size(v.ty()))),
                Some(Opcode::LLVMCall) => match user.intrinsic() {
                    Some(name)
                        if name.starts_with("llvm.lifetime") || name.starts_with("llvm.dbg") =>
                    {
                        true
                    }
                    Some(name) if name.starts_with("llvm.mem") => user
                        .operand(2)
                        .and_then(Value::const_u64)
                        .is_some_and(|n| n <= INLINE_BYTES && inside(offset, n)),
                    _ => false,
                },
                // Atomics would be fine, but are rare on locals; phis, selects and comparisons need
                // the address in a register.
                _ => false,
            };
            if !fine {
                return false;
            }
        }
    }
    true
}
