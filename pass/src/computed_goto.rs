//! Computed gotos: the labels whose addresses the normal code took, as a switch of the clone's.

use crate::llvm::{Function, Opcode};

/// Can the computed gotos of this function, if any, be made switches?
pub fn check(function: Function) -> Result<(), String> {
    let computed = function.instructions().iter().any(|i| i.opcode() == Some(Opcode::LLVMIndirectBr));
    if computed { Err("a computed goto".into()) } else { Ok(()) }
}
