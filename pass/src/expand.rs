//! Instructions that code generation would expand into accesses of the safe stack which rule 9 of
//! the contract does not allow. They are expanded here, after every pass over the IR that could bring
//! them back.
//!
//! * A full fence, and a read-modify-write that changes nothing, become `lock orl $0, (%rsp)`: at
//!   function entry that is the return address.
//! * A read-modify-write of one bit becomes `lock bts %rsi, (%rcx)`, which takes the high bits of its index for
//!   an offset: no mask of the address covers that.
//! * A vector element chosen by a variable goes through a slot with an index.
//! * What takes a `long double` apart: `long_double.rs`.

use crate::llvm::{Builder, Function, Module, Opcode, Ordering, RmwOp, Type, Value};
use crate::long_double;
use std::collections::HashMap;

/// Expands them in every function with a body.
pub fn run(module: &Module<'_>) {
    for function in module.defined_functions() {
        let mut slots = Slots::new(function);
        for i in function.instructions() {
            match i.opcode() {
                Some(Opcode::LLVMFence) => fence(module, i),
                Some(Opcode::LLVMAtomicRMW) => {
                    single_bit(module, i);
                    idempotent(module, i);
                }
                Some(Opcode::LLVMExtractElement | Opcode::LLVMInsertElement) => {
                    element(module, i, &mut slots);
                }
                _ => long_double::run(module, i, &mut slots),
            }
        }
    }
}

/// `fence seq_cst` becomes `mfence`. Weaker fences emit nothing on x86.
fn fence(module: &Module<'_>, fence: Value) {
    let full = fence.ordering() == Some(Ordering::LLVMAtomicOrderingSequentiallyConsistent);
    if full && !fence.is_single_thread() {
        let builder = Builder::new(module.context());
        builder.before(fence);
        if mfence(module, &builder) {
            fence.erase();
        }
    }
}

fn mfence(module: &Module<'_>, builder: &Builder<'_>) -> bool {
    let Some((mfence, ty)) = module.intrinsic("llvm.x86.sse2.mfence", &[]) else {
        return false;
    };
    builder.call(ty, mfence.value(), &[]);
    true
}

/// LLVM recognises the one bit by comparing the operand with what the result is masked with.
fn single_bit(module: &Module<'_>, rmw: Value) {
    let logic = matches!(
        rmw.rmw_operation(),
        Some(
            RmwOp::LLVMAtomicRMWBinOpOr
                | RmwOp::LLVMAtomicRMWBinOpAnd
                | RmwOp::LLVMAtomicRMWBinOpXor
        )
    );
    let Some(operand) = rmw.operand(1).filter(|o| logic && !o.is_constant()) else {
        return;
    };
    if !rmw.has_uses() || !matches!(operand.ty().int_width(), 16 | 32 | 64) {
        return;
    }
    let context = module.context();
    let builder = Builder::new(context);
    builder.before(rmw);
    let ty = operand.ty().function(&[operand.ty()], false);
    let hide = context.inline_asm(ty, "", "=r,0,~{dirflag},~{fpsr},~{flags}", false);
    let hidden = builder.call(ty, hide, &[operand]);
    rmw.set_operand(1, hidden);
}

/// `x | 0` and its like: a fence and a load, which is what LLVM would make of those with a result.
fn idempotent(module: &Module<'_>, rmw: Value) {
    let (Some(pointer), Some(operand)) = (rmw.operand(0), rmw.operand(1)) else {
        return;
    };
    let (ty, width) = (rmw.ty(), rmw.ty().int_width());
    if width == 0 || width > 64 {
        return;
    }
    let ones = operand.const_u64() == Some(u64::MAX >> (64 - width));
    let unchanged = match rmw.rmw_operation() {
        Some(
            RmwOp::LLVMAtomicRMWBinOpOr
            | RmwOp::LLVMAtomicRMWBinOpXor
            | RmwOp::LLVMAtomicRMWBinOpAdd
            | RmwOp::LLVMAtomicRMWBinOpSub,
        ) => operand.is_null(),
        Some(RmwOp::LLVMAtomicRMWBinOpAnd) => ones,
        _ => false,
    };
    if !unchanged {
        return;
    }
    let builder = Builder::new(module.context());
    builder.before(rmw);
    if !mfence(module, &builder) {
        return;
    }
    let load = builder.load(ty, pointer);
    load.set_alignment(rmw.alignment());
    load.set_volatile(rmw.is_volatile());
    load.set_ordering(Ordering::LLVMAtomicOrderingSequentiallyConsistent);
    rmw.replace_all_uses_with(load);
    rmw.erase();
}

/// `safestack.rs` sees a local with a variable offset and moves it to the unsafe stack.
fn element(module: &Module<'_>, i: Value, slots: &mut Slots) {
    let insert = i.opcode() == Some(Opcode::LLVMInsertElement);
    let (Some(vector), Some(index)) = (i.operand(0), i.operand(if insert { 2 } else { 1 })) else {
        return;
    };
    let (Some(own), false) = (vector.ty().element(), index.is_constant()) else {
        return;
    };
    let context = module.context();
    let count = vector.ty().len() as u32;
    // Bits have no addresses.
    let stored = match own.int_width() {
        0 => own,
        width => context.int(width.next_multiple_of(8).next_power_of_two()),
    };
    let widened = stored != own;
    let whole = if widened {
        stored.vector(count)
    } else {
        vector.ty()
    };
    let Some(slot) = slots.get(module, whole) else {
        return;
    };
    let builder = Builder::new(context);
    builder.before(i);
    let vector = if widened {
        builder.zext(vector, whole)
    } else {
        vector
    };
    builder.store(vector, slot);
    let word = context.i64();
    let index = match index.ty().int_width() {
        64 => index,
        65.. => builder.trunc(index, word),
        _ => builder.zext(index, word),
    };
    // Another index is poison, not a way out of the slot.
    let index = builder.and(
        index,
        word.constant(u64::from(count).next_power_of_two() - 1),
    );
    let place = builder.gep(stored, slot, &[index]);
    let result = if insert {
        let Some(value) = i.operand(1) else { return };
        let value = if widened {
            builder.zext(value, stored)
        } else {
            value
        };
        builder.store(value, place);
        builder.load(whole, slot)
    } else {
        builder.load(stored, place)
    };
    let result = if widened {
        builder.trunc(result, i.ty())
    } else {
        result
    };
    i.replace_all_uses_with(result);
    i.erase();
}

/// One slot for each type: none lives longer than an expansion.
pub struct Slots {
    function: Function,
    made: HashMap<Type, Value>,
}

impl Slots {
    fn new(function: Function) -> Slots {
        Slots {
            function,
            made: HashMap::new(),
        }
    }

    /// The slot for a value of this type.
    pub fn get(&mut self, module: &Module<'_>, ty: Type) -> Option<Value> {
        if let Some(slot) = self.made.get(&ty) {
            return Some(*slot);
        }
        let builder = Builder::new(module.context());
        builder.before(self.function.entry()?.first()?);
        builder.set_location(None);
        let slot = builder.alloca(ty);
        self.made.insert(ty, slot);
        Some(slot)
    }
}
