//! Attributes of functions, parameters, results and call sites.

use super::{Type, borrowed};
use inkwell::llvm_sys::core::*;
use inkwell::llvm_sys::prelude::*;
use inkwell::llvm_sys::{LLVMAttributeFunctionIndex, LLVMAttributeIndex, LLVMAttributeReturnIndex};

/// An attribute.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Attribute(pub(super) LLVMAttributeRef);

/// Where an attribute sits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Place {
    /// The function or call itself.
    Function,
    /// Its result.
    Result,
    /// Its n-th parameter or argument, from 0.
    Param(u32),
}

impl Place {
    pub(super) fn index(self) -> LLVMAttributeIndex {
        match self {
            Place::Function => LLVMAttributeFunctionIndex,
            Place::Result => LLVMAttributeReturnIndex,
            Place::Param(n) => n + 1,
        }
    }
}

impl Attribute {
    /// The number of an enum or type attribute kind; `None` if LLVM does not know the name.
    pub fn kind(name: &str) -> Option<u32> {
        // SAFETY: pointer and length are of one live slice.
        let kind = unsafe { LLVMGetEnumAttributeKindForName(name.as_ptr().cast(), name.len()) };
        (kind != 0).then_some(kind)
    }
    /// Is it a string attribute?
    pub fn is_string(self) -> bool {
        // SAFETY: a live attribute.
        unsafe { LLVMIsStringAttribute(self.0) != 0 }
    }
    /// Key and value of a string attribute.
    pub fn string(self) -> Option<(String, String)> {
        if !self.is_string() {
            return None;
        }
        let (mut key, mut value) = (0, 0);
        // SAFETY: a string attribute; lengths are written before they are read.
        unsafe {
            let k = LLVMGetStringAttributeKind(self.0, &mut key);
            let v = LLVMGetStringAttributeValue(self.0, &mut value);
            Some((borrowed(k, key as usize), borrowed(v, value as usize)))
        }
    }
    /// Value of an enum attribute.
    pub fn value(self) -> u64 {
        // SAFETY: an enum attribute; others answer 0.
        unsafe {
            if LLVMIsEnumAttribute(self.0) != 0 {
                LLVMGetEnumAttributeValue(self.0)
            } else {
                0
            }
        }
    }
    /// Type of a type attribute.
    pub fn ty(self) -> Option<Type> {
        // SAFETY: checked to be a type attribute.
        unsafe {
            (LLVMIsTypeAttribute(self.0) != 0).then(|| Type(LLVMGetTypeAttributeValue(self.0)))
        }
    }
    /// Is it the enum or type attribute of this name?
    pub fn is(self, name: &str) -> bool {
        // SAFETY: string attributes have no kind number and are excluded first.
        !self.is_string()
            && Attribute::kind(name) == Some(unsafe { LLVMGetEnumAttributeKind(self.0) })
    }
}
