//! Modules.

use super::{
    Context, Function, Layout, LlvmError, Machine, Type, Value, borrowed, c_string, owned,
};
use inkwell::llvm_sys::analysis::{LLVMVerifierFailureAction, LLVMVerifyModule};
use inkwell::llvm_sys::bit_reader::LLVMParseBitcodeInContext2;
use inkwell::llvm_sys::bit_writer::LLVMWriteBitcodeToMemoryBuffer;
use inkwell::llvm_sys::core::*;
use inkwell::llvm_sys::debuginfo::LLVMStripModuleDebugInfo;
use inkwell::llvm_sys::error::*;
use inkwell::llvm_sys::ir_reader::LLVMParseIRInContext2;
use inkwell::llvm_sys::prelude::*;
use inkwell::llvm_sys::target::LLVMGetModuleDataLayout;
use inkwell::llvm_sys::transforms::pass_builder::*;
use std::ffi::CStr;

/// A module. Borrows its context.
pub struct Module<'c> {
    pub(super) raw: LLVMModuleRef,
    context: &'c Context,
}

impl Drop for Module<'_> {
    fn drop(&mut self) {
        // SAFETY: owned, freed once.
        unsafe { LLVMDisposeModule(self.raw) }
    }
}

impl<'c> Module<'c> {
    /// Reads bitcode (also with Apple's wrapper header, as LLVM does).
    pub fn parse(
        context: &'c Context,
        bitcode: &[u8],
        name: &str,
    ) -> Result<Module<'c>, LlvmError> {
        let name = c_string(name);
        let mut raw = std::ptr::null_mut();
        // SAFETY: LLVM copies the bytes; the buffer is freed here whatever happens.
        let failed = unsafe {
            let buffer = LLVMCreateMemoryBufferWithMemoryRangeCopy(
                bitcode.as_ptr().cast(),
                bitcode.len(),
                name.as_ptr(),
            );
            let failed = LLVMParseBitcodeInContext2(context.raw, buffer, &mut raw);
            LLVMDisposeMemoryBuffer(buffer);
            failed
        };
        if failed != 0 || raw.is_null() {
            let mut why = context.take_errors().join("; ");
            if why.is_empty() {
                why = "not valid LLVM bitcode".to_owned();
            }
            return Err(LlvmError::new("parse bitcode", why));
        }
        Ok(Module { raw, context })
    }
    /// Reads textual IR or bitcode.
    pub fn parse_text(
        context: &'c Context,
        text: &str,
        name: &str,
    ) -> Result<Module<'c>, LlvmError> {
        let name = c_string(name);
        let mut raw = std::ptr::null_mut();
        let mut message = std::ptr::null_mut();
        // SAFETY: LLVM copies the bytes; buffer and message are ours.
        unsafe {
            let buffer = LLVMCreateMemoryBufferWithMemoryRangeCopy(
                text.as_ptr().cast(),
                text.len(),
                name.as_ptr(),
            );
            let failed = LLVMParseIRInContext2(context.raw, buffer, &mut raw, &mut message);
            LLVMDisposeMemoryBuffer(buffer);
            if failed != 0 {
                return Err(LlvmError::new("parse IR", owned(message)));
            }
        }
        Ok(Module { raw, context })
    }
    /// A module without contents.
    pub fn new(context: &'c Context, name: &str) -> Module<'c> {
        let name = c_string(name);
        Module {
            // SAFETY: a live context and a NUL-terminated name.
            raw: unsafe { LLVMModuleCreateWithNameInContext(name.as_ptr(), context.raw) },
            context,
        }
    }
    /// A copy in the same context.
    pub fn duplicate(&self) -> Module<'c> {
        Module {
            // SAFETY: a live module.
            raw: unsafe { LLVMCloneModule(self.raw) },
            context: self.context,
        }
    }
    /// Its context.
    pub fn context(&self) -> &'c Context {
        self.context
    }
    /// As bitcode.
    pub fn to_bitcode(&self) -> Vec<u8> {
        // SAFETY: the buffer is ours; start and size belong together.
        unsafe {
            let buffer = LLVMWriteBitcodeToMemoryBuffer(self.raw);
            let bytes = std::slice::from_raw_parts(
                LLVMGetBufferStart(buffer).cast::<u8>(),
                LLVMGetBufferSize(buffer),
            );
            let bytes = bytes.to_vec();
            LLVMDisposeMemoryBuffer(buffer);
            bytes
        }
    }
    /// As text.
    pub fn print(&self) -> String {
        // SAFETY: the message is ours.
        unsafe { owned(LLVMPrintModuleToString(self.raw)) }
    }
    /// LLVM's own consistency check.
    pub fn verify(&self) -> Result<(), LlvmError> {
        let mut message = std::ptr::null_mut();
        // SAFETY: a live module; the message is ours in every case.
        unsafe {
            let action = LLVMVerifierFailureAction::LLVMReturnStatusAction;
            let broken = LLVMVerifyModule(self.raw, action, &mut message);
            let text = owned(message);
            if broken != 0 {
                Err(LlvmError::new("verify module", text))
            } else {
                Ok(())
            }
        }
    }
    /// Runs a pipeline in `opt -passes=` syntax.
    pub fn run_passes(&self, pipeline: &str, machine: &Machine) -> Result<(), LlvmError> {
        let text = c_string(pipeline);
        // SAFETY: live module and machine; options and error are freed here.
        unsafe {
            let options = LLVMCreatePassBuilderOptions();
            let error = LLVMRunPasses(self.raw, text.as_ptr(), machine.raw, options);
            LLVMDisposePassBuilderOptions(options);
            if !error.is_null() {
                let message = LLVMGetErrorMessage(error);
                let why = CStr::from_ptr(message).to_string_lossy().into_owned();
                LLVMDisposeErrorMessage(message);
                return Err(LlvmError::new(&format!("run passes {pipeline}"), why));
            }
        }
        let errors = self.context.take_errors();
        if errors.is_empty() {
            Ok(())
        } else {
            Err(LlvmError::new(
                &format!("run passes {pipeline}"),
                errors.join("; "),
            ))
        }
    }

    /// The data layout.
    pub fn layout(&self) -> Layout {
        // SAFETY: a live module; the layout lives as long.
        Layout(unsafe { LLVMGetModuleDataLayout(self.raw) })
    }
    /// The target triple.
    pub fn triple(&self) -> String {
        // SAFETY: a NUL-terminated string of the module's.
        unsafe {
            CStr::from_ptr(LLVMGetTarget(self.raw))
                .to_string_lossy()
                .into_owned()
        }
    }
    /// Name of the source file.
    pub fn source_file(&self) -> String {
        let mut length = 0;
        // SAFETY: a live module; the name lives during the call.
        unsafe {
            let name = LLVMGetSourceFileName(self.raw, &mut length);
            borrowed(name, length)
        }
    }
    /// Module-level assembly.
    pub fn assembly(&self) -> String {
        let mut length = 0;
        // SAFETY: a live module; the text lives during the call.
        unsafe {
            let text = LLVMGetModuleInlineAsm(self.raw, &mut length);
            borrowed(text, length)
        }
    }
    /// Replaces the module-level assembly.
    pub fn set_assembly(&self, text: &str) {
        // SAFETY: pointer and length are of one slice.
        unsafe { LLVMSetModuleInlineAsm2(self.raw, text.as_ptr().cast(), text.len()) }
    }
    /// Appends to the module-level assembly.
    pub fn append_assembly(&self, text: &str) {
        // SAFETY: pointer and length are of one slice.
        unsafe { LLVMAppendModuleInlineAsm(self.raw, text.as_ptr().cast(), text.len()) }
    }
    /// Drops all debug information.
    pub fn strip_debug_info(&self) {
        // SAFETY: a live module.
        unsafe { LLVMStripModuleDebugInfo(self.raw) };
    }
    /// Number of operands of a named metadata node (0: there is none).
    pub fn named_metadata_count(&self, name: &str) -> u32 {
        let name = c_string(name);
        // SAFETY: a NUL-terminated name.
        unsafe { LLVMGetNamedMetadataNumOperands(self.raw, name.as_ptr()) }
    }

    /// Sets a module flag to zero, if the module has it.
    pub fn clear_flag(&self, name: &str) {
        let count = self.named_metadata_count("llvm.module.flags") as usize;
        let mut flags = vec![std::ptr::null_mut(); count];
        // SAFETY: as many nodes as LLVM says; a flag is a node of behaviour, name and value.
        unsafe {
            LLVMGetNamedMetadataOperands(
                self.raw,
                c"llvm.module.flags".as_ptr(),
                flags.as_mut_ptr(),
            );
            for flag in flags {
                let mut parts = vec![std::ptr::null_mut(); LLVMGetMDNodeNumOperands(flag) as usize];
                LLVMGetMDNodeOperands(flag, parts.as_mut_ptr());
                let Some(key) = parts.get(1).filter(|key| !key.is_null()) else {
                    continue;
                };
                let mut length = 0;
                let text = LLVMGetMDString(*key, &mut length);
                if text.is_null() || borrowed(text, length as usize) != name {
                    continue;
                }
                let zero = self.context.i32().constant(0);
                LLVMReplaceMDNodeOperandWith(flag, 2, LLVMValueAsMetadata(zero.0));
            }
        }
    }

    fn chain(
        first: LLVMValueRef,
        next: unsafe extern "C" fn(LLVMValueRef) -> LLVMValueRef,
    ) -> Vec<Value> {
        let mut all = Vec::new();
        let mut at = first;
        while !at.is_null() {
            all.push(Value(at));
            // SAFETY: an element of the chain; null ends it.
            at = unsafe { next(at) };
        }
        all
    }
    /// All functions, defined or declared.
    pub fn functions(&self) -> Vec<Function> {
        // SAFETY: a live module.
        Self::chain(
            unsafe { LLVMGetFirstFunction(self.raw) },
            LLVMGetNextFunction,
        )
        .into_iter()
        .map(Function)
        .collect()
    }
    /// The functions with a body.
    pub fn defined_functions(&self) -> Vec<Function> {
        self.functions()
            .into_iter()
            .filter(|f| !f.is_declaration())
            .collect()
    }
    /// All variables.
    pub fn variables(&self) -> Vec<Value> {
        // SAFETY: a live module.
        Self::chain(unsafe { LLVMGetFirstGlobal(self.raw) }, LLVMGetNextGlobal)
    }
    /// All aliases.
    pub fn aliases(&self) -> Vec<Value> {
        // SAFETY: a live module.
        Self::chain(
            unsafe { LLVMGetFirstGlobalAlias(self.raw) },
            LLVMGetNextGlobalAlias,
        )
    }
    /// All ifuncs.
    pub fn ifuncs(&self) -> Vec<Value> {
        // SAFETY: a live module.
        Self::chain(
            unsafe { LLVMGetFirstGlobalIFunc(self.raw) },
            LLVMGetNextGlobalIFunc,
        )
    }
    /// The function of that name.
    pub fn function(&self, name: &str) -> Option<Function> {
        // SAFETY: pointer and length are of one slice; null is "none".
        Value::option(unsafe {
            LLVMGetNamedFunctionWithLength(self.raw, name.as_ptr().cast(), name.len())
        })
        .map(Function)
    }
    /// The variable of that name.
    pub fn variable(&self, name: &str) -> Option<Value> {
        // SAFETY: pointer and length are of one slice; null is "none".
        Value::option(unsafe {
            LLVMGetNamedGlobalWithLength(self.raw, name.as_ptr().cast(), name.len())
        })
    }
    /// The alias of that name.
    pub fn alias(&self, name: &str) -> Option<Value> {
        // SAFETY: pointer and length are of one slice; null is "none".
        Value::option(unsafe {
            LLVMGetNamedGlobalAlias(self.raw, name.as_ptr().cast(), name.len())
        })
    }
    /// Whatever global has that name.
    pub fn global(&self, name: &str) -> Option<Value> {
        self.function(name)
            .map(Function::value)
            .or_else(|| self.variable(name))
            .or_else(|| self.alias(name))
            .or_else(|| {
                // SAFETY: pointer and length are of one slice; null is "none".
                Value::option(unsafe {
                    LLVMGetNamedGlobalIFunc(self.raw, name.as_ptr().cast(), name.len())
                })
            })
    }
    /// Adds a function (LLVM makes the name unique if it is taken).
    pub fn add_function(&self, name: &str, ty: Type) -> Function {
        let name = c_string(name);
        // SAFETY: a live module, a NUL-terminated name, a function type.
        Function(Value(unsafe {
            LLVMAddFunction(self.raw, name.as_ptr(), ty.0)
        }))
    }
    /// The function of that name, declared with the type if there is none.
    pub fn declare(&self, name: &str, ty: Type) -> Function {
        self.function(name)
            .unwrap_or_else(|| self.add_function(name, ty))
    }
    /// Adds a variable (LLVM makes the name unique if it is taken).
    pub fn add_variable(&self, name: &str, ty: Type) -> Value {
        let name = c_string(name);
        // SAFETY: a live module, a NUL-terminated name, a sized type.
        Value(unsafe { LLVMAddGlobal(self.raw, ty.0, name.as_ptr()) })
    }
    /// Adds an alias.
    pub fn add_alias(&self, name: &str, ty: Type, aliasee: Value) -> Value {
        let name = c_string(name);
        // SAFETY: a live module, a NUL-terminated name, a constant.
        Value(unsafe { LLVMAddAlias2(self.raw, ty.0, 0, aliasee.0, name.as_ptr()) })
    }
    /// The declaration of an intrinsic with its overloaded types, and its function type.
    /// `None` if LLVM has no intrinsic of that name.
    pub fn intrinsic(&self, name: &str, types: &[Type]) -> Option<(Function, Type)> {
        let mut raw: Vec<_> = types.iter().map(|t| t.0).collect();
        // SAFETY: pointer and length are of one slice; the id is checked; as many types as told.
        unsafe {
            let id = LLVMLookupIntrinsicID(name.as_ptr().cast(), name.len());
            if id == 0 {
                return None;
            }
            let function = LLVMGetIntrinsicDeclaration(self.raw, id, raw.as_mut_ptr(), raw.len());
            let ty = LLVMIntrinsicGetType(self.context.raw, id, raw.as_mut_ptr(), raw.len());
            Some((Function(Value(function)), Type(ty)))
        }
    }
}
