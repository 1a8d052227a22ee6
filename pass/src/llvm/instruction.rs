//! Instructions: position, flags, control flow, phis, address computations, memory.

use super::{Block, Type, Value};
use inkwell::llvm_sys::core::*;
use inkwell::llvm_sys::{
    LLVMAtomicOrdering, LLVMAtomicRMWBinOp, LLVMIntPredicate, LLVMOpcode, LLVMRealPredicate,
};

impl Value {
    fn is_op(self, opcode: LLVMOpcode) -> bool {
        self.opcode() == Some(opcode)
    }
    /// A phi?
    pub fn is_phi(self) -> bool {
        self.is_op(LLVMOpcode::LLVMPHI)
    }
    /// A landing pad?
    pub fn is_landing_pad(self) -> bool {
        self.is_op(LLVMOpcode::LLVMLandingPad)
    }
    /// A landing pad where cleanups run, whatever its clauses match?
    pub fn is_cleanup(self) -> bool {
        // SAFETY: a landing pad.
        self.is_landing_pad() && unsafe { LLVMIsCleanup(self.0) != 0 }
    }
    /// An alloca?
    pub fn is_alloca(self) -> bool {
        self.is_op(LLVMOpcode::LLVMAlloca)
    }
    /// A call, invoke or callbr?
    pub fn is_call(self) -> bool {
        matches!(
            self.opcode(),
            Some(LLVMOpcode::LLVMCall | LLVMOpcode::LLVMInvoke | LLVMOpcode::LLVMCallBr)
        )
    }
    /// A `getelementptr`, instruction or constant expression?
    pub fn is_gep(self) -> bool {
        self.any_opcode() == Some(LLVMOpcode::LLVMGetElementPtr)
    }
    /// A terminator?
    pub fn is_terminator(self) -> bool {
        // SAFETY: an instruction.
        self.is_instruction() && !unsafe { LLVMIsATerminatorInst(self.0) }.is_null()
    }

    /// The block of an instruction.
    pub fn parent(self) -> Option<Block> {
        if !self.is_instruction() {
            return None;
        }
        // SAFETY: an instruction; null when it is detached.
        let raw = unsafe { LLVMGetInstructionParent(self.0) };
        (!raw.is_null()).then_some(Block(raw))
    }
    /// The next instruction of the block.
    pub fn next(self) -> Option<Value> {
        if self.is_instruction() {
            // SAFETY: an instruction.
            Value::option(unsafe { LLVMGetNextInstruction(self.0) })
        } else {
            None
        }
    }
    /// The previous instruction of the block.
    pub fn previous(self) -> Option<Value> {
        if self.is_instruction() {
            // SAFETY: an instruction.
            Value::option(unsafe { LLVMGetPreviousInstruction(self.0) })
        } else {
            None
        }
    }
    /// Erases an instruction that nothing uses.
    pub fn erase(self) {
        if self.is_instruction() {
            // SAFETY: an instruction; by the caller's discipline unused and not touched again.
            unsafe { LLVMInstructionEraseFromParent(self.0) }
        }
    }
    /// A detached copy of an instruction.
    pub fn duplicate(self) -> Option<Value> {
        if self.is_instruction() {
            // SAFETY: an instruction.
            Value::option(unsafe { LLVMInstructionClone(self.0) })
        } else {
            None
        }
    }

    /// Successors of a terminator.
    pub fn successors(self) -> Vec<Block> {
        if !self.is_terminator() {
            return Vec::new();
        }
        // SAFETY: a terminator; indices are in range.
        unsafe {
            (0..LLVMGetNumSuccessors(self.0))
                .map(|i| Block(LLVMGetSuccessor(self.0, i)))
                .collect()
        }
    }
    /// Replaces the n-th successor.
    pub fn set_successor(self, index: u32, block: Block) {
        // SAFETY: a terminator with that successor.
        unsafe {
            if self.is_terminator() && index < LLVMGetNumSuccessors(self.0) {
                LLVMSetSuccessor(self.0, index, block.0);
            }
        }
    }
    /// Is a branch conditional?
    pub fn is_conditional_branch(self) -> bool {
        // SAFETY: a branch.
        self.is_op(LLVMOpcode::LLVMBr) && unsafe { LLVMIsConditional(self.0) != 0 }
    }
    /// Default destination of a switch.
    pub fn switch_default(self) -> Option<Block> {
        // SAFETY: a switch.
        self.is_op(LLVMOpcode::LLVMSwitch)
            .then(|| Block(unsafe { LLVMGetSwitchDefaultDest(self.0) }))
    }
    /// Cases of a switch: value and destination.
    pub fn switch_cases(self) -> Vec<(Value, Block)> {
        if !self.is_op(LLVMOpcode::LLVMSwitch) {
            return Vec::new();
        }
        // SAFETY: a switch; successor 0 is its default, successor i its i-th case.
        unsafe {
            (1..LLVMGetNumSuccessors(self.0))
                .map(|i| {
                    (
                        Value(LLVMGetSwitchCaseValue(self.0, i)),
                        Block(LLVMGetSuccessor(self.0, i)),
                    )
                })
                .collect()
        }
    }
    /// Adds a case to a switch.
    pub fn add_case(self, value: Value, block: Block) {
        if self.is_op(LLVMOpcode::LLVMSwitch) {
            // SAFETY: a switch and a constant of its type.
            unsafe { LLVMAddCase(self.0, value.0, block.0) }
        }
    }
    /// Adds a destination to an indirect branch.
    pub fn add_destination(self, block: Block) {
        if self.is_op(LLVMOpcode::LLVMIndirectBr) {
            // SAFETY: an indirect branch.
            unsafe { LLVMAddDestination(self.0, block.0) }
        }
    }

    /// Incoming values and blocks of a phi.
    pub fn incoming(self) -> Vec<(Value, Block)> {
        if !self.is_phi() {
            return Vec::new();
        }
        // SAFETY: a phi; indices are in range.
        unsafe {
            (0..LLVMCountIncoming(self.0))
                .map(|i| {
                    (
                        Value(LLVMGetIncomingValue(self.0, i)),
                        Block(LLVMGetIncomingBlock(self.0, i)),
                    )
                })
                .collect()
        }
    }
    /// Adds an incoming edge to a phi.
    pub fn add_incoming(self, value: Value, block: Block) {
        if self.is_phi() {
            let (mut value, mut block) = (value.0, block.0);
            // SAFETY: a phi; one value and one block.
            unsafe { LLVMAddIncoming(self.0, &mut value, &mut block, 1) }
        }
    }

    /// Predicate of an integer comparison.
    pub fn int_predicate(self) -> Option<LLVMIntPredicate> {
        // SAFETY: an integer comparison.
        self.is_op(LLVMOpcode::LLVMICmp)
            .then(|| unsafe { LLVMGetICmpPredicate(self.0) })
    }
    /// Predicate of a floating-point comparison.
    pub fn real_predicate(self) -> Option<LLVMRealPredicate> {
        // SAFETY: a floating-point comparison.
        self.is_op(LLVMOpcode::LLVMFCmp)
            .then(|| unsafe { LLVMGetFCmpPredicate(self.0) })
    }
    /// Type that a `getelementptr` steps over.
    pub fn gep_source_type(self) -> Option<Type> {
        // SAFETY: a getelementptr.
        self.is_gep()
            .then(|| Type(unsafe { LLVMGetGEPSourceElementType(self.0) }))
    }
    /// Flags of a `getelementptr` (1 inbounds, 2 nusw, 4 nuw).
    pub fn gep_flags(self) -> u32 {
        if self.is_gep() {
            // SAFETY: a getelementptr.
            unsafe { LLVMGEPGetNoWrapFlags(self.0) }
        } else {
            0
        }
    }
    /// Clears the flags of a `getelementptr` instruction.
    pub fn clear_gep_flags(self) {
        if self.is_op(LLVMOpcode::LLVMGetElementPtr) {
            // SAFETY: a getelementptr instruction.
            unsafe { LLVMGEPSetNoWrapFlags(self.0, 0) }
        }
    }
    /// Type of an alloca's element.
    pub fn allocated_type(self) -> Option<Type> {
        // SAFETY: an alloca.
        self.is_alloca()
            .then(|| Type(unsafe { LLVMGetAllocatedType(self.0) }))
    }
    /// Indices of an `extractvalue` or `insertvalue`.
    pub fn indices(self) -> Vec<u32> {
        if !matches!(
            self.opcode(),
            Some(LLVMOpcode::LLVMExtractValue | LLVMOpcode::LLVMInsertValue)
        ) {
            return Vec::new();
        }
        // SAFETY: an instruction with indices; pointer and count belong together.
        unsafe {
            std::slice::from_raw_parts(LLVMGetIndices(self.0), LLVMGetNumIndices(self.0) as usize)
                .to_vec()
        }
    }

    /// Volatile access?
    pub fn is_volatile(self) -> bool {
        use LLVMOpcode::*;
        // SAFETY: one of the memory instructions LLVM accepts.
        matches!(
            self.opcode(),
            Some(LLVMLoad | LLVMStore | LLVMAtomicRMW | LLVMAtomicCmpXchg)
        ) && unsafe { LLVMGetVolatile(self.0) != 0 }
    }
    /// Makes a load, store or atomic volatile or not.
    pub fn set_volatile(self, volatile: bool) {
        use LLVMOpcode::*;
        if matches!(
            self.opcode(),
            Some(LLVMLoad | LLVMStore | LLVMAtomicRMW | LLVMAtomicCmpXchg)
        ) {
            // SAFETY: one of the memory instructions LLVM accepts.
            unsafe { LLVMSetVolatile(self.0, i32::from(volatile)) }
        }
    }
    /// Atomic ordering of a load, store or fence.
    pub fn ordering(self) -> Option<LLVMAtomicOrdering> {
        // SAFETY: a load, store or fence.
        matches!(
            self.opcode(),
            Some(LLVMOpcode::LLVMLoad | LLVMOpcode::LLVMStore | LLVMOpcode::LLVMFence)
        )
        .then(|| unsafe { LLVMGetOrdering(self.0) })
    }
    /// Makes a load or store atomic.
    pub fn set_ordering(self, ordering: LLVMAtomicOrdering) {
        if matches!(
            self.opcode(),
            Some(LLVMOpcode::LLVMLoad | LLVMOpcode::LLVMStore)
        ) {
            // SAFETY: a load or store.
            unsafe { LLVMSetOrdering(self.0, ordering) }
        }
    }
    /// Does a fence or atomic only order accesses of its own thread (signal handlers)?
    pub fn is_single_thread(self) -> bool {
        use LLVMOpcode::*;
        // SAFETY: one of the atomic instructions LLVM accepts.
        matches!(
            self.opcode(),
            Some(LLVMFence | LLVMAtomicRMW | LLVMAtomicCmpXchg)
        ) && unsafe { LLVMIsAtomicSingleThread(self.0) != 0 }
    }
    /// The operation of an `atomicrmw`.
    pub fn rmw_operation(self) -> Option<LLVMAtomicRMWBinOp> {
        // SAFETY: an `atomicrmw`.
        (self.opcode() == Some(LLVMOpcode::LLVMAtomicRMW))
            .then(|| unsafe { LLVMGetAtomicRMWBinOp(self.0) })
    }

    /// Drops the flags that let code generation leave out or change an instruction on which a bound
    /// rests: `nuw` (extensions move through the operation), `nneg` (becomes a sign extension),
    /// `exact` (shift pairs cancel), `trunc nuw` (the truncation vanishes), `samesign`.
    /// `nsw` stays: it only ever concerns sign extensions, which bound nothing.
    pub fn drop_promises(self) {
        use LLVMOpcode::*;
        // SAFETY: each setter is called on the instructions LLVM defines it for.
        unsafe {
            match self.opcode() {
                Some(LLVMAdd | LLVMSub | LLVMMul | LLVMShl | LLVMTrunc) => LLVMSetNUW(self.0, 0),
                Some(LLVMUDiv | LLVMSDiv | LLVMLShr | LLVMAShr) => LLVMSetExact(self.0, 0),
                Some(LLVMZExt | LLVMUIToFP) => LLVMSetNNeg(self.0, 0),
                Some(LLVMICmp) => LLVMSetICmpSameSign(self.0, 0),
                _ => {}
            }
        }
    }
}
