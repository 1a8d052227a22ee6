//! Instruments LLVM bitcode: one optimised unit becomes its normal bitcode and its box object.
//!
//! The steps are those of `DESIGN.md`; what they must achieve is the machine contract's, and the
//! verifier checks it on the linked file, so nothing here is trusted.

pub mod abi;
pub mod asm;
pub mod callouts;
pub mod catches;
pub mod cfg;
pub mod codegen;
pub mod computed_goto;
pub mod depth;
pub mod entry;
pub mod expand;
pub mod intrinsics;
pub mod libm;
pub mod llvm;
pub mod long_double;
mod map;
pub mod mask;
pub mod object;
pub mod options;
pub mod post_link;
pub mod prepare;
pub mod record;
pub mod safestack;
pub mod select;
pub mod setjmp;
pub mod split;
pub mod switches;
pub mod tails;
pub mod tls;
mod unit;
pub mod unwind;
mod written;

pub use options::{Level, Options, Scheme, Strength, Unwinding};
pub use record::{FunctionRecord, OutsideRecord, UnitRecord};
pub use unit::{function_names, run, run_keeping_ir};

/// What a unit became.
#[derive(Debug, Clone)]
pub struct Output {
    /// The user's code, with entry stubs and shared symbols.
    pub normal_bitcode: Vec<u8>,
    /// The clones; `None` if there are none.
    pub box_object: Option<Vec<u8>>,
    /// What was done (also in the box object).
    pub record: UnitRecord,
}

/// Why a unit could not be instrumented.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A call into LLVM failed.
    #[error(transparent)]
    Llvm(#[from] llvm::LlvmError),
    /// The box object could not be finished.
    #[error(transparent)]
    Object(#[from] object::ObjectError),
    /// A glob of `-fprivbox-fn` or `-fprivbox-outside` is malformed.
    #[error("`{pattern}` is no valid pattern of function names: {message}")]
    Glob {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        message: String,
    },
    /// An entry function takes `...`.
    #[error(
        "{unit}: `{function}` cannot be an entry function: it is variadic; mark a function with fixed parameters that calls it"
    )]
    VariadicEntry {
        /// Source file.
        unit: String,
        /// The function.
        function: String,
    },
    /// A function that its author marked cannot run in the box.
    #[error(
        "{unit}: `{function}` is marked to run in the box and cannot: {reason}\n\
         help: do that in a function marked PRIVBOX_OUTSIDE, which the box calls, or take the mark away;\n      \
         or accept that it runs outside: -fprivbox-outside={function}"
    )]
    MarkedOutside {
        /// Source file.
        unit: String,
        /// The function.
        function: String,
        /// What it uses that the box has not.
        reason: String,
    },
    /// The target is not x86-64.
    #[error("{unit}: the target is `{triple}`; boxes exist for x86-64 Linux only")]
    Target {
        /// Source file.
        unit: String,
        /// The module's triple.
        triple: String,
    },
    /// A bug of this crate.
    #[error(
        "`{function}`: {what} (a bug of the pass: please report it with the source; -fprivbox-outside={function} avoids it)"
    )]
    Internal {
        /// The function.
        function: String,
        /// What went wrong.
        what: String,
    },
    /// The record could not be written.
    #[error("unit record: {0}")]
    Record(#[from] serde_json::Error),
}
