//! Contexts: they own types and constants, and collect diagnostics.

use super::{Attribute, Metadata, Type, Value, borrowed, c_string};
use inkwell::llvm_sys::core::*;
use inkwell::llvm_sys::prelude::*;
use inkwell::llvm_sys::{LLVMDiagnosticSeverity, LLVMInlineAsmDialect};
use std::cell::RefCell;
use std::ffi::{CStr, c_void};

/// An LLVM context. Modules borrow it.
pub struct Context {
    pub(super) raw: LLVMContextRef,
    /// Errors reported while passes or the code generator run. Boxed: LLVM keeps its address.
    errors: Box<RefCell<Vec<String>>>,
}

extern "C" fn collect(info: LLVMDiagnosticInfoRef, errors: *mut c_void) {
    // SAFETY: LLVM calls with a live diagnostic and with the pointer given in `Context::new`, which
    // lives as long as the context; the description is ours to free.
    unsafe {
        if LLVMGetDiagInfoSeverity(info) == LLVMDiagnosticSeverity::LLVMDSError {
            let text = LLVMGetDiagInfoDescription(info);
            (*errors.cast::<RefCell<Vec<String>>>())
                .borrow_mut()
                .push(CStr::from_ptr(text).to_string_lossy().into_owned());
            LLVMDisposeMessage(text);
        }
    }
}

impl Context {
    /// A fresh context whose errors are collected instead of ending the process (LLVM's default).
    #[allow(clippy::new_without_default)]
    pub fn new() -> Context {
        let errors = Box::new(RefCell::new(Vec::new()));
        // SAFETY: creates a context; the handler's data lives in the box that the context owns.
        let raw = unsafe {
            let raw = LLVMContextCreate();
            let data = std::ptr::from_ref::<RefCell<Vec<String>>>(&errors)
                .cast_mut()
                .cast::<c_void>();
            LLVMContextSetDiagnosticHandler(raw, Some(collect), data);
            raw
        };
        Context { raw, errors }
    }

    /// Takes the errors LLVM reported since the last call.
    pub fn take_errors(&self) -> Vec<String> {
        std::mem::take(&mut *self.errors.borrow_mut())
    }

    /// The integer type of `bits` bits.
    pub fn int(&self, bits: u32) -> Type {
        // SAFETY: the context lives.
        Type(unsafe { LLVMIntTypeInContext(self.raw, bits) })
    }
    /// `i1`.
    pub fn i1(&self) -> Type {
        self.int(1)
    }
    /// `i8`.
    pub fn i8(&self) -> Type {
        self.int(8)
    }
    /// `i16`.
    pub fn i16(&self) -> Type {
        self.int(16)
    }
    /// `i32`.
    pub fn i32(&self) -> Type {
        self.int(32)
    }
    /// `i64`.
    pub fn i64(&self) -> Type {
        self.int(64)
    }
    /// `ptr`, in the default address space.
    pub fn ptr(&self) -> Type {
        // SAFETY: the context lives.
        Type(unsafe { LLVMPointerTypeInContext(self.raw, 0) })
    }
    /// `void`.
    pub fn void(&self) -> Type {
        // SAFETY: the context lives.
        Type(unsafe { LLVMVoidTypeInContext(self.raw) })
    }
    /// `double`.
    pub fn double(&self) -> Type {
        // SAFETY: the context lives.
        Type(unsafe { LLVMDoubleTypeInContext(self.raw) })
    }
    /// `float`.
    pub fn float(&self) -> Type {
        // SAFETY: the context lives.
        Type(unsafe { LLVMFloatTypeInContext(self.raw) })
    }
    /// `x86_fp80`.
    pub fn x86_fp80(&self) -> Type {
        // SAFETY: the context lives.
        Type(unsafe { LLVMX86FP80TypeInContext(self.raw) })
    }
    /// A literal structure type.
    pub fn structure(&self, elements: &[Type], packed: bool) -> Type {
        let mut raw: Vec<_> = elements.iter().map(|t| t.0).collect();
        // SAFETY: `raw` holds as many live types as the call is told.
        Type(unsafe {
            LLVMStructTypeInContext(
                self.raw,
                raw.as_mut_ptr(),
                raw.len() as u32,
                i32::from(packed),
            )
        })
    }
    /// A structure constant.
    pub fn const_struct(&self, values: &[Value], packed: bool) -> Value {
        let mut raw: Vec<_> = values.iter().map(|v| v.0).collect();
        // SAFETY: as many live constants as told.
        Value(unsafe {
            LLVMConstStructInContext(
                self.raw,
                raw.as_mut_ptr(),
                raw.len() as u32,
                i32::from(packed),
            )
        })
    }
    /// A byte array constant, not NUL-terminated.
    pub fn const_bytes(&self, bytes: &[u8]) -> Value {
        // SAFETY: pointer and length are of one slice; LLVM copies it.
        Value(unsafe { LLVMConstStringInContext2(self.raw, bytes.as_ptr().cast(), bytes.len(), 1) })
    }

    /// An enum attribute (`noredzone`), with its value where it has one; `None` for an unknown name.
    pub fn enum_attribute(&self, name: &str, value: u64) -> Option<Attribute> {
        let kind = Attribute::kind(name)?;
        // SAFETY: `kind` is a valid attribute kind.
        Some(Attribute(unsafe {
            LLVMCreateEnumAttribute(self.raw, kind, value)
        }))
    }
    /// A type attribute (`sret`, `byval`, `elementtype`).
    pub fn type_attribute(&self, name: &str, ty: Type) -> Option<Attribute> {
        let kind = Attribute::kind(name)?;
        // SAFETY: `kind` is a valid attribute kind and the type lives.
        Some(Attribute(unsafe {
            LLVMCreateTypeAttribute(self.raw, kind, ty.0)
        }))
    }
    /// A string attribute (`"frame-pointer"="none"`).
    pub fn string_attribute(&self, key: &str, value: &str) -> Attribute {
        // SAFETY: pointers and lengths are of live slices; LLVM copies them.
        Attribute(unsafe {
            LLVMCreateStringAttribute(
                self.raw,
                key.as_ptr().cast(),
                key.len() as u32,
                value.as_ptr().cast(),
                value.len() as u32,
            )
        })
    }

    /// The number of a metadata kind (`"range"`, `"srcloc"`).
    pub fn metadata_kind(&self, name: &str) -> u32 {
        // SAFETY: pointer and length are of one live slice.
        unsafe { LLVMGetMDKindIDInContext(self.raw, name.as_ptr().cast(), name.len() as u32) }
    }
    /// A metadata string.
    pub fn metadata_string(&self, text: &str) -> Metadata {
        // SAFETY: pointer and length are of one live slice.
        Metadata(unsafe { LLVMMDStringInContext2(self.raw, text.as_ptr().cast(), text.len()) })
    }
    /// A metadata node.
    pub fn metadata_node(&self, operands: &[Metadata]) -> Metadata {
        let mut raw: Vec<_> = operands.iter().map(|m| m.0).collect();
        // SAFETY: as many live nodes as told.
        Metadata(unsafe { LLVMMDNodeInContext2(self.raw, raw.as_mut_ptr(), raw.len()) })
    }
    /// Metadata as an operand.
    pub fn metadata_value(&self, metadata: Metadata) -> Value {
        // SAFETY: both live.
        Value(unsafe { LLVMMetadataAsValue(self.raw, metadata.0) })
    }

    /// An inline assembly callee in AT&T syntax.
    pub fn inline_asm(&self, ty: Type, text: &str, constraints: &str, side_effects: bool) -> Value {
        // SAFETY: pointers and lengths are of live slices; the type is a function type by its users.
        Value(unsafe {
            LLVMGetInlineAsm(
                ty.0,
                text.as_ptr().cast(),
                text.len(),
                constraints.as_ptr().cast(),
                constraints.len(),
                i32::from(side_effects),
                0,
                LLVMInlineAsmDialect::LLVMInlineAsmDialectATT,
                0,
            )
        })
    }

    /// A named structure type of this context, if there is one.
    pub fn named_struct(&self, name: &str) -> Option<Type> {
        let name = c_string(name);
        // SAFETY: a NUL-terminated name.
        let raw = unsafe { LLVMGetTypeByName2(self.raw, name.as_ptr()) };
        (!raw.is_null()).then_some(Type(raw))
    }

    /// The name of an intrinsic id, without its type suffixes.
    pub fn intrinsic_name(id: u32) -> String {
        let mut length = 0;
        // SAFETY: LLVM's own table of names; `length` is written.
        unsafe {
            let name = LLVMIntrinsicGetName(id, &mut length);
            borrowed(name, length)
        }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: modules borrow the context, so none is left.
        unsafe { LLVMContextDispose(self.raw) }
    }
}
