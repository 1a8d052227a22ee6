//! Functions.

use super::{Attribute, Block, Context, Place, Type, Value, c_string};
use inkwell::llvm_sys::core::*;
use std::ops::Deref;

/// A function, defined or declared. Methods of [`Value`] apply to it too.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Function(pub(super) Value);

impl Deref for Function {
    type Target = Value;
    fn deref(&self) -> &Value {
        &self.0
    }
}

impl From<Function> for Value {
    fn from(function: Function) -> Value {
        function.0
    }
}

impl Function {
    /// The function as a value.
    pub fn value(self) -> Value {
        self.0
    }
    /// Its function type.
    pub fn function_type(self) -> Type {
        // SAFETY: a function is a global value.
        Type(unsafe { LLVMGlobalGetValueType(self.0.0) })
    }
    /// The entry block of a defined function.
    pub fn entry(self) -> Option<Block> {
        // SAFETY: a function; a declaration has no first block.
        let raw = unsafe { LLVMGetFirstBasicBlock(self.0.0) };
        (!raw.is_null()).then_some(Block(raw))
    }
    /// Its blocks, in order.
    pub fn blocks(self) -> Vec<Block> {
        let mut all = Vec::new();
        // SAFETY: a function; the chain ends with null.
        unsafe {
            let mut next = LLVMGetFirstBasicBlock(self.0.0);
            while !next.is_null() {
                all.push(Block(next));
                next = LLVMGetNextBasicBlock(next);
            }
        }
        all
    }
    /// All instructions, in block order.
    pub fn instructions(self) -> Vec<Value> {
        self.blocks()
            .into_iter()
            .flat_map(Block::instructions)
            .collect()
    }
    /// Its parameters.
    pub fn params(self) -> Vec<Value> {
        // SAFETY: a function; indices are in range.
        unsafe {
            (0..LLVMCountParams(self.0.0))
                .map(|i| Value(LLVMGetParam(self.0.0, i)))
                .collect()
        }
    }
    /// Its n-th parameter.
    pub fn param(self, index: u32) -> Option<Value> {
        // SAFETY: a function; the index is checked.
        unsafe { (index < LLVMCountParams(self.0.0)).then(|| Value(LLVMGetParam(self.0.0, index))) }
    }
    /// A new block at its end.
    pub fn append_block(self, context: &Context, name: &str) -> Block {
        let name = c_string(name);
        // SAFETY: live context and function.
        Block(unsafe { LLVMAppendBasicBlockInContext(context.raw, self.0.0, name.as_ptr()) })
    }
    /// Removes the function from its module; nothing may use it any more.
    pub fn delete(self) {
        // SAFETY: by the caller's discipline nothing refers to it.
        unsafe { LLVMDeleteFunction(self.0.0) }
    }
    /// Removes the body: it becomes an external declaration.
    pub fn delete_body(self) {
        let blocks = self.blocks();
        // Cut every use across blocks first, then erase, then the empty blocks.
        for i in self.instructions() {
            if !i.ty().is_void() && i.has_uses() && !i.ty().is_token() {
                i.replace_all_uses_with(i.ty().poison());
            }
        }
        for block in &blocks {
            let body = block.instructions();
            // Debug records move to the next instruction when theirs is erased. Behind the last one LLVM keeps
            // them by the block's address, where a later block may find them: so one instruction stays.
            // SAFETY: a live function and block; the builder is disposed of here.
            unsafe {
                let context = LLVMGetTypeContext(LLVMTypeOf(self.0.0));
                let builder = LLVMCreateBuilderInContext(context);
                LLVMPositionBuilderAtEnd(builder, block.0);
                LLVMBuildUnreachable(builder);
                LLVMDisposeBuilder(builder);
            }
            for i in body.into_iter().rev() {
                i.erase();
            }
        }
        for block in blocks {
            block.delete();
        }
        self.set_personality(None);
        self.set_subprogram(None);
        self.0.set_linkage(super::Linkage::LLVMExternalLinkage);
    }
    /// The intrinsic's number; 0 for functions that are none.
    pub fn intrinsic_id(self) -> u32 {
        // SAFETY: a function.
        unsafe { LLVMGetIntrinsicID(self.0.0) }
    }
    /// Its calling convention (0 is C).
    pub fn call_conv(self) -> u32 {
        // SAFETY: a function.
        unsafe { LLVMGetFunctionCallConv(self.0.0) }
    }
    /// Sets the calling convention.
    pub fn set_call_conv(self, convention: u32) {
        // SAFETY: a function.
        unsafe { LLVMSetFunctionCallConv(self.0.0, convention) }
    }
    /// The personality function of exception handling.
    pub fn personality(self) -> Option<Value> {
        // SAFETY: a function that has one.
        unsafe {
            (LLVMHasPersonalityFn(self.0.0) != 0).then(|| Value(LLVMGetPersonalityFn(self.0.0)))
        }
    }
    /// Sets the personality function; `None` removes it.
    pub fn set_personality(self, personality: Option<Value>) {
        // SAFETY: a function; null removes.
        unsafe { LLVMSetPersonalityFn(self.0.0, personality.map_or(std::ptr::null_mut(), |p| p.0)) }
    }
    /// Has it prefix data (before its entry)?
    pub fn has_prefix_data(self) -> bool {
        // SAFETY: a function.
        unsafe { LLVMHasPrefixData(self.0.0) != 0 }
    }
    /// Has it prologue data (at its entry)?
    pub fn has_prologue_data(self) -> bool {
        // SAFETY: a function.
        unsafe { LLVMHasPrologueData(self.0.0) != 0 }
    }

    /// Adds an attribute.
    pub fn add_attribute(self, place: Place, attribute: Attribute) {
        // SAFETY: a function and a live attribute.
        unsafe { LLVMAddAttributeAtIndex(self.0.0, place.index(), attribute.0) }
    }
    /// All attributes of a place.
    pub fn attributes(self, place: Place) -> Vec<Attribute> {
        // SAFETY: a function; the buffer has the size LLVM fills.
        unsafe {
            let count = LLVMGetAttributeCountAtIndex(self.0.0, place.index()) as usize;
            let mut raw = vec![std::ptr::null_mut(); count];
            LLVMGetAttributesAtIndex(self.0.0, place.index(), raw.as_mut_ptr());
            raw.into_iter().map(Attribute).collect()
        }
    }
    /// The enum or type attribute of that name.
    pub fn enum_attribute(self, place: Place, name: &str) -> Option<Attribute> {
        let kind = Attribute::kind(name)?;
        // SAFETY: a function and a valid kind; null is "none".
        let raw = unsafe { LLVMGetEnumAttributeAtIndex(self.0.0, place.index(), kind) };
        (!raw.is_null()).then_some(Attribute(raw))
    }
    /// The value of a string attribute.
    pub fn string_attribute(self, place: Place, key: &str) -> Option<String> {
        // SAFETY: a function; pointer and length are of one slice; null is "none".
        let raw = unsafe {
            LLVMGetStringAttributeAtIndex(
                self.0.0,
                place.index(),
                key.as_ptr().cast(),
                key.len() as u32,
            )
        };
        if raw.is_null() {
            return None;
        }
        Attribute(raw).string().map(|(_, value)| value)
    }
    /// Removes the enum or type attribute of that name.
    pub fn remove_enum_attribute(self, place: Place, name: &str) {
        if let Some(kind) = Attribute::kind(name) {
            // SAFETY: a function and a valid kind.
            unsafe { LLVMRemoveEnumAttributeAtIndex(self.0.0, place.index(), kind) }
        }
    }
    /// Removes a string attribute.
    pub fn remove_string_attribute(self, place: Place, key: &str) {
        // SAFETY: a function; pointer and length are of one slice.
        unsafe {
            LLVMRemoveStringAttributeAtIndex(
                self.0.0,
                place.index(),
                key.as_ptr().cast(),
                key.len() as u32,
            )
        }
    }
    /// Adds an enum attribute of the function itself by name (unknown names are ignored).
    pub fn add_enum(self, context: &Context, name: &str) {
        if let Some(attribute) = context.enum_attribute(name, 0) {
            self.add_attribute(Place::Function, attribute);
        }
    }
    /// Sets a string attribute of the function itself.
    pub fn add_string(self, context: &Context, key: &str, value: &str) {
        self.add_attribute(Place::Function, context.string_attribute(key, value));
    }
}
