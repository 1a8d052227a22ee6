//! Metadata: annotations, debug locations.

use super::{Function, Value};
use inkwell::llvm_sys::core::*;
use inkwell::llvm_sys::debuginfo::*;
use inkwell::llvm_sys::prelude::*;

/// A metadata node or string.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Metadata(pub(super) LLVMMetadataRef);

impl Value {
    /// The node of a kind that is attached to an instruction, as a value.
    pub fn metadata(self, kind: u32) -> Option<Value> {
        if !self.is_instruction() {
            return None;
        }
        // SAFETY: an instruction.
        Value::option(unsafe { LLVMGetMetadata(self.0, kind) })
    }
    /// Attaches (or with `None` drops) the node of a kind at an instruction.
    pub fn set_metadata(self, kind: u32, node: Option<Value>) {
        if self.is_instruction() {
            // SAFETY: an instruction; a null node drops the kind.
            unsafe { LLVMSetMetadata(self.0, kind, node.map_or(std::ptr::null_mut(), |n| n.0)) }
        }
    }
    /// Attaches a node to a global.
    pub fn set_global_metadata(self, kind: u32, node: Metadata) {
        if self.is_global_value() {
            // SAFETY: a global value and a live node.
            unsafe { LLVMGlobalSetMetadata(self.0, kind, node.0) }
        }
    }
    /// Drops all metadata of a global.
    pub fn clear_global_metadata(self) {
        if self.is_global_value() {
            // SAFETY: a global value.
            unsafe { LLVMGlobalClearMetadata(self.0) }
        }
    }
    /// The kinds of metadata attached to an instruction (debug location left out).
    pub fn metadata_kinds(self) -> Vec<u32> {
        // SAFETY: an instruction; the entries are ours to free and have `count` elements.
        unsafe {
            if !self.is_instruction() || LLVMHasMetadata(self.0) == 0 {
                return Vec::new();
            }
            let mut count = 0;
            let entries = LLVMInstructionGetAllMetadataOtherThanDebugLoc(self.0, &mut count);
            let kinds = (0..count)
                .map(|i| LLVMValueMetadataEntriesGetKind(entries, i as u32))
                .collect();
            LLVMDisposeValueMetadataEntries(entries);
            kinds
        }
    }
    /// Branch weights of a terminator (`!prof !{"branch_weights", ...}`), one for each successor; empty
    /// without.
    pub fn branch_weights(self, kind: u32) -> Vec<u64> {
        let Some(node) = self.metadata(kind) else {
            return Vec::new();
        };
        // SAFETY: a node as a value; the buffer has the size LLVM fills; operands may be null.
        let operands: Vec<Option<Value>> = unsafe {
            let count = LLVMGetMDNodeNumOperands(node.0) as usize;
            let mut raw = vec![std::ptr::null_mut(); count];
            LLVMGetMDNodeOperands(node.0, raw.as_mut_ptr());
            raw.into_iter().map(Value::option).collect()
        };
        let weights: Vec<u64> = operands
            .into_iter()
            .flatten()
            .filter_map(Value::const_u64)
            .collect();
        if weights.len() == self.successors().len() {
            weights
        } else {
            Vec::new()
        }
    }
    /// The debug location of an instruction.
    pub fn location(self) -> Option<Metadata> {
        if !self.is_instruction() {
            return None;
        }
        // SAFETY: an instruction; null is "none".
        let raw = unsafe { LLVMInstructionGetDebugLoc(self.0) };
        (!raw.is_null()).then_some(Metadata(raw))
    }
    /// Sets or drops the debug location of an instruction.
    pub fn set_location(self, location: Option<Metadata>) {
        if self.is_instruction() {
            // SAFETY: an instruction; null drops.
            unsafe {
                LLVMInstructionSetDebugLoc(self.0, location.map_or(std::ptr::null_mut(), |l| l.0))
            }
        }
    }
    /// Line and column of an instruction's debug location; zeros without.
    pub fn line(self) -> (u32, u32) {
        if self.location().is_none() {
            return (0, 0);
        }
        // SAFETY: an instruction with a location.
        unsafe { (LLVMGetDebugLocLine(self.0), LLVMGetDebugLocColumn(self.0)) }
    }
    /// Metadata that wraps this value.
    pub fn as_metadata(self) -> Metadata {
        // SAFETY: a live value.
        Metadata(unsafe { LLVMValueAsMetadata(self.0) })
    }
    /// Text of a metadata string value.
    pub fn metadata_text(self) -> Option<String> {
        let mut length = 0;
        // SAFETY: checked to be a metadata string.
        unsafe {
            if LLVMIsAMDString(self.0).is_null() {
                return None;
            }
            let text = LLVMGetMDString(self.0, &mut length);
            Some(super::borrowed(text, length as usize))
        }
    }
}

impl Function {
    /// The debug information of the function.
    pub fn subprogram(self) -> Option<Metadata> {
        // SAFETY: a function.
        let raw = unsafe { LLVMGetSubprogram(self.0.0) };
        (!raw.is_null()).then_some(Metadata(raw))
    }
    /// Sets the debug information.
    pub fn set_subprogram(self, subprogram: Option<Metadata>) {
        // SAFETY: a function; null drops.
        unsafe { LLVMSetSubprogram(self.0.0, subprogram.map_or(std::ptr::null_mut(), |s| s.0)) }
    }
}
