//! Target machines: code generation to memory.

use super::{LlvmError, Module, c_string, owned};
use inkwell::llvm_sys::core::*;
use inkwell::llvm_sys::support::LLVMParseCommandLineOptions;
use inkwell::llvm_sys::target::*;
use inkwell::llvm_sys::target_machine::*;
use std::sync::{Mutex, Once, PoisonError};

/// How hard the code generator tries.
pub use inkwell::llvm_sys::target_machine::LLVMCodeGenOptLevel as OptLevel;

/// What to emit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Emit {
    /// An ELF object.
    Object,
    /// Assembly text.
    Assembly,
}

/// What a machine is made for.
#[derive(Clone, Debug)]
pub struct MachineOptions {
    /// Target triple of the module.
    pub triple: String,
    /// CPU name.
    pub cpu: String,
    /// Features as `+a,-b`.
    pub features: String,
    /// Effort.
    pub level: OptLevel,
    /// Does code generation reduce the strength of loops? (LLVM's `-disable-lsr`, otherwise.)
    pub loop_reduce: bool,
}

/// A target machine for position-independent x86-64 code.
pub struct Machine {
    pub(super) raw: LLVMTargetMachineRef,
    loop_reduce: bool,
}

impl Drop for Machine {
    fn drop(&mut self) {
        // SAFETY: owned, freed once.
        unsafe { LLVMDisposeTargetMachine(self.raw) }
    }
}

/// Sets LLVM up, once per process: the X86 target and LLVM's global options.
/// Later calls do nothing, also with other options: they are global to the process.
pub fn initialize(options: &[&str]) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: registers built-in targets.
        unsafe {
            LLVMInitializeX86TargetInfo();
            LLVMInitializeX86Target();
            LLVMInitializeX86TargetMC();
            LLVMInitializeX86AsmPrinter();
            LLVMInitializeX86AsmParser();
        }
        parse(options);
    });
}

/// Sets options of LLVM's command line; the last word on each counts.
fn parse(options: &[&str]) {
    let all: Vec<_> = std::iter::once("privbox-pass")
        .chain(options.iter().copied())
        .map(c_string)
        .collect();
    let raw: Vec<_> = all.iter().map(|s| s.as_ptr()).collect();
    // SAFETY: the strings live during the call.
    unsafe { LLVMParseCommandLineOptions(raw.len() as i32, raw.as_ptr(), std::ptr::null()) }
}

/// Held while code is generated: one of LLVM's global options differs between machines.
static GENERATING: Mutex<()> = Mutex::new(());

impl Machine {
    /// A machine. [`initialize`] must have been called.
    pub fn new(options: &MachineOptions) -> Result<Machine, LlvmError> {
        let triple = c_string(&options.triple);
        let (cpu, features) = (c_string(&options.cpu), c_string(&options.features));
        let mut target = std::ptr::null_mut();
        let mut message = std::ptr::null_mut();
        // SAFETY: NUL-terminated strings; the message is ours; a null machine is an error.
        unsafe {
            if LLVMGetTargetFromTriple(triple.as_ptr(), &mut target, &mut message) != 0 {
                return Err(LlvmError::new("find target", owned(message)));
            }
            let raw = LLVMCreateTargetMachine(
                target,
                triple.as_ptr(),
                cpu.as_ptr(),
                features.as_ptr(),
                options.level,
                LLVMRelocMode::LLVMRelocPIC,
                LLVMCodeModel::LLVMCodeModelDefault,
            );
            if raw.is_null() {
                return Err(LlvmError::new(
                    "create target machine",
                    options.triple.clone(),
                ));
            }
            Ok(Machine {
                raw,
                loop_reduce: options.loop_reduce,
            })
        }
    }
    /// Generates code for a module (and changes the module on the way).
    pub fn emit(&self, module: &Module<'_>, what: Emit) -> Result<Vec<u8>, LlvmError> {
        let kind = match what {
            Emit::Object => LLVMCodeGenFileType::LLVMObjectFile,
            Emit::Assembly => LLVMCodeGenFileType::LLVMAssemblyFile,
        };
        let mut message = std::ptr::null_mut();
        let mut buffer = std::ptr::null_mut();
        let _alone = GENERATING.lock().unwrap_or_else(PoisonError::into_inner);
        parse(&[match self.loop_reduce {
            true => "-disable-lsr=false",
            false => "-disable-lsr",
        }]);
        // SAFETY: live machine and module; message and buffer are ours.
        let bytes = unsafe {
            if LLVMTargetMachineEmitToMemoryBuffer(
                self.raw,
                module.raw,
                kind,
                &mut message,
                &mut buffer,
            ) != 0
            {
                return Err(LlvmError::new("generate code", owned(message)));
            }
            let bytes = std::slice::from_raw_parts(
                LLVMGetBufferStart(buffer).cast::<u8>(),
                LLVMGetBufferSize(buffer),
            );
            let bytes = bytes.to_vec();
            LLVMDisposeMemoryBuffer(buffer);
            bytes
        };
        let errors = module.context().take_errors();
        if errors.is_empty() {
            Ok(bytes)
        } else {
            Err(LlvmError::new("generate code", errors.join("; ")))
        }
    }
}
