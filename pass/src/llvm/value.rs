//! Values: what constants, arguments, globals and instructions have in common; constants.

use super::{Block, Function, Type, borrowed, owned};
use inkwell::llvm_sys::core::*;
use inkwell::llvm_sys::prelude::*;
use inkwell::llvm_sys::{LLVMOpcode, LLVMValueKind};

/// A value.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Value(pub(super) LLVMValueRef);

impl Value {
    pub(super) fn option(raw: LLVMValueRef) -> Option<Value> {
        (!raw.is_null()).then_some(Value(raw))
    }

    /// Its kind.
    pub fn kind(self) -> LLVMValueKind {
        // SAFETY: a live value.
        unsafe { LLVMGetValueKind(self.0) }
    }
    /// Its type.
    pub fn ty(self) -> Type {
        // SAFETY: a live value.
        Type(unsafe { LLVMTypeOf(self.0) })
    }
    /// Its name; empty if it has none.
    pub fn name(self) -> String {
        let mut length = 0;
        // SAFETY: a live value; the name lives during the call.
        unsafe {
            let name = LLVMGetValueName2(self.0, &mut length);
            borrowed(name, length)
        }
    }
    /// Renames it (LLVM makes the name unique if it is taken).
    pub fn set_name(self, name: &str) {
        // SAFETY: pointer and length are of one slice.
        unsafe { LLVMSetValueName2(self.0, name.as_ptr().cast(), name.len()) }
    }
    /// As text: an instruction's line, a function's whole body.
    pub fn print(self) -> String {
        // SAFETY: the message is ours.
        unsafe { owned(LLVMPrintValueToString(self.0)) }
    }

    /// An instruction?
    pub fn is_instruction(self) -> bool {
        self.kind() == LLVMValueKind::LLVMInstructionValueKind
    }
    /// A function's parameter?
    pub fn is_argument(self) -> bool {
        self.kind() == LLVMValueKind::LLVMArgumentValueKind
    }
    /// A constant (globals and their addresses included)?
    pub fn is_constant(self) -> bool {
        // SAFETY: a live value.
        unsafe { LLVMIsConstant(self.0) != 0 }
    }
    /// A constant expression?
    pub fn is_const_expr(self) -> bool {
        self.kind() == LLVMValueKind::LLVMConstantExprValueKind
    }
    /// A global variable?
    pub fn is_global_variable(self) -> bool {
        self.kind() == LLVMValueKind::LLVMGlobalVariableValueKind
    }
    /// A function?
    pub fn as_function(self) -> Option<Function> {
        (self.kind() == LLVMValueKind::LLVMFunctionValueKind).then_some(Function(self))
    }
    /// An alias?
    pub fn is_alias(self) -> bool {
        self.kind() == LLVMValueKind::LLVMGlobalAliasValueKind
    }
    /// An ifunc?
    pub fn is_ifunc(self) -> bool {
        self.kind() == LLVMValueKind::LLVMGlobalIFuncValueKind
    }
    /// A function, variable, alias or ifunc?
    pub fn is_global_value(self) -> bool {
        use LLVMValueKind::*;
        matches!(
            self.kind(),
            LLVMFunctionValueKind
                | LLVMGlobalVariableValueKind
                | LLVMGlobalAliasValueKind
                | LLVMGlobalIFuncValueKind
        )
    }
    /// Inline assembly?
    pub fn is_inline_asm(self) -> bool {
        self.kind() == LLVMValueKind::LLVMInlineAsmValueKind
    }
    /// Text and constraints of inline assembly.
    pub fn inline_asm(self) -> Option<(String, String)> {
        if !self.is_inline_asm() {
            return None;
        }
        let (mut text, mut constraints) = (0, 0);
        // SAFETY: inline assembly; lengths are written before they are read.
        unsafe {
            let t = LLVMGetInlineAsmAsmString(self.0, &mut text);
            let c = LLVMGetInlineAsmConstraintString(self.0, &mut constraints);
            Some((borrowed(t, text), borrowed(c, constraints)))
        }
    }
    /// `undef` or `poison`?
    pub fn is_undef(self) -> bool {
        // SAFETY: a live value (poison is an undef to LLVM).
        unsafe { LLVMIsUndef(self.0) != 0 }
    }
    /// The null or zero constant?
    pub fn is_null(self) -> bool {
        // SAFETY: a live value.
        unsafe { LLVMIsNull(self.0) != 0 }
    }
    /// An integer constant?
    pub fn is_const_int(self) -> bool {
        self.kind() == LLVMValueKind::LLVMConstantIntValueKind && self.ty().is_int()
    }
    /// Value of an integer constant of at most 64 bits, zero extended.
    pub fn const_u64(self) -> Option<u64> {
        // SAFETY: a constant integer that fits (wider ones would trap).
        (self.is_const_int() && self.ty().int_width() <= 64)
            .then(|| unsafe { LLVMConstIntGetZExtValue(self.0) })
    }
    /// Value of an integer constant of at most 64 bits, sign extended.
    pub fn const_i64(self) -> Option<i64> {
        // SAFETY: a constant integer that fits.
        (self.is_const_int() && self.ty().int_width() <= 64)
            .then(|| unsafe { LLVMConstIntGetSExtValue(self.0) })
    }
    /// Value of a floating-point constant that is a double too.
    pub fn const_f64(self) -> Option<f64> {
        if self.kind() != LLVMValueKind::LLVMConstantFPValueKind {
            return None;
        }
        let mut loses = 0;
        // SAFETY: a floating-point constant.
        let value = unsafe { LLVMConstRealGetDouble(self.0, &mut loses) };
        (loses == 0).then_some(value)
    }
    /// Element of an aggregate constant.
    pub fn aggregate_element(self, index: u32) -> Option<Value> {
        if !self.is_constant() {
            return None;
        }
        // SAFETY: a constant; null is "none".
        Value::option(unsafe { LLVMGetAggregateElement(self.0, index) })
    }
    /// Bytes of a constant string or byte array, its terminating zero included.
    pub fn const_bytes(self) -> Option<Vec<u8>> {
        if self.kind() != LLVMValueKind::LLVMConstantDataArrayValueKind {
            return None;
        }
        let mut length = 0;
        // SAFETY: a constant data array that is a string.
        unsafe {
            if LLVMIsConstantString(self.0) == 0 {
                return None;
            }
            let data = LLVMGetAsString(self.0, &mut length);
            Some(std::slice::from_raw_parts(data.cast::<u8>(), length).to_vec())
        }
    }
    /// The function and block of a `blockaddress`.
    pub fn block_address(self) -> Option<(Function, Block)> {
        if self.kind() != LLVMValueKind::LLVMBlockAddressValueKind {
            return None;
        }
        // SAFETY: a block address.
        unsafe {
            Some((
                Function(Value(LLVMGetBlockAddressFunction(self.0))),
                Block(LLVMGetBlockAddressBasicBlock(self.0)),
            ))
        }
    }
    /// `blockaddress(function, block)`.
    pub fn new_block_address(function: Function, block: Block) -> Value {
        // SAFETY: both live, the block in the function.
        Value(unsafe { LLVMBlockAddress(function.0.0, block.0) })
    }

    /// The opcode of an instruction.
    pub fn opcode(self) -> Option<LLVMOpcode> {
        // SAFETY: an instruction.
        self.is_instruction()
            .then(|| unsafe { LLVMGetInstructionOpcode(self.0) })
    }
    /// The opcode of an instruction or of a constant expression.
    pub fn any_opcode(self) -> Option<LLVMOpcode> {
        if self.is_const_expr() {
            // SAFETY: a constant expression.
            return Some(unsafe { LLVMGetConstOpcode(self.0) });
        }
        self.opcode()
    }
    fn is_user(self) -> bool {
        // SAFETY: a live value.
        !unsafe { LLVMIsAUser(self.0) }.is_null()
    }
    /// Number of operands (0 for what has none).
    pub fn operand_count(self) -> u32 {
        if self.is_user() {
            // SAFETY: a user.
            unsafe { LLVMGetNumOperands(self.0) as u32 }
        } else {
            0
        }
    }
    /// The n-th operand.
    pub fn operand(self, index: u32) -> Option<Value> {
        if index >= self.operand_count() {
            return None;
        }
        // SAFETY: a user with that operand; some operands of constants are null.
        Value::option(unsafe { LLVMGetOperand(self.0, index) })
    }
    /// All operands.
    pub fn operands(self) -> Vec<Value> {
        (0..self.operand_count())
            .filter_map(|i| self.operand(i))
            .collect()
    }
    /// Replaces the n-th operand.
    pub fn set_operand(self, index: u32, value: Value) {
        if index < self.operand_count() {
            // SAFETY: a user with that operand.
            unsafe { LLVMSetOperand(self.0, index, value.0) }
        }
    }
    /// Is it used at all?
    pub fn has_uses(self) -> bool {
        // SAFETY: a live value.
        !unsafe { LLVMGetFirstUse(self.0) }.is_null()
    }
    /// Its users, one for each use (a user may come more than once). Collected.
    pub fn users(self) -> Vec<Value> {
        let mut all = Vec::new();
        // SAFETY: a live value; the chain ends with null.
        unsafe {
            let mut next = LLVMGetFirstUse(self.0);
            while !next.is_null() {
                all.push(Value(LLVMGetUser(next)));
                next = LLVMGetNextUse(next);
            }
        }
        all
    }
    /// Replaces all uses.
    pub fn replace_all_uses_with(self, value: Value) {
        if self != value {
            // SAFETY: two live values of one type (LLVM's own requirement).
            unsafe { LLVMReplaceAllUsesWith(self.0, value.0) }
        }
    }
    /// The function an argument belongs to.
    pub fn argument_function(self) -> Option<Function> {
        // SAFETY: an argument.
        self.is_argument()
            .then(|| Function(Value(unsafe { LLVMGetParamParent(self.0) })))
    }
    /// Alignment in bytes of an alloca, load, store, atomic or global; 0 for others and for "none given".
    pub fn alignment(self) -> u32 {
        use LLVMOpcode::*;
        let has = match self.opcode() {
            Some(op) => matches!(
                op,
                LLVMAlloca | LLVMLoad | LLVMStore | LLVMAtomicRMW | LLVMAtomicCmpXchg
            ),
            None => self.is_global_variable() || self.as_function().is_some(),
        };
        if has {
            // SAFETY: one of the kinds LLVM accepts.
            unsafe { LLVMGetAlignment(self.0) }
        } else {
            0
        }
    }
    /// Sets that alignment (a power of two).
    pub fn set_alignment(self, bytes: u32) {
        use LLVMOpcode::*;
        let has = match self.opcode() {
            Some(op) => matches!(
                op,
                LLVMAlloca | LLVMLoad | LLVMStore | LLVMAtomicRMW | LLVMAtomicCmpXchg
            ),
            None => self.is_global_variable() || self.as_function().is_some(),
        };
        if has {
            // SAFETY: one of the kinds LLVM accepts.
            unsafe { LLVMSetAlignment(self.0, bytes) }
        }
    }

    /// `ptrtoint` as a constant expression.
    pub fn const_ptr_to_int(self, ty: Type) -> Value {
        // SAFETY: a constant pointer and an integer type.
        Value(unsafe { LLVMConstPtrToInt(self.0, ty.0) })
    }
    /// `inttoptr` as a constant expression.
    pub fn const_int_to_ptr(self, ty: Type) -> Value {
        // SAFETY: a constant integer and a pointer type.
        Value(unsafe { LLVMConstIntToPtr(self.0, ty.0) })
    }
    /// Difference of two constants.
    pub fn const_sub(self, other: Value) -> Value {
        // SAFETY: two constants of one integer type.
        Value(unsafe { LLVMConstSub(self.0, other.0) })
    }
    /// Truncation of a constant.
    pub fn const_trunc(self, ty: Type) -> Value {
        // SAFETY: a constant integer and a narrower type.
        Value(unsafe { LLVMConstTrunc(self.0, ty.0) })
    }
    /// Address computation on a constant.
    pub fn const_gep(self, source: Type, indices: &[Value]) -> Value {
        let mut raw: Vec<_> = indices.iter().map(|v| v.0).collect();
        // SAFETY: constants, as many as told.
        Value(unsafe { LLVMConstGEP2(source.0, self.0, raw.as_mut_ptr(), raw.len() as u32) })
    }
}
