//! The box convention (docs/box-abi.md): signatures, definitions, calls, call-outs.

pub mod callblock;
pub mod calls;
pub mod clones;
pub mod params;
pub mod signature;
pub mod variadic;

/// The attributes of a function or call that a change of convention makes untrue: the clone reads
/// its spill block, stores to the va area, may leave the box.
pub const DROPPED: &[&str] = &[
    "memory",
    "willreturn",
    "nofree",
    "nosync",
    "speculatable",
    "norecurse",
    "nocallback",
    "allocsize",
    "allockind",
    "builtin",
    "nobuiltin",
    "nomerge",
    "noinline",
    "alwaysinline",
    "optnone",
    "minsize",
    "optsize",
    "naked",
    "safestack",
    "ssp",
    "sspreq",
    "sspstrong",
    "convergent",
    "mustprogress",
    "jumptable",
    "presplitcoroutine",
    "null_pointer_is_valid",
    "sanitize_address",
    "sanitize_memory",
    "sanitize_thread",
    "sanitize_hwaddress",
    "sanitize_memtag",
    "shadowcallstack",
    "nocf_check",
    "fn_ret_thunk_extern",
    "hybrid_patchable",
];

/// String attributes that ask the code generator for what the box does without.
pub const DROPPED_STRINGS: &[&str] = &[
    "alloc-family",
    "probe-stack",
    "stack-probe-size",
    "patchable-function",
    "patchable-function-entry",
    "patchable-function-prefix",
    "xray-instruction-threshold",
    "function-instrument",
    "fentry-call",
    "mcount",
    "instrument-function-entry-inlined",
    "instrument-function-exit-inlined",
    "instrument-function-entry",
    "instrument-function-exit",
    "split-stack",
    "indirect-tls-seg-refs",
    "zero-call-used-regs",
    "stackrealign",
    "modular-format",
];
