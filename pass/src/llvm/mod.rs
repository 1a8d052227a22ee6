//! The fence around LLVM's C API: small handle types over `llvm-sys`, and the only `unsafe` of this crate.
//!
//! Handles ([`Value`], [`Function`], [`Block`], [`Type`], [`Attribute`], [`Metadata`]) are `Copy`
//! pointers into a [`Context`] or [`Module`]. What makes them safe to use:
//!
//! * they never outlive their module: every pass borrows the [`Module`] for as long as it holds handles;
//! * an erased instruction, block or global is not touched again (as in LLVM itself);
//! * a method that LLVM defines for one kind of value only checks the kind first and answers with
//!   `None`, zero or nothing for the others, because the C API would cast without looking.
//!
//! Everything above this module is safe Rust.

mod attribute;
mod block;
mod builder;
mod call;
mod context;
mod extra_function;
mod function;
mod global;
mod instruction;
mod machine;
mod metadata;
mod module;
mod types;
mod value;

pub use attribute::{Attribute, Place};
pub use block::Block;
pub use builder::Builder;
pub use context::Context;
pub use function::Function;
pub use inkwell::llvm_sys::comdat::LLVMComdatSelectionKind as ComdatKind;
pub use inkwell::llvm_sys::{
    LLVMAtomicOrdering as Ordering, LLVMAtomicRMWBinOp as RmwOp, LLVMIntPredicate as IntPredicate,
    LLVMLinkage as Linkage, LLVMOpcode as Opcode, LLVMRealPredicate as RealPredicate,
    LLVMTailCallKind as TailCallKind, LLVMThreadLocalMode as ThreadLocalMode,
    LLVMTypeKind as TypeKind, LLVMUnnamedAddr as UnnamedAddr, LLVMValueKind as ValueKind,
    LLVMVisibility as Visibility,
};
pub use machine::{Emit, Machine, MachineOptions, OptLevel, initialize};
pub use metadata::Metadata;
pub use module::Module;
pub use types::{Layout, Type};
pub use value::Value;

use std::ffi::{CStr, CString, c_char};

/// A call into LLVM that failed: which one, and what LLVM said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("LLVM: {call}: {message}")]
pub struct LlvmError {
    /// The operation, in words ("parse bitcode").
    pub call: String,
    /// LLVM's own message.
    pub message: String,
}

impl LlvmError {
    pub(crate) fn new(call: &str, message: impl Into<String>) -> Self {
        LlvmError {
            call: call.to_owned(),
            message: message.into(),
        }
    }
}

/// A C string from text; an interior NUL ends it (LLVM names from files may hold anything).
fn c_string(text: &str) -> CString {
    let end = text.find('\0').unwrap_or(text.len());
    CString::new(&text.as_bytes()[..end]).unwrap_or_default()
}

/// Text that LLVM owns, given by pointer and length.
///
/// # Safety
/// `data` is null or points to `length` bytes that live during the call.
unsafe fn borrowed(data: *const c_char, length: usize) -> String {
    if data.is_null() || length == 0 {
        return String::new();
    }
    // SAFETY: by this function's contract.
    let bytes = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), length) };
    String::from_utf8_lossy(bytes).into_owned()
}

/// Text that LLVM allocated for us (`LLVMDisposeMessage`).
///
/// # Safety
/// `message` is null or a message from LLVM that nobody else frees.
unsafe fn owned(message: *mut c_char) -> String {
    if message.is_null() {
        return String::new();
    }
    // SAFETY: a NUL-terminated string of LLVM's, freed once, here.
    unsafe {
        let text = CStr::from_ptr(message).to_string_lossy().into_owned();
        inkwell::llvm_sys::core::LLVMDisposeMessage(message);
        text
    }
}
