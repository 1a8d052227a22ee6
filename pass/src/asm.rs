//! Inline assembly: what is understood runs in the box, the rest keeps its function outside.

use crate::llvm::{Function, Module, Value};

/// Is this assembly understood? The error is the reason for the record.
pub fn check(call: Value) -> Result<(), String> {
    let (text, _) = call.callee().and_then(Value::inline_asm).ok_or("inline assembly is not understood")?;
    if text.trim().is_empty() { Ok(()) } else { Err("inline assembly is not understood".into()) }
}

/// Rewrites the assembly of a clone that needs it.
pub fn rewrite(_module: &Module<'_>, _clone: Function) {}
