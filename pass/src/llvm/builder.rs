//! Building instructions.

use super::{Block, Context, IntPredicate, Opcode, Ordering, Type, Value};
use inkwell::llvm_sys::core::*;
use inkwell::llvm_sys::prelude::*;
use std::marker::PhantomData;

const UNNAMED: *const std::ffi::c_char = c"".as_ptr();

/// An instruction builder. Operands must fit LLVM's rules: [`super::Module::verify`] finds what does not.
pub struct Builder<'c> {
    raw: LLVMBuilderRef,
    context: PhantomData<&'c Context>,
}

impl Drop for Builder<'_> {
    fn drop(&mut self) {
        // SAFETY: made in `new`, freed once.
        unsafe { LLVMDisposeBuilder(self.raw) }
    }
}

impl<'c> Builder<'c> {
    /// A builder that is nowhere yet.
    pub fn new(context: &'c Context) -> Self {
        Builder {
            // SAFETY: the context outlives the builder.
            raw: unsafe { LLVMCreateBuilderInContext(context.raw) },
            context: PhantomData,
        }
    }
    /// Goes before an instruction and takes its debug location.
    pub fn before(&self, instruction: Value) {
        // SAFETY: an instruction in a block.
        unsafe { LLVMPositionBuilderBefore(self.raw, instruction.0) }
    }
    /// Goes to the end of a block.
    pub fn at_end(&self, block: Block) {
        // SAFETY: a live block.
        unsafe { LLVMPositionBuilderAtEnd(self.raw, block.0) }
    }
    /// The block it is in.
    pub fn block(&self) -> Option<Block> {
        // SAFETY: a live builder; null is "nowhere".
        let raw = unsafe { LLVMGetInsertBlock(self.raw) };
        (!raw.is_null()).then_some(Block(raw))
    }
    /// Debug location of what follows; `None` for none.
    pub fn set_location(&self, location: Option<super::Metadata>) {
        // SAFETY: a live builder; null clears.
        unsafe {
            LLVMSetCurrentDebugLocation2(self.raw, location.map_or(std::ptr::null_mut(), |l| l.0))
        }
    }
    /// Inserts a detached instruction.
    pub fn insert(&self, instruction: Value) {
        // SAFETY: a detached instruction.
        unsafe { LLVMInsertIntoBuilder(self.raw, instruction.0) }
    }

    /// `ret`, of a value or of nothing.
    pub fn ret(&self, value: Option<Value>) -> Value {
        // SAFETY: a positioned builder.
        Value(unsafe {
            match value {
                Some(v) => LLVMBuildRet(self.raw, v.0),
                None => LLVMBuildRetVoid(self.raw),
            }
        })
    }
    /// `br`.
    pub fn br(&self, to: Block) -> Value {
        // SAFETY: a positioned builder and a live block.
        Value(unsafe { LLVMBuildBr(self.raw, to.0) })
    }
    /// Conditional `br`.
    pub fn cond_br(&self, condition: Value, then: Block, otherwise: Block) -> Value {
        // SAFETY: a positioned builder and live operands.
        Value(unsafe { LLVMBuildCondBr(self.raw, condition.0, then.0, otherwise.0) })
    }
    /// `switch` without cases; see [`Value::add_case`].
    pub fn switch(&self, on: Value, default: Block, cases: u32) -> Value {
        // SAFETY: a positioned builder and live operands.
        Value(unsafe { LLVMBuildSwitch(self.raw, on.0, default.0, cases) })
    }
    /// `indirectbr` without destinations; see [`Value::add_destination`].
    pub fn indirect_br(&self, address: Value, destinations: u32) -> Value {
        // SAFETY: a positioned builder and live operands.
        Value(unsafe { LLVMBuildIndirectBr(self.raw, address.0, destinations) })
    }
    /// `unreachable`.
    pub fn unreachable(&self) -> Value {
        // SAFETY: a positioned builder.
        Value(unsafe { LLVMBuildUnreachable(self.raw) })
    }
    /// `resume`.
    pub fn resume(&self, exception: Value) -> Value {
        // SAFETY: a positioned builder.
        Value(unsafe { LLVMBuildResume(self.raw, exception.0) })
    }

    /// `alloca`.
    pub fn alloca(&self, ty: Type) -> Value {
        // SAFETY: a positioned builder and a sized type.
        Value(unsafe { LLVMBuildAlloca(self.raw, ty.0, UNNAMED) })
    }
    /// `alloca` of `count` elements.
    pub fn array_alloca(&self, ty: Type, count: Value) -> Value {
        // SAFETY: a positioned builder and a sized type.
        Value(unsafe { LLVMBuildArrayAlloca(self.raw, ty.0, count.0, UNNAMED) })
    }
    /// `load`.
    pub fn load(&self, ty: Type, pointer: Value) -> Value {
        // SAFETY: a positioned builder and live operands.
        Value(unsafe { LLVMBuildLoad2(self.raw, ty.0, pointer.0, UNNAMED) })
    }
    /// `store`.
    pub fn store(&self, value: Value, pointer: Value) -> Value {
        // SAFETY: a positioned builder and live operands.
        Value(unsafe { LLVMBuildStore(self.raw, value.0, pointer.0) })
    }
    /// `getelementptr`, without flags.
    pub fn gep(&self, source: Type, pointer: Value, indices: &[Value]) -> Value {
        let mut raw: Vec<_> = indices.iter().map(|v| v.0).collect();
        // SAFETY: a positioned builder and live operands, as many as told.
        Value(unsafe {
            LLVMBuildGEP2(
                self.raw,
                source.0,
                pointer.0,
                raw.as_mut_ptr(),
                raw.len() as u32,
                UNNAMED,
            )
        })
    }
    /// The address of a structure's field.
    pub fn field(&self, structure: Type, pointer: Value, field: u32) -> Value {
        // SAFETY: a positioned builder and a field of the structure.
        Value(unsafe { LLVMBuildStructGEP2(self.raw, structure.0, pointer.0, field, UNNAMED) })
    }
    /// `llvm.memcpy` (`llvm.memmove` with `overlapping`).
    pub fn memcpy(
        &self,
        to: Value,
        to_align: u32,
        from: Value,
        from_align: u32,
        size: Value,
    ) -> Value {
        // SAFETY: a positioned builder; alignments are powers of two.
        Value(unsafe { LLVMBuildMemCpy(self.raw, to.0, to_align, from.0, from_align, size.0) })
    }
    /// `llvm.memset`.
    pub fn memset(&self, to: Value, value: Value, size: Value, align: u32) -> Value {
        // SAFETY: a positioned builder; the alignment is a power of two.
        Value(unsafe { LLVMBuildMemSet(self.raw, to.0, value.0, size.0, align) })
    }
    /// `fence`.
    pub fn fence(&self, ordering: Ordering) -> Value {
        // SAFETY: a positioned builder.
        Value(unsafe { LLVMBuildFence(self.raw, ordering, 0, UNNAMED) })
    }

    /// A binary operation.
    pub fn binary(&self, op: Opcode, a: Value, b: Value) -> Value {
        // SAFETY: a positioned builder and operands of one type.
        Value(unsafe { LLVMBuildBinOp(self.raw, op, a.0, b.0, UNNAMED) })
    }
    /// `add`.
    pub fn add(&self, a: Value, b: Value) -> Value {
        self.binary(Opcode::LLVMAdd, a, b)
    }
    /// `sub`.
    pub fn sub(&self, a: Value, b: Value) -> Value {
        self.binary(Opcode::LLVMSub, a, b)
    }
    /// `mul`.
    pub fn mul(&self, a: Value, b: Value) -> Value {
        self.binary(Opcode::LLVMMul, a, b)
    }
    /// `and`.
    pub fn and(&self, a: Value, b: Value) -> Value {
        self.binary(Opcode::LLVMAnd, a, b)
    }
    /// `or`.
    pub fn or(&self, a: Value, b: Value) -> Value {
        self.binary(Opcode::LLVMOr, a, b)
    }
    /// A cast.
    pub fn cast(&self, op: Opcode, value: Value, ty: Type) -> Value {
        // SAFETY: a positioned builder and a cast LLVM allows.
        Value(unsafe { LLVMBuildCast(self.raw, op, value.0, ty.0, UNNAMED) })
    }
    /// `zext`.
    pub fn zext(&self, value: Value, ty: Type) -> Value {
        self.cast(Opcode::LLVMZExt, value, ty)
    }
    /// `sext`.
    pub fn sext(&self, value: Value, ty: Type) -> Value {
        self.cast(Opcode::LLVMSExt, value, ty)
    }
    /// `trunc`.
    pub fn trunc(&self, value: Value, ty: Type) -> Value {
        self.cast(Opcode::LLVMTrunc, value, ty)
    }
    /// `ptrtoint`.
    pub fn ptr_to_int(&self, value: Value, ty: Type) -> Value {
        self.cast(Opcode::LLVMPtrToInt, value, ty)
    }
    /// `inttoptr`.
    pub fn int_to_ptr(&self, value: Value, ty: Type) -> Value {
        self.cast(Opcode::LLVMIntToPtr, value, ty)
    }
    /// `bitcast`.
    pub fn bit_cast(&self, value: Value, ty: Type) -> Value {
        self.cast(Opcode::LLVMBitCast, value, ty)
    }
    /// `icmp`.
    pub fn icmp(&self, predicate: IntPredicate, a: Value, b: Value) -> Value {
        // SAFETY: a positioned builder and operands of one type.
        Value(unsafe { LLVMBuildICmp(self.raw, predicate, a.0, b.0, UNNAMED) })
    }
    /// `select`.
    pub fn select(&self, condition: Value, then: Value, otherwise: Value) -> Value {
        // SAFETY: a positioned builder and live operands.
        Value(unsafe { LLVMBuildSelect(self.raw, condition.0, then.0, otherwise.0, UNNAMED) })
    }
    /// `freeze`.
    pub fn freeze(&self, value: Value) -> Value {
        // SAFETY: a positioned builder.
        Value(unsafe { LLVMBuildFreeze(self.raw, value.0, UNNAMED) })
    }
    /// A phi without edges; see [`Value::add_incoming`].
    pub fn phi(&self, ty: Type) -> Value {
        // SAFETY: a positioned builder.
        Value(unsafe { LLVMBuildPhi(self.raw, ty.0, UNNAMED) })
    }
    /// `extractvalue`.
    pub fn extract_value(&self, aggregate: Value, index: u32) -> Value {
        // SAFETY: a positioned builder and an element of the aggregate.
        Value(unsafe { LLVMBuildExtractValue(self.raw, aggregate.0, index, UNNAMED) })
    }
    /// `insertvalue`.
    pub fn insert_value(&self, aggregate: Value, value: Value, index: u32) -> Value {
        // SAFETY: a positioned builder and an element of the aggregate.
        Value(unsafe { LLVMBuildInsertValue(self.raw, aggregate.0, value.0, index, UNNAMED) })
    }
    /// `extractelement`.
    pub fn extract_element(&self, vector: Value, index: Value) -> Value {
        // SAFETY: a positioned builder and a vector.
        Value(unsafe { LLVMBuildExtractElement(self.raw, vector.0, index.0, UNNAMED) })
    }
    /// `insertelement`.
    pub fn insert_element(&self, vector: Value, value: Value, index: Value) -> Value {
        // SAFETY: a positioned builder and a vector.
        Value(unsafe { LLVMBuildInsertElement(self.raw, vector.0, value.0, index.0, UNNAMED) })
    }

    /// `call`.
    pub fn call(&self, ty: Type, callee: Value, args: &[Value]) -> Value {
        let mut raw: Vec<_> = args.iter().map(|v| v.0).collect();
        // SAFETY: a positioned builder, a function type, arguments as many as told.
        Value(unsafe {
            LLVMBuildCall2(
                self.raw,
                ty.0,
                callee.0,
                raw.as_mut_ptr(),
                raw.len() as u32,
                UNNAMED,
            )
        })
    }
    /// `call` with operand bundles (tag and values).
    pub fn call_with_bundles(
        &self,
        ty: Type,
        callee: Value,
        args: &[Value],
        bundles: &[(String, Vec<Value>)],
    ) -> Value {
        let mut raw: Vec<_> = args.iter().map(|v| v.0).collect();
        // SAFETY: a positioned builder and live operands, as many as told; LLVM copies the bundles,
        // which are freed here.
        unsafe {
            let mut made: Vec<LLVMOperandBundleRef> = bundles
                .iter()
                .map(|(tag, values)| {
                    let mut values: Vec<_> = values.iter().map(|v| v.0).collect();
                    LLVMCreateOperandBundle(
                        tag.as_ptr().cast(),
                        tag.len(),
                        values.as_mut_ptr(),
                        values.len() as u32,
                    )
                })
                .collect();
            let call = LLVMBuildCallWithOperandBundles(
                self.raw,
                ty.0,
                callee.0,
                raw.as_mut_ptr(),
                raw.len() as u32,
                made.as_mut_ptr(),
                made.len() as u32,
                UNNAMED,
            );
            for bundle in made {
                LLVMDisposeOperandBundle(bundle);
            }
            Value(call)
        }
    }
    /// `invoke`.
    pub fn invoke(
        &self,
        ty: Type,
        callee: Value,
        args: &[Value],
        normal: Block,
        unwind: Block,
    ) -> Value {
        let mut raw: Vec<_> = args.iter().map(|v| v.0).collect();
        // SAFETY: a positioned builder, a function type, arguments as many as told, live blocks.
        Value(unsafe {
            LLVMBuildInvoke2(
                self.raw,
                ty.0,
                callee.0,
                raw.as_mut_ptr(),
                raw.len() as u32,
                normal.0,
                unwind.0,
                UNNAMED,
            )
        })
    }
}
