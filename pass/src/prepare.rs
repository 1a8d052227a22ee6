//! What must happen to the clones before masks are placed.
//!
//! A mask is proved from machine code, so nothing may stand between it and the access that LLVM can
//! take away later. Three kinds of things are removed here: attributes that make code generation
//! emit accesses of its own (stack protectors, probes), *promises* that let it drop an `and` or
//! choose a sign extension (the verifier believes data flow only, contract rule 5), and operations
//! that code generation would expand into accesses after the masks (gathers, LSR's pairs; memcmp even earlier,
//! [`compare_in_place`]).

use crate::codegen::reduces_loops;
use crate::expand;
use crate::llvm::{Builder, Function, LlvmError, Machine, Module, Opcode, Place, Value};
use crate::options::Options;
use crate::tails;

/// Attributes of functions that a clone must not have.
const DROPPED: [&str; 8] = [
    "optnone",
    "ssp",
    "sspreq",
    "sspstrong",
    "safestack",
    "minsize",
    "nocf_check",
    "speculative_load_hardening",
];
/// String attributes that a clone must not have.
const DROPPED_STRINGS: [&str; 9] = [
    "probe-stack",
    "stack-probe-size",
    "stack-protector-buffer-size",
    "patchable-function",
    "patchable-function-entry",
    "patchable-function-prefix",
    "fentry-call",
    "instrument-function-entry-inlined",
    "function-instrument",
];

/// Compares memory of a known size in place, as code generation would do after the masks.
///
/// Before any call is rewritten: LLVM knows `memcmp` by its name, which `NAME.privbox` is not.
pub fn compare_in_place(module: &Module<'_>, machine: &Machine) -> Result<(), LlvmError> {
    module.run_passes("function(mergeicmps,expand-memcmp)", machine)
}

/// Prepares every function with a body.
pub fn run(module: &Module<'_>, machine: &Machine, options: &Options) -> Result<(), LlvmError> {
    let mut unoptimised = options.opt_level == 0;
    for function in module.defined_functions() {
        unoptimised |= function
            .enum_attribute(Place::Function, "optnone")
            .is_some();
        clean_attributes(module, function);
        drop_facts(module, function);
    }
    for function in module.defined_functions() {
        lower_load_relative(module, function);
    }
    if unoptimised {
        // A clone is never stepped through in a debugger's sense; accesses to locals that stay in
        // memory would each need a proof.
        module.run_passes(
            "function(sroa,early-cse,simplifycfg,instcombine<no-verify-fixpoint>,simplifycfg)",
            machine,
        )?;
    }
    // Code generation would do the same two after the masks. loop-reduce pairs a base with an
    // induction variable in ways that no single mask covers; in IR the masks see its result.
    let loops = if reduces_loops(options.level) {
        ""
    } else {
        "loop(loop-reduce),"
    };
    let passes = format!("function(scalarize-masked-mem-intrin,{loops}early-cse)");
    module.run_passes(&passes, machine)?;
    expand::run(module);
    for function in module.defined_functions() {
        drop_facts(module, function);
    }
    Ok(())
}

fn clean_attributes(module: &Module<'_>, function: Function) {
    for name in DROPPED {
        function.remove_enum_attribute(Place::Function, name);
    }
    for name in DROPPED_STRINGS {
        function.remove_string_attribute(Place::Function, name);
    }
    // The caller's extension of a narrow argument is a promise too. The call sites keep theirs.
    for index in 0..function.params().len() {
        let place = Place::Param(index as u32);
        function.remove_enum_attribute(place, "zeroext");
        function.remove_enum_attribute(place, "range");
    }
    function.remove_enum_attribute(Place::Result, "range");
    // Gathers and scatters are not on the allow-list (rule 3); with these tunings LLVM's
    // scalarisation pass does not consider them legal.
    let mut features = function
        .string_attribute(Place::Function, "target-features")
        .unwrap_or_default();
    if !features.contains("+prefer-no-gather") {
        if !features.is_empty() {
            features.push(',');
        }
        features.push_str("+prefer-no-gather,+prefer-no-scatter");
        function.add_string(module.context(), "target-features", &features);
    }
}

/// Drops what tells LLVM more about a value than its data flow does.
fn drop_facts(module: &Module<'_>, function: Function) {
    let range = module.context().metadata_kind("range");
    for i in function.instructions() {
        i.drop_promises();
        match i.opcode() {
            Some(Opcode::LLVMLoad) => i.set_metadata(range, None),
            Some(Opcode::LLVMCall | Opcode::LLVMInvoke) => {
                i.set_metadata(range, None);
                i.remove_site_attribute(Place::Result, "range");
                // Nobody but the caller looks at what is returned at once; without it there is no tail call.
                if !tails::is_last(i) {
                    i.remove_site_attribute(Place::Result, "zeroext");
                }
                if let Some(name) = i.intrinsic() {
                    let dead = name.starts_with("llvm.assume")
                        || name.starts_with("llvm.experimental.noalias.scope.decl");
                    if dead {
                        i.erase();
                    }
                }
            }
            _ => {}
        }
    }
}

/// `llvm.load.relative` becomes what it does: code generation would emit its load unmasked.
fn lower_load_relative(module: &Module<'_>, function: Function) {
    let context = module.context();
    let builder = Builder::new(context);
    for call in function.instructions() {
        if !call
            .intrinsic()
            .is_some_and(|n| n.starts_with("llvm.load.relative"))
        {
            continue;
        }
        let (Some(base), Some(offset)) = (call.operand(0), call.operand(1)) else {
            continue;
        };
        builder.before(call);
        let entry = builder.gep(context.i8(), base, &[offset]);
        let distance = builder.load(context.i32(), entry);
        distance.set_alignment(4);
        let distance = builder.sext(distance, context.i64());
        let target: Value = builder.gep(context.i8(), base, &[distance]);
        call.replace_all_uses_with(target);
        call.erase();
    }
}
