//! Call sites.

use super::{Attribute, Block, Function, Place, Type, Value, borrowed};
use inkwell::llvm_sys::core::*;
use inkwell::llvm_sys::{LLVMOpcode, LLVMTailCallKind};

impl Value {
    /// What a call calls.
    pub fn callee(self) -> Option<Value> {
        if self.is_call() {
            // SAFETY: a call site.
            Value::option(unsafe { LLVMGetCalledValue(self.0) })
        } else {
            None
        }
    }
    /// The function a call names directly.
    pub fn called_function(self) -> Option<Function> {
        self.callee().and_then(Value::as_function)
    }
    /// Replaces what a call calls.
    pub fn set_callee(self, callee: Value) {
        if self.is_call() {
            // The callee is the last operand of a call, and follows arguments and bundles;
            // an invoke's and a callbr's destinations come before it in LLVM's operand order.
            self.set_operand(self.operand_count() - 1, callee);
        }
    }
    /// Name of the directly called intrinsic (`llvm.memcpy.p0.p0.i64`), else `None`.
    pub fn intrinsic(self) -> Option<String> {
        let function = self.called_function()?;
        (function.intrinsic_id() != 0).then(|| function.name())
    }
    /// Function type of the call.
    pub fn called_type(self) -> Option<Type> {
        // SAFETY: a call site.
        self.is_call()
            .then(|| Type(unsafe { LLVMGetCalledFunctionType(self.0) }))
    }
    /// Number of arguments.
    pub fn arg_count(self) -> u32 {
        if self.is_call() {
            // SAFETY: a call site.
            unsafe { LLVMGetNumArgOperands(self.0) }
        } else {
            0
        }
    }
    /// The arguments.
    pub fn args(self) -> Vec<Value> {
        (0..self.arg_count())
            .filter_map(|i| self.operand(i))
            .collect()
    }
    /// Calling convention of the call.
    pub fn site_call_conv(self) -> u32 {
        if self.is_call() {
            // SAFETY: a call site.
            unsafe { LLVMGetInstructionCallConv(self.0) }
        } else {
            0
        }
    }
    /// Sets the calling convention of the call.
    pub fn set_site_call_conv(self, convention: u32) {
        if self.is_call() {
            // SAFETY: a call site.
            unsafe { LLVMSetInstructionCallConv(self.0, convention) }
        }
    }
    /// `tail`, `musttail`, `notail` or nothing.
    pub fn tail_kind(self) -> LLVMTailCallKind {
        if self.opcode() != Some(LLVMOpcode::LLVMCall) {
            return LLVMTailCallKind::LLVMTailCallKindNone;
        }
        // SAFETY: a call instruction.
        unsafe { LLVMGetTailCallKind(self.0) }
    }
    /// Sets it.
    pub fn set_tail_kind(self, kind: LLVMTailCallKind) {
        if self.opcode() == Some(LLVMOpcode::LLVMCall) {
            // SAFETY: a call instruction.
            unsafe { LLVMSetTailCallKind(self.0, kind) }
        }
    }
    /// Normal destination of an invoke.
    pub fn normal_destination(self) -> Option<Block> {
        // SAFETY: an invoke.
        (self.opcode() == Some(LLVMOpcode::LLVMInvoke))
            .then(|| Block(unsafe { LLVMGetNormalDest(self.0) }))
    }
    /// Unwind destination of an invoke.
    pub fn unwind_destination(self) -> Option<Block> {
        // SAFETY: an invoke.
        (self.opcode() == Some(LLVMOpcode::LLVMInvoke))
            .then(|| Block(unsafe { LLVMGetUnwindDest(self.0) }))
    }

    /// Adds an attribute to the call site.
    pub fn add_site_attribute(self, place: Place, attribute: Attribute) {
        if self.is_call() {
            // SAFETY: a call site and a live attribute.
            unsafe { LLVMAddCallSiteAttribute(self.0, place.index(), attribute.0) }
        }
    }
    /// All attributes of a place of the call site.
    pub fn site_attributes(self, place: Place) -> Vec<Attribute> {
        if !self.is_call() {
            return Vec::new();
        }
        // SAFETY: a call site; the buffer has the size LLVM fills.
        unsafe {
            let count = LLVMGetCallSiteAttributeCount(self.0, place.index()) as usize;
            let mut raw = vec![std::ptr::null_mut(); count];
            LLVMGetCallSiteAttributes(self.0, place.index(), raw.as_mut_ptr());
            raw.into_iter().map(Attribute).collect()
        }
    }
    /// The enum or type attribute of that name at the call site.
    pub fn site_attribute(self, place: Place, name: &str) -> Option<Attribute> {
        let kind = Attribute::kind(name)?;
        if !self.is_call() {
            return None;
        }
        // SAFETY: a call site and a valid kind; null is "none".
        let raw = unsafe { LLVMGetCallSiteEnumAttribute(self.0, place.index(), kind) };
        (!raw.is_null()).then_some(Attribute(raw))
    }
    /// Removes the enum or type attribute of that name from the call site.
    pub fn remove_site_attribute(self, place: Place, name: &str) {
        if let (true, Some(kind)) = (self.is_call(), Attribute::kind(name)) {
            // SAFETY: a call site and a valid kind.
            unsafe { LLVMRemoveCallSiteEnumAttribute(self.0, place.index(), kind) }
        }
    }
    /// Operand bundles: tag and values.
    pub fn bundles(self) -> Vec<(String, Vec<Value>)> {
        if !self.is_call() {
            return Vec::new();
        }
        let mut all = Vec::new();
        // SAFETY: a call site; indices are in range; each bundle is ours to free.
        unsafe {
            for i in 0..LLVMGetNumOperandBundles(self.0) {
                let bundle = LLVMGetOperandBundleAtIndex(self.0, i);
                let mut length = 0;
                let tag = LLVMGetOperandBundleTag(bundle, &mut length);
                let tag = borrowed(tag, length);
                let values = (0..LLVMGetNumOperandBundleArgs(bundle))
                    .map(|k| Value(LLVMGetOperandBundleArgAtIndex(bundle, k)))
                    .collect();
                LLVMDisposeOperandBundle(bundle);
                all.push((tag, values));
            }
        }
        all
    }
}
