//! Types, and what the data layout says of them.

use super::{Value, borrowed, owned};
use inkwell::llvm_sys::LLVMTypeKind;
use inkwell::llvm_sys::core::*;
use inkwell::llvm_sys::prelude::*;
use inkwell::llvm_sys::target::*;

/// A type.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Type(pub(super) LLVMTypeRef);

impl Type {
    /// Its kind.
    pub fn kind(self) -> LLVMTypeKind {
        // SAFETY: a live type.
        unsafe { LLVMGetTypeKind(self.0) }
    }
    /// A pointer?
    pub fn is_pointer(self) -> bool {
        self.kind() == LLVMTypeKind::LLVMPointerTypeKind
    }
    /// An integer?
    pub fn is_int(self) -> bool {
        self.kind() == LLVMTypeKind::LLVMIntegerTypeKind
    }
    /// `void`?
    pub fn is_void(self) -> bool {
        self.kind() == LLVMTypeKind::LLVMVoidTypeKind
    }
    /// A structure?
    pub fn is_struct(self) -> bool {
        self.kind() == LLVMTypeKind::LLVMStructTypeKind
    }
    /// An array?
    pub fn is_array(self) -> bool {
        self.kind() == LLVMTypeKind::LLVMArrayTypeKind
    }
    /// A fixed vector?
    pub fn is_vector(self) -> bool {
        self.kind() == LLVMTypeKind::LLVMVectorTypeKind
    }
    /// A function type?
    pub fn is_function(self) -> bool {
        self.kind() == LLVMTypeKind::LLVMFunctionTypeKind
    }
    /// A token?
    pub fn is_token(self) -> bool {
        self.kind() == LLVMTypeKind::LLVMTokenTypeKind
    }
    /// `float`, `double`, `x86_fp80` and the like?
    pub fn is_float(self) -> bool {
        use LLVMTypeKind::*;
        matches!(
            self.kind(),
            LLVMHalfTypeKind
                | LLVMBFloatTypeKind
                | LLVMFloatTypeKind
                | LLVMDoubleTypeKind
                | LLVMX86_FP80TypeKind
                | LLVMFP128TypeKind
                | LLVMPPC_FP128TypeKind
        )
    }
    /// Bits of an integer type; 0 for others.
    pub fn int_width(self) -> u32 {
        if !self.is_int() {
            return 0;
        }
        // SAFETY: an integer type.
        unsafe { LLVMGetIntTypeWidth(self.0) }
    }
    /// Has it a size?
    pub fn is_sized(self) -> bool {
        // SAFETY: a live type.
        unsafe { LLVMTypeIsSized(self.0) != 0 }
    }
    /// Address space of a pointer type; 0 for others.
    pub fn address_space(self) -> u32 {
        if !self.is_pointer() {
            return 0;
        }
        // SAFETY: a pointer type.
        unsafe { LLVMGetPointerAddressSpace(self.0) }
    }
    /// Element type of an array or vector.
    pub fn element(self) -> Option<Type> {
        if !self.is_array() && !self.is_vector() {
            return None;
        }
        // SAFETY: an array or vector type.
        Some(Type(unsafe { LLVMGetElementType(self.0) }))
    }
    /// Number of elements of an array, vector or structure; 0 for others.
    pub fn len(self) -> u64 {
        // SAFETY: each call is made for its own kind only.
        unsafe {
            match self.kind() {
                LLVMTypeKind::LLVMArrayTypeKind => LLVMGetArrayLength2(self.0),
                LLVMTypeKind::LLVMVectorTypeKind => u64::from(LLVMGetVectorSize(self.0)),
                LLVMTypeKind::LLVMStructTypeKind => u64::from(LLVMCountStructElementTypes(self.0)),
                _ => 0,
            }
        }
    }
    /// No elements?
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
    /// Field types of a structure.
    pub fn fields(self) -> Vec<Type> {
        if !self.is_struct() {
            return Vec::new();
        }
        // SAFETY: a structure type; the indices are in range.
        unsafe {
            (0..LLVMCountStructElementTypes(self.0))
                .map(|i| Type(LLVMStructGetTypeAtIndex(self.0, i)))
                .collect()
        }
    }
    /// A packed structure?
    pub fn is_packed(self) -> bool {
        // SAFETY: checked to be a structure first.
        self.is_struct() && unsafe { LLVMIsPackedStruct(self.0) != 0 }
    }
    /// Name of a structure type; empty for literal ones and other kinds.
    pub fn struct_name(self) -> String {
        if !self.is_struct() {
            return String::new();
        }
        // SAFETY: a structure type; a null name is a literal structure.
        unsafe {
            let name = LLVMGetStructName(self.0);
            if name.is_null() {
                String::new()
            } else {
                borrowed(name, std::ffi::CStr::from_ptr(name).to_bytes().len())
            }
        }
    }
    /// The array of `count` of this.
    pub fn array(self, count: u64) -> Type {
        // SAFETY: a live type.
        Type(unsafe { LLVMArrayType2(self.0, count) })
    }
    /// The vector of `count` of this.
    pub fn vector(self, count: u32) -> Type {
        // SAFETY: a live type.
        Type(unsafe { LLVMVectorType(self.0, count) })
    }

    /// The function type with this result.
    pub fn function(self, params: &[Type], variadic: bool) -> Type {
        let mut raw: Vec<_> = params.iter().map(|t| t.0).collect();
        // SAFETY: as many live types as told.
        Type(unsafe {
            LLVMFunctionType(
                self.0,
                raw.as_mut_ptr(),
                raw.len() as u32,
                i32::from(variadic),
            )
        })
    }
    /// Result of a function type.
    pub fn result(self) -> Option<Type> {
        // SAFETY: checked to be a function type first.
        self.is_function()
            .then(|| Type(unsafe { LLVMGetReturnType(self.0) }))
    }
    /// Parameters of a function type.
    pub fn params(self) -> Vec<Type> {
        if !self.is_function() {
            return Vec::new();
        }
        // SAFETY: a function type; the buffer has the size LLVM fills.
        unsafe {
            let count = LLVMCountParamTypes(self.0) as usize;
            let mut raw = vec![std::ptr::null_mut(); count];
            LLVMGetParamTypes(self.0, raw.as_mut_ptr());
            raw.into_iter().map(Type).collect()
        }
    }
    /// A variadic function type?
    pub fn is_variadic(self) -> bool {
        // SAFETY: checked to be a function type first.
        self.is_function() && unsafe { LLVMIsFunctionVarArg(self.0) != 0 }
    }

    /// The null, zero or empty constant.
    pub fn null(self) -> Value {
        // SAFETY: a live type.
        Value(unsafe { LLVMConstNull(self.0) })
    }
    /// `undef`.
    pub fn undef(self) -> Value {
        // SAFETY: a live type.
        Value(unsafe { LLVMGetUndef(self.0) })
    }
    /// `poison`.
    pub fn poison(self) -> Value {
        // SAFETY: a live type.
        Value(unsafe { LLVMGetPoison(self.0) })
    }
    /// An integer constant (zero extended, truncated to the type).
    pub fn constant(self, value: u64) -> Value {
        debug_assert!(self.is_int());
        let bits = self.int_width();
        let value = if bits < 64 {
            value & ((1u64 << bits) - 1)
        } else {
            value
        };
        // SAFETY: an integer type.
        Value(unsafe { LLVMConstInt(self.0, value, 0) })
    }
    /// An integer constant (sign extended to the type).
    pub fn signed(self, value: i64) -> Value {
        if self.int_width() <= 64 {
            return self.constant(value as u64);
        }
        // SAFETY: an integer type.
        Value(unsafe { LLVMConstInt(self.0, value as u64, 1) })
    }
    /// An array constant of this element type.
    pub fn const_array(self, values: &[Value]) -> Value {
        let mut raw: Vec<_> = values.iter().map(|v| v.0).collect();
        // SAFETY: as many live constants as told.
        Value(unsafe { LLVMConstArray2(self.0, raw.as_mut_ptr(), raw.len() as u64) })
    }

    /// The type as text.
    pub fn print(self) -> String {
        // SAFETY: the message is ours.
        unsafe { owned(LLVMPrintTypeToString(self.0)) }
    }
}

/// The data layout of a module: sizes, alignments, offsets.
#[derive(Clone, Copy)]
pub struct Layout(pub(super) LLVMTargetDataRef);

impl Layout {
    /// Bytes from one array element to the next; 0 for unsized types.
    pub fn abi_size(self, ty: Type) -> u64 {
        if ty.is_sized() {
            // SAFETY: sized types only.
            unsafe { LLVMABISizeOfType(self.0, ty.0) }
        } else {
            0
        }
    }
    /// Bytes a store may write; 0 for unsized types.
    pub fn store_size(self, ty: Type) -> u64 {
        if ty.is_sized() {
            // SAFETY: sized types only.
            unsafe { LLVMStoreSizeOfType(self.0, ty.0) }
        } else {
            0
        }
    }
    /// ABI alignment in bytes; 1 for unsized types.
    pub fn abi_align(self, ty: Type) -> u32 {
        if ty.is_sized() {
            // SAFETY: sized types only.
            unsafe { LLVMABIAlignmentOfType(self.0, ty.0) }
        } else {
            1
        }
    }
    /// Byte offset of a structure's field; 0 if there is none.
    pub fn field_offset(self, ty: Type, field: u32) -> u64 {
        if !ty.is_struct() || u64::from(field) >= ty.len() {
            return 0;
        }
        // SAFETY: a structure type with that field.
        unsafe { LLVMOffsetOfElement(self.0, ty.0, field) }
    }
}
