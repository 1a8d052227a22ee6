//! Basic blocks.

use super::{Context, Function, Value, c_string};
use inkwell::llvm_sys::core::*;
use inkwell::llvm_sys::prelude::*;

/// A basic block.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Block(pub(super) LLVMBasicBlockRef);

impl Block {
    /// Its instructions, in order. Collected: the block may be changed while iterating.
    pub fn instructions(self) -> Vec<Value> {
        let mut all = Vec::new();
        // SAFETY: a live block; the chain ends with null.
        unsafe {
            let mut next = LLVMGetFirstInstruction(self.0);
            while !next.is_null() {
                all.push(Value(next));
                next = LLVMGetNextInstruction(next);
            }
        }
        all
    }
    /// The first instruction.
    pub fn first(self) -> Option<Value> {
        // SAFETY: a live block.
        Value::option(unsafe { LLVMGetFirstInstruction(self.0) })
    }
    /// The first instruction that is not a phi (nor a landing pad).
    pub fn first_non_phi(self) -> Option<Value> {
        let mut at = self.first();
        while let Some(i) = at {
            if !i.is_phi() && !i.is_landing_pad() {
                return Some(i);
            }
            at = i.next();
        }
        None
    }
    /// The terminator.
    pub fn terminator(self) -> Option<Value> {
        // SAFETY: a live block.
        Value::option(unsafe { LLVMGetBasicBlockTerminator(self.0) })
    }
    /// Successors, with repetitions (a switch may name one block twice).
    pub fn successors(self) -> Vec<Block> {
        self.terminator().map(Value::successors).unwrap_or_default()
    }
    /// The function it is in.
    pub fn function(self) -> Function {
        // SAFETY: a block in a function (this crate never detaches blocks).
        Function(Value(unsafe { LLVMGetBasicBlockParent(self.0) }))
    }
    /// A new empty block in front of this one.
    pub fn insert_before(self, context: &Context, name: &str) -> Block {
        let name = c_string(name);
        // SAFETY: live context and block.
        Block(unsafe { LLVMInsertBasicBlockInContext(context.raw, self.0, name.as_ptr()) })
    }
    /// Moves it behind another.
    pub fn move_after(self, other: Block) {
        // SAFETY: both live, in one function.
        unsafe { LLVMMoveBasicBlockAfter(self.0, other.0) }
    }
    /// Moves it before another.
    pub fn move_before(self, other: Block) {
        // SAFETY: both live, in one function.
        unsafe { LLVMMoveBasicBlockBefore(self.0, other.0) }
    }
    /// Deletes it with its instructions; nothing may use them any more.
    pub fn delete(self) {
        // SAFETY: by the caller's discipline nothing refers to the block.
        unsafe { LLVMDeleteBasicBlock(self.0) }
    }
    /// The block as a value.
    pub fn value(self) -> Value {
        // SAFETY: a live block.
        Value(unsafe { LLVMBasicBlockAsValue(self.0) })
    }
    /// Splits the block before `at`: this and everything after it move to a new block, which takes
    /// over the successors (their phis are corrected). This block is left without a terminator.
    pub fn split_before(self, context: &Context, at: Value, name: &str) -> Block {
        let name = c_string(name);
        // SAFETY: live context and function; the new block is placed behind this one; instructions
        // are unlinked and relinked in order through a builder.
        unsafe {
            let function = LLVMGetBasicBlockParent(self.0);
            let tail = LLVMAppendBasicBlockInContext(context.raw, function, name.as_ptr());
            LLVMMoveBasicBlockAfter(tail, self.0);
            let builder = LLVMCreateBuilderInContext(context.raw);
            let mut next = at.0;
            while !next.is_null() {
                let following = LLVMGetNextInstruction(next);
                LLVMInstructionRemoveFromParent(next);
                LLVMPositionBuilderAtEnd(builder, tail);
                LLVMInsertIntoBuilder(builder, next);
                next = following;
            }
            LLVMDisposeBuilder(builder);
            let tail = Block(tail);
            let mut done = Vec::new();
            for successor in tail.successors() {
                if !done.contains(&successor) {
                    done.push(successor);
                    successor.replace_phi_predecessor(context, self, tail);
                }
            }
            tail
        }
    }
    /// In this block's phis, edges that came from `old` come from `new`.
    pub fn replace_phi_predecessor(self, context: &Context, old: Block, new: Block) {
        for phi in self.phis() {
            let incoming = phi.incoming();
            if incoming.iter().all(|(_, b)| *b != old) {
                continue;
            }
            // The C API cannot change a phi's block: build another.
            let builder = super::Builder::new(context);
            builder.before(phi);
            let fresh = builder.phi(phi.ty());
            for (value, block) in incoming {
                fresh.add_incoming(
                    if value == phi { fresh } else { value },
                    if block == old { new } else { block },
                );
            }
            let name = phi.name();
            phi.replace_all_uses_with(fresh);
            phi.erase();
            fresh.set_name(&name);
        }
    }
    /// The phis at its head.
    pub fn phis(self) -> Vec<Value> {
        let mut all = Vec::new();
        let mut at = self.first();
        while let Some(i) = at {
            if !i.is_phi() {
                break;
            }
            all.push(i);
            at = i.next();
        }
        all
    }
}
