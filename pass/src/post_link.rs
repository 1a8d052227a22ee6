//! Bitcode as rustc leaves it for a linker: half optimised, waiting for the other half.
//!
//! With `-C linker-plugin-lto`, and in the bitcode that the standard library carries, rustc has run LLVM's
//! "pre-link" pipeline. What is left (vectorisation, unrolling, late inlining) is the same pipeline's
//! "post-link" part; together they do what rustc does without a linker plugin.

use crate::llvm::{Builder, Context, Function, Linkage, Module, Place, TailCallKind, Visibility};
use crate::{Error, Options, codegen};

/// How far rustc was told to optimise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Effort {
    /// `opt-level=0`
    None,
    /// `opt-level=1`
    Less,
    /// `opt-level=2`
    Default,
    /// `opt-level=3`
    #[default]
    Aggressive,
    /// `opt-level="s"`
    Size,
    /// `opt-level="z"`
    SizeMin,
}

impl Effort {
    /// The level of the code generator.
    pub fn codegen(self) -> u8 {
        match self {
            Effort::None => 0,
            Effort::Less => 1,
            Effort::Default | Effort::Size | Effort::SizeMin => 2,
            Effort::Aggressive => 3,
        }
    }

    fn pipeline(self) -> Option<&'static str> {
        match self {
            Effort::None => None,
            Effort::Less => Some("thinlto<O1>"),
            Effort::Default => Some("thinlto<O2>"),
            Effort::Aggressive => Some("thinlto<O3>"),
            Effort::Size => Some("thinlto<Os>"),
            Effort::SizeMin => Some("thinlto<Oz>"),
        }
    }
}

/// What to do with a unit.
pub struct Plan<'a> {
    /// How far to optimise.
    pub effort: Effort,
    /// Functions, by symbol, that must stay what they are: not inlined, not copied under other names.
    pub keep: &'a dyn Fn(&str) -> bool,
    /// Functions, by symbol, that another one of the same type stands for.
    pub forward: &'a dyn Fn(&str) -> Option<&'static str>,
    /// The only functions that other units may see.
    pub public: Option<&'a [&'a str]>,
}

/// Finishes the optimisation.
pub fn optimise(bitcode: &[u8], plan: &Plan<'_>, options: &Options) -> Result<Vec<u8>, Error> {
    let context = Context::new();
    let module = Module::parse(&context, bitcode, &options.unit)?;
    for function in module.defined_functions() {
        if function.linkage() == Linkage::LLVMAvailableExternallyLinkage {
            continue;
        }
        let name = function.name();
        if (plan.keep)(&name) {
            keep_whole(&context, function);
        }
        if let Some(target) = (plan.forward)(&name) {
            forward(&module, function, target);
        }
    }
    let machine = codegen::machine(&module, options)?;
    if let Some(names) = plan.public {
        let list: Vec<String> = names.iter().map(|n| format!("preserve-gv={n}")).collect();
        module.run_passes(&format!("internalize<{}>", list.join(";")), &machine)?;
    }
    if let Some(pipeline) = plan.effort.pipeline() {
        module.run_passes(pipeline, &machine)?;
    }
    Ok(module.to_bitcode())
}

fn keep_whole(context: &Context, function: Function) {
    function.remove_enum_attribute(Place::Function, "alwaysinline");
    function.add_enum(context, "noinline");
    function.add_enum(context, "noduplicate");
}

/// `function` does nothing but call `target`, which has its type.
fn forward(module: &Module<'_>, function: Function, target: &str) {
    let ty = function.function_type();
    let target = module.declare(target, ty);
    target.set_visibility(Visibility::LLVMHiddenVisibility);
    function.delete_body();
    let context = module.context();
    let builder = Builder::new(context);
    builder.at_end(function.append_block(context, "entry"));
    let call = builder.call(ty, target.value(), &function.params());
    call.set_tail_kind(TailCallKind::LLVMTailCallKindMustTail);
    call.set_site_call_conv(function.call_conv());
    target.set_call_conv(function.call_conv());
    target.add_enum(context, "nounwind");
    let value = ty.result().is_some_and(|result| !result.is_void());
    builder.ret(value.then_some(call));
}
