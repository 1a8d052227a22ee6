//! Moving a function's body: the C API's way to change a function's type.

use super::{Attribute, Function, Place};
use inkwell::llvm_sys::core::*;

impl Function {
    /// Moves all blocks of `from` behind this function's own. `from` becomes a declaration in all
    /// but linkage; its parameters are still used by the moved instructions: replace those uses.
    /// No `blockaddress` may refer to a moved block.
    pub fn take_body(self, from: Function) {
        for block in from.blocks() {
            // SAFETY: the block is in `from`; it is detached before it is attached here.
            unsafe {
                LLVMRemoveBasicBlockFromParent(block.0);
                LLVMAppendExistingBasicBlock(self.0.0, block.0);
            }
        }
    }
}

impl Function {
    /// Removes an enum or type attribute.
    pub fn remove_attribute(self, place: Place, attribute: Attribute) {
        if !attribute.is_string() {
            // SAFETY: a function and a live attribute that is no string.
            unsafe {
                let kind = LLVMGetEnumAttributeKind(attribute.0);
                LLVMRemoveEnumAttributeAtIndex(self.0.0, place.index(), kind);
            }
        }
    }
}
