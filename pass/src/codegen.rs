//! From the masked box module to object bytes.

use crate::llvm::{
    Emit, Function, LlvmError, Machine, MachineOptions, Module, Opcode, OptLevel, Place, TypeKind,
    Value, initialize,
};
use crate::options::{Level, Options, Strength};

/// LLVM's global options. They hold for the whole process, and the normal code is compiled by clang.
///
/// * `-disable-mergeicmps`: done in IR before the masks (`prepare.rs`), as is `-disable-lsr`'s work at the
///   levels with masks ([`reduces_loops`]).
/// * `-switch-peel-threshold=101`: never peel a likely case off a switch. The table that is left would
///   have its index bounded by the comparison (rule 5) and not by `switches.rs`'s `and`.
/// * `-enable-tail-merge=0`: two ways may end in the same `and %rax, %rdi`, one with the mask in RAX and one
///   with it in RDI; merged, it is no mask for the verifier, which joins registers one by one.
/// * `-tail-dup-indirect-size=2`: a small block that ends in a jump through a table would be copied into those before it, as
///   if it were a computed goto. A switch of the normal code escapes that by its comparison. Each copy makes phis of all that is
///   live in all targets, and nothing can split the edges: SQLite's interpreter got ten moves more per instruction.
/// * `-trap-unreachable`: control must not fall off a function's end (rule 2).
const LLVM_OPTIONS: [&str; 5] = [
    "-disable-mergeicmps",
    "-switch-peel-threshold=101",
    "-enable-tail-merge=0",
    "-tail-dup-indirect-size=2",
    "-trap-unreachable",
];

/// Features every clone gets. Indirect calls become `call __x86_indirect_thunk_r11` with the target
/// in R11 (rule 12), while jump tables stay; `int3` follows every `ret` and indirect jump (rule 2).
const FEATURES_ON: [&str; 4] = [
    "retpoline-indirect-calls",
    "retpoline-external-thunk",
    "harden-sls-ret",
    "harden-sls-ijmp",
];
/// Features no clone has: what rule 3 does not allow.
const FEATURES_OFF: [&str; 27] = [
    "avx512f",
    "avx512vl",
    "avx512bw",
    "avx512dq",
    "avx512cd",
    "avx512vnni",
    "avx512bf16",
    "avx512fp16",
    "evex512",
    "avx10.1",
    "avx10.2",
    "avxvnni",
    "amx-tile",
    "amx-int8",
    "amx-bf16",
    "rtm",
    "xop",
    "tbm",
    "fma4",
    "lwp",
    "sse4a",
    "3dnow",
    "mmx",
    "apxf",
    "egpr",
    "ccmp",
    "retpoline-indirect-branches",
];

/// Initialises LLVM for box code; the first call in a process decides.
pub fn initialize_llvm() {
    initialize(&LLVM_OPTIONS);
}

/// The target machine for a box module. At `-O0` it still is the optimising code generator: the fast
/// one selects instructions in ways that were never looked at.
pub fn machine(module: &Module<'_>, options: &Options) -> Result<Machine, LlvmError> {
    initialize_llvm();
    Machine::new(&MachineOptions {
        triple: module.triple(),
        cpu: options.cpu.clone().unwrap_or_else(|| "x86-64".to_owned()),
        features: options.features.clone().unwrap_or_default(),
        level: match options.opt_level {
            0 | 1 => OptLevel::LLVMCodeGenLevelLess,
            2 => OptLevel::LLVMCodeGenLevelDefault,
            _ => OptLevel::LLVMCodeGenLevelAggressive,
        },
        loop_reduce: reduces_loops(options.level),
    })
}

/// Whether code generation itself may pair a base with an induction variable. Masks would be lost on
/// it; where nothing is masked, it finds better addresses than the pass in IR, which LCSSA form makes keep
/// the values of loops that are used behind them in registers of their own.
pub fn reduces_loops(level: Level) -> bool {
    level == Level::Spap
}

/// Sets the attributes that code generation must see, and generates the object.
pub fn run(
    module: &Module<'_>,
    machine: &Machine,
    options: &Options,
) -> Result<Vec<u8>, LlvmError> {
    attributes(module, options);
    machine.emit(module, Emit::Object)
}

/// As [`run`], but assembly text, for tests and for people.
pub fn assembly(
    module: &Module<'_>,
    machine: &Machine,
    options: &Options,
) -> Result<Vec<u8>, LlvmError> {
    attributes(module, options);
    machine.emit(module, Emit::Assembly)
}

/// Does it work on `long double`?
pub fn uses_x87(function: Function) -> bool {
    function.instructions().into_iter().any(on_x87)
}

fn on_x87(i: Value) -> bool {
    let fp80 = |v: Value| v.ty().kind() == TypeKind::LLVMX86_FP80TypeKind;
    fp80(i) || (0..3).filter_map(|n| i.operand(n)).any(fp80)
}

fn attributes(module: &Module<'_>, options: &Options) {
    let context = module.context();
    for function in module.defined_functions() {
        function.add_enum(context, "noredzone");
        function.add_string(context, "frame-pointer", "none");
        function.add_string(context, "no-realign-stack", "");
        function.remove_enum_attribute(Place::Function, "alignstack");
        if uses_x87(function) {
            // Makes LLVM place a `wait` after x87 stores: only then does rule 9 take their slots as written.
            function.add_enum(context, "strictfp");
        }
        if options.strength == Strength::Transient {
            // A table's base in a register does not survive a call (T1).
            function.add_string(context, "no-jump-tables", "true");
        }
        let features = function
            .string_attribute(Place::Function, "target-features")
            .or_else(|| options.features.clone())
            .unwrap_or_default();
        function.add_string(context, "target-features", &box_features(&features));
        if function.alignment() < 16 {
            function.set_alignment(16);
        }
        keep_library_calls(module, function);
        define_undefined(function);
    }
}

/// A function's own features without the forbidden ones, and with ours.
pub fn box_features(own: &str) -> String {
    let forbidden = |f: &str| {
        let name = f.trim_start_matches(['+', '-']);
        f.is_empty()
            || FEATURES_OFF.contains(&name)
            || name.starts_with("avx512")
            || name.starts_with("amx-")
    };
    let mut all: Vec<String> = own
        .split(',')
        .filter(|f| !forbidden(f))
        .map(str::to_owned)
        .collect();
    all.extend(
        FEATURES_OFF
            .iter()
            .filter(|f| known_off(f))
            .map(|f| format!("-{f}")),
    );
    all.extend(FEATURES_ON.iter().map(|f| format!("+{f}")));
    all.join(",")
}

/// Features that a CPU name may imply, so that leaving them out of the list is not enough.
fn known_off(feature: &str) -> bool {
    matches!(
        feature,
        "avx512f"
            | "amx-tile"
            | "avxvnni"
            | "rtm"
            | "xop"
            | "fma4"
            | "tbm"
            | "lwp"
            | "sse4a"
            | "mmx"
    )
}

/// Instruction selection would expand `memcmp(a, b, 4) == 0` and the like inline, after the masks.
fn keep_library_calls(module: &Module<'_>, function: Function) {
    let Some(nobuiltin) = module.context().enum_attribute("nobuiltin", 0) else {
        return;
    };
    for call in function.instructions() {
        if call.is_call()
            && call
                .called_function()
                .is_some_and(|f| f.intrinsic_id() == 0)
            && !call.callee().is_some_and(Value::is_inline_asm)
        {
            call.add_site_attribute(Place::Function, nobuiltin);
        }
    }
}

/// An undefined operand would be whatever register is at hand, also a caller's, which rule 4 lets
/// nobody compute with, or a spill slot that nothing wrote (rule 9). Zero costs next to nothing;
/// only vectors that are being put together keep their undefined elements, which never leave the
/// vector registers.
fn define_undefined(function: Function) {
    for i in function.instructions() {
        let vectors = !matches!(
            i.opcode(),
            Some(Opcode::LLVMInsertElement | Opcode::LLVMShuffleVector)
        );
        for n in 0..i.operand_count() {
            let Some(operand) = i.operand(n) else {
                continue;
            };
            let ty = operand.ty();
            let data = ty.is_int()
                || ty.is_pointer()
                || ty.is_float()
                || (vectors && (ty.is_vector() || ty.is_struct() || ty.is_array()));
            if operand.is_undef() && data {
                i.set_operand(n, operand.ty().null());
            }
        }
    }
}
