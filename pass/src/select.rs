//! Which functions of the unit get a clone, and why the others do not.

use crate::abi::{calls, params, signature};
use crate::llvm::{
    Attribute, Function, Layout, Linkage, Module, Opcode, Place, TailCallKind, Type, TypeKind,
    Value,
};
use crate::{Error, Options, asm, computed_goto, setjmp};
use globset::{Glob, GlobSet, GlobSetBuilder};
use std::collections::{BTreeMap, BTreeSet};

/// The choice for one unit.
#[derive(Debug, Default)]
pub struct Selection {
    /// Functions whose normal symbol enters the box.
    pub entries: BTreeSet<String>,
    /// Functions without a clone, with the reason.
    pub outside: BTreeMap<String, String>,
    /// Functions that a pattern asked to be entries, with the reason why only the box calls their clones.
    pub not_entries: BTreeMap<String, String>,
}

/// The annotation of `PRIVBOX` in `privbox.h`.
const ENTRY: &str = "privbox";
/// The annotation of `PRIVBOX_OUTSIDE`.
const OUTSIDE: &str = "privbox_outside";

/// The reason of a function that is named by `-fprivbox-outside` or marked `PRIVBOX_OUTSIDE`.
pub const KEPT: &str = "its author keeps it outside";

/// Decides for every function that the unit defines.
pub fn select(module: &Module<'_>, options: &Options) -> Result<Selection, Error> {
    let entry = globs(&options.entry)?;
    let outside = globs(&options.outside)?;
    let annotated = annotations(module);
    let has = |name: &str, what: &str| annotated.iter().any(|(f, a)| f == name && a == what);
    let mut selection = Selection::default();
    for function in module.defined_functions() {
        if function.linkage() == Linkage::LLVMAvailableExternallyLinkage {
            continue;
        }
        let name = function.name();
        let plain = crate::split::plain(&name);
        let wanted = entry.is_match(plain) || has(&name, ENTRY);
        let excluded = outside.is_match(plain) || has(&name, OUTSIDE);
        let reason = if excluded {
            Err(KEPT.to_owned())
        } else {
            supported(module, function)
        };
        match reason {
            // A stub cannot forward `...`.
            Ok(()) if wanted && function.function_type().is_variadic() => {
                let named = options.entry.iter().any(|e| e == plain) || has(&name, ENTRY);
                if !named {
                    let reason =
                        "it is variadic, so normal code that calls it does not enter the box";
                    selection.not_entries.insert(name, reason.to_owned());
                    continue;
                }
                return Err(Error::VariadicEntry {
                    unit: options.unit.clone(),
                    function: plain.to_owned(),
                });
            }
            Ok(()) if wanted => {
                selection.entries.insert(name);
            }
            Ok(()) => {}
            // Silently running outside what was marked would be the worst of surprises. (A name of `-fprivbox-fn` may be
            // that of several static functions: linking looks for one that can.)
            Err(reason) if !excluded && has(&name, ENTRY) => {
                return Err(Error::MarkedOutside {
                    unit: options.unit.clone(),
                    function: plain.to_owned(),
                    reason,
                });
            }
            Err(reason) => {
                selection.outside.insert(name, reason);
            }
        }
    }
    Ok(selection)
}

fn globs(patterns: &[String]) -> Result<GlobSet, Error> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let glob = Glob::new(pattern).map_err(|e| Error::Glob {
            pattern: pattern.clone(),
            message: e.kind().to_string(),
        })?;
        set.add(glob);
    }
    set.build().map_err(|e| Error::Glob {
        pattern: patterns.join(", "),
        message: e.to_string(),
    })
}

/// Functions and the texts of their `annotate` attributes.
pub fn annotations(module: &Module<'_>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let Some(array) = module
        .variable("llvm.global.annotations")
        .and_then(Value::initializer)
    else {
        return found;
    };
    for entry in array.operands() {
        let (Some(what), Some(text)) = (entry.operand(0), entry.operand(1)) else {
            continue;
        };
        let text = text
            .initializer()
            .and_then(Value::const_bytes)
            .unwrap_or_default();
        let text = String::from_utf8_lossy(&text)
            .trim_end_matches('\0')
            .to_owned();
        if what.as_function().is_some() {
            found.push((what.name(), text));
        }
    }
    found
}

/// Can this function run in the box? The error says in words what it uses that the box has not.
fn supported(module: &Module<'_>, function: Function) -> Result<(), String> {
    for name in ["naked", "presplitcoroutine"] {
        if function.enum_attribute(Place::Function, name).is_some() {
            return Err(format!("the attribute `{name}`"));
        }
    }
    if function.has_prefix_data() || function.has_prologue_data() {
        return Err("data before or at its entry".into());
    }
    if !matches!(function.call_conv(), 0 | 8) {
        return Err(format!("calling convention {}", function.call_conv()));
    }
    let avx = params::has_avx(function);
    let parameters = params::of_function(function)?;
    let plan = signature::box_plan(module.layout(), &parameters, avx)?;
    let ty = function.function_type();
    if let Some(result) = ty.result() {
        signature::result_places(module.layout(), result, avx)?;
    }
    for instruction in function.instructions() {
        instruction_supported(module, function, instruction, avx, plan.complex)?;
    }
    setjmp::check(function)?;
    computed_goto::check(function)
}

fn instruction_supported(
    module: &Module<'_>,
    function: Function,
    instruction: Value,
    avx: bool,
    complex: bool,
) -> Result<(), String> {
    let foreign = |ty: Type| ty.is_pointer() && ty.address_space() != 0;
    if foreign(instruction.ty()) || instruction.operands().iter().any(|o| foreign(o.ty())) {
        return Err("a pointer into another address space (`__seg_gs`, `__seg_fs`)".into());
    }
    if instruction.ty().kind() == TypeKind::LLVMX86_AMXTypeKind {
        return Err("AMX tiles".into());
    }
    match instruction.opcode() {
        Some(Opcode::LLVMCallBr) => return Err("`asm goto`".into()),
        Some(
            Opcode::LLVMInvoke
            | Opcode::LLVMResume
            | Opcode::LLVMLandingPad
            | Opcode::LLVMCleanupPad
            | Opcode::LLVMCatchPad
            | Opcode::LLVMCatchSwitch
            | Opcode::LLVMCleanupRet
            | Opcode::LLVMCatchRet,
        ) => return Err("exception handling".into()),
        Some(Opcode::LLVMVAArg) => return Err("the `va_arg` instruction".into()),
        Some(Opcode::LLVMFRem) if instruction.ty().kind() == TypeKind::LLVMX86_FP80TypeKind => {
            return Err("`frem` of long doubles".into());
        }
        Some(Opcode::LLVMFPToSI | Opcode::LLVMFPToUI | Opcode::LLVMFPExt | Opcode::LLVMFPTrunc) => {
            long_double_conversion(instruction)?;
        }
        _ => {}
    }
    if !instruction.is_call() {
        return Ok(());
    }
    if instruction.callee().is_some_and(Value::is_inline_asm) {
        return asm::check(instruction);
    }
    if let Some(name) = instruction.intrinsic() {
        return intrinsic_supported(module.layout(), &name, instruction);
    }
    call_supported(module, function, instruction, avx, complex)
}

/// Conversions that LLVM makes calls of, with a `long double` on the stack.
fn long_double_conversion(instruction: Value) -> Result<(), String> {
    let from = instruction.operand(0).map(|o| o.ty().kind());
    let to = instruction.ty();
    let wide = to.int_width() > 64
        || matches!(
            to.kind(),
            TypeKind::LLVMFP128TypeKind | TypeKind::LLVMHalfTypeKind
        );
    if from == Some(TypeKind::LLVMX86_FP80TypeKind)
        && (wide || to.kind() == TypeKind::LLVMBFloatTypeKind)
    {
        return Err(
            "a conversion of a long double that the processor has no instruction for".into(),
        );
    }
    Ok(())
}

fn call_supported(
    module: &Module<'_>,
    function: Function,
    call: Value,
    avx: bool,
    complex: bool,
) -> Result<(), String> {
    let callee = call.called_function();
    let name = callee.map(|f| f.name()).unwrap_or_default();
    let site = calls::analyse(module, call, avx).map_err(|what| {
        if name.is_empty() {
            format!("{what}, in a call through a pointer")
        } else {
            format!("{what}, in a call of `{name}`")
        }
    })?;
    if call.tail_kind() == TailCallKind::LLVMTailCallKindMustTail && site.plan().complex {
        // The callee's spill block must be the caller's own: the frame is gone when the callee runs.
        let same = callee
            .is_some_and(|f| f.function_type() == function.function_type() && !f.is_declaration());
        if !complex || !same || callee.is_some_and(|f| crate::split::is_replaceable(f.value())) {
            return Err("a `musttail` call with arguments in memory".into());
        }
    }
    let twice = |place_of: Vec<Attribute>| place_of.iter().any(|a| a.is("returns_twice"));
    let returns_twice = twice(call.site_attributes(Place::Function))
        || callee.is_some_and(|f| twice(f.attributes(Place::Function)));
    let plain = crate::split::plain(&name);
    if returns_twice && !matches!(plain, "vfork" | "__vfork") && !setjmp::is_setjmp(plain) {
        return Err(format!("a call of `{plain}`, which returns twice"));
    }
    Ok(())
}

/// Intrinsics, by prefix, that need what the box has not.
const UNSUPPORTED: &[(&str, &str)] = &[
    ("llvm.returnaddress", "its return address"),
    ("llvm.addressofreturnaddress", "its return address"),
    ("llvm.frameaddress", "its frame's address"),
    ("llvm.sponentry", "its frame's address"),
    ("llvm.stackaddress", "its frame's address"),
    ("llvm.get.dynamic.area.offset", "its frame's address"),
    ("llvm.localescape", "its frame's address"),
    ("llvm.read_register", "a register by name"),
    ("llvm.read_volatile_register", "a register by name"),
    ("llvm.write_register", "a register by name"),
    ("llvm.eh.", "exception handling"),
    ("llvm.coro.", "coroutines"),
    ("llvm.experimental.gc.", "garbage collection"),
    ("llvm.experimental.stackmap", "stack maps"),
    ("llvm.experimental.patchpoint", "stack maps"),
    ("llvm.experimental.deoptimize", "deoptimisation"),
    ("llvm.init.trampoline", "a trampoline on the stack"),
    ("llvm.adjust.trampoline", "a trampoline on the stack"),
    ("llvm.readcyclecounter.amx", "AMX"),
    ("llvm.xray.", "XRay"),
    ("llvm.matrix.", "matrix operations"),
    ("llvm.vp.", "vector predication"),
    (
        "llvm.get.fpenv",
        "the floating-point environment as a whole",
    ),
    (
        "llvm.set.fpenv",
        "the floating-point environment as a whole",
    ),
    (
        "llvm.reset.fpenv",
        "the floating-point environment as a whole",
    ),
];

/// Parts of `llvm.x86.` names whose instructions the contract rejects (rule 3).
const UNSUPPORTED_X86: &[&str] = &[
    "avx512",
    "avx10",
    "amx",
    "tile",
    "tdp",
    "ldtilecfg",
    "sttilecfg",
    "xbegin",
    "xend",
    "xabort",
    "xtest",
    "rdpmc",
    "rdtscp",
    "rdpid",
    "serialize",
    "vgf2p8",
    "rdfsbase",
    "rdgsbase",
    "wrfsbase",
    "wrgsbase",
    "pkru",
    "xsave",
    "xrstor",
    "xgetbv",
    "xsetbv",
    "fxsave",
    "fxrstor",
    "monitor",
    "mwait",
    "tpause",
    "gather",
    "flags",
    "ssp",
    "wruss",
    "wrss",
    "setssbsy",
    "clrssbsy",
    "enqcmd",
    "movdir",
    "uintr",
    "clui",
    "stui",
    "testui",
    "senduipi",
    "wbinvd",
    "wbnoinvd",
    "invpcid",
    "ptwrite",
    "pconfig",
    "hreset",
    "seh",
    "int",
    "rdmsr",
    "wrmsr",
    "cmpccxadd",
    "aadd",
    "aand",
    "aor",
    "axor",
    "xop",
    "sse4a",
    "lwp",
    "llwpcb",
    "slwpcb",
    "aesenc128kl",
    "aesdec128kl",
    "aesenc256kl",
    "aesdec256kl",
    "aesencwide",
    "aesdecwide",
    "loadiwkey",
    "encodekey",
    "slh",
];

fn intrinsic_supported(layout: Layout, name: &str, call: Value) -> Result<(), String> {
    if let Some((_, what)) = UNSUPPORTED
        .iter()
        .find(|(prefix, _)| name.starts_with(prefix))
    {
        return Err(format!("`{name}`: {what}"));
    }
    if let Some(rest) = name.strip_prefix("llvm.x86.") {
        let parts: Vec<&str> = rest.split(['.', '_']).collect();
        let bad = UNSUPPORTED_X86.iter().any(|bad| {
            parts
                .iter()
                .any(|part| part == bad || part.starts_with(bad) && bad.len() > 4)
        });
        // The operand's address would have to be masked inside the intrinsic.
        let memory = call.args().iter().any(|a| a.ty().is_pointer());
        // AVX-512 under another feature's name (VAES, VPCLMULQDQ, GFNI): code generation cannot split it.
        let wide = |ty: Type| ty.is_vector() && layout.store_size(ty) > 32;
        let wide = wide(call.ty()) || call.args().iter().any(|a| wide(a.ty()));
        if bad || memory || wide {
            return Err(format!("the processor intrinsic `{name}`"));
        }
    }
    let fp80 = |v: &Value| v.ty().kind() == TypeKind::LLVMX86_FP80TypeKind;
    if call.args().iter().any(fp80) && !NATIVE_FP80.iter().any(|prefix| name.starts_with(prefix)) {
        return Err(format!(
            "`{name}`: a library function that LLVM calls with a long double"
        ));
    }
    Ok(())
}

/// Intrinsics on `long double` that become x87 instructions.
const NATIVE_FP80: &[&str] = &[
    "llvm.fabs.",
    "llvm.copysign.",
    "llvm.sqrt.",
    "llvm.rint.",
    "llvm.is.fpclass.",
    "llvm.dbg.",
    "llvm.fake.use",
    "llvm.minimum.",
    "llvm.maximum.",
    "llvm.canonicalize.",
    "llvm.experimental.constrained.fadd",
    "llvm.experimental.constrained.fsub",
    "llvm.experimental.constrained.fmul",
    "llvm.experimental.constrained.fdiv",
    "llvm.experimental.constrained.fcmp",
    "llvm.experimental.constrained.fptrunc",
    "llvm.experimental.constrained.fpext",
    "llvm.fmuladd.",
    "llvm.nearbyint.",
    "llvm.lrint.",
    "llvm.llrint.",
];
