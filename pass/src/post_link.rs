//! Bitcode as rustc leaves it for a linker: half optimised, waiting for the other half.
//!
//! With `-C linker-plugin-lto`, and in the bitcode that the standard library carries, rustc has run LLVM's
//! "pre-link" pipeline. What is left (vectorisation, unrolling, late inlining) is the same pipeline's
//! "post-link" part; together they do what rustc does without a linker plugin.

use crate::llvm::{Context, Function, Linkage, Module};
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

/// Finishes the optimisation. `keep` tells which functions, by symbol, must stay what they are:
/// not inlined, not copied under other names.
pub fn optimise(
    bitcode: &[u8],
    effort: Effort,
    options: &Options,
    keep: &dyn Fn(&str) -> bool,
) -> Result<Vec<u8>, Error> {
    let context = Context::new();
    let module = Module::parse(&context, bitcode, &options.unit)?;
    for function in module.defined_functions() {
        if function.linkage() != Linkage::LLVMAvailableExternallyLinkage && keep(&function.name()) {
            keep_whole(&context, function);
        }
    }
    if let Some(pipeline) = effort.pipeline() {
        let machine = codegen::machine(&module, options)?;
        module.run_passes(pipeline, &machine)?;
    }
    Ok(module.to_bitcode())
}

fn keep_whole(context: &Context, function: Function) {
    function.remove_enum_attribute(crate::llvm::Place::Function, "alwaysinline");
    function.add_enum(context, "noinline");
    function.add_enum(context, "noduplicate");
}
