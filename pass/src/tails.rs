//! Calls at the ends of functions, which code generation makes jumps of.
//!
//! A jump executes no call, so it needs no test of the depth (contract, rule 13), and a function that only
//! jumps needs no frame. What is said to become a jump here must become one: box convention has no
//! arguments on the stack, so LLVM's other conditions are checked.

use crate::llvm::{Block, Builder, Function, Module, Opcode, Place, TailCallKind, TypeKind, Value};

/// Parameters of these kinds keep LLVM from jumping.
const IN_MEMORY: [&str; 7] = [
    "sret",
    "byval",
    "inalloca",
    "preallocated",
    "swiftself",
    "swiftasync",
    "swifterror",
];

/// Does code generation make jumps of this function's tail calls at all?
pub fn are_jumps(function: Function) -> bool {
    function
        .string_attribute(Place::Function, "disable-tail-calls")
        .is_none_or(|v| v != "true")
        && (0..function.params().len() as u32).all(|n| {
            IN_MEMORY
                .iter()
                .all(|name| function.enum_attribute(Place::Param(n), name).is_none())
        })
}

/// Is it certain that code generation makes a jump of this call, in a function of [`are_jumps`]? In doubt, no.
pub fn becomes_jump(function: Function, call: Value) -> bool {
    let Some(end) = call
        .next()
        .filter(|n| n.opcode() == Some(Opcode::LLVMRet) && returned(call, n.operand(0)))
    else {
        return false;
    };
    // Extensions that one promises and the other does not make are work after the call.
    let same_extension = end.operand(0).is_none()
        || ["zeroext", "signext", "inreg"].iter().all(|name| {
            function.enum_attribute(Place::Result, name).is_some()
                == call.site_attribute(Place::Result, name).is_some()
        });
    same_extension
        && is_plain(call)
        && call.site_call_conv() == function.call_conv()
        && call.bundles().is_empty()
        && call.called_type().is_some_and(|t| !t.is_variadic())
}

/// A call that may be a tail call as far as it is concerned itself.
fn is_plain(call: Value) -> bool {
    call.opcode() == Some(Opcode::LLVMCall)
        && call.intrinsic().is_none()
        && !call.callee().is_some_and(Value::is_inline_asm)
        && matches!(
            call.tail_kind(),
            TailCallKind::LLVMTailCallKindTail | TailCallKind::LLVMTailCallKindMustTail
        )
        && (0..call.arg_count()).all(|n| {
            IN_MEMORY
                .iter()
                .all(|name| call.site_attribute(Place::Param(n), name).is_none())
        })
}

/// Is `value` (nothing, in a void function) what the call returned?
fn returned(call: Value, value: Option<Value>) -> bool {
    match value {
        Some(value) => value == call,
        // A result on the x87 stack would have to be popped.
        None => {
            call.ty().is_int()
                || matches!(
                    call.ty().kind(),
                    TypeKind::LLVMVoidTypeKind | TypeKind::LLVMPointerTypeKind
                )
        }
    }
}

/// Does nothing happen between the call and the return of its result?
pub fn is_last(call: Value) -> bool {
    match call.next() {
        Some(n) if n.opcode() == Some(Opcode::LLVMRet) => returned(call, n.operand(0)),
        Some(n) => merged(call, n).is_some(),
        None => false,
    }
}

/// The block that only returns, to which `branch` goes after the call.
fn merged(call: Value, branch: Value) -> Option<Block> {
    if branch.opcode() != Some(Opcode::LLVMBr) || branch.is_conditional_branch() {
        return None;
    }
    let to = *branch.successors().first()?;
    let first = to.first()?;
    let end = if first.is_phi() { first.next()? } else { first };
    if end.opcode() != Some(Opcode::LLVMRet) {
        return None;
    }
    let value = match end.operand(0) {
        Some(value) if first.is_phi() && value == first => {
            let from = call.parent()?;
            let mut incoming = first.incoming().into_iter();
            Some(incoming.find(|(_, block)| *block == from)?.0)
        }
        None if !first.is_phi() => None,
        _ => return None,
    };
    returned(call, value).then_some(to)
}

/// Tail calls that share their `ret` with other ways through the function get one each.
pub fn return_at_once(module: &Module<'_>, function: Function) {
    let builder = Builder::new(module.context());
    for block in function.blocks() {
        let Some(branch) = block.terminator() else {
            continue;
        };
        let Some(call) = branch.previous().filter(|c| is_plain(*c)) else {
            continue;
        };
        let Some(to) = merged(call, branch) else {
            continue;
        };
        builder.before(branch);
        builder.set_location(branch.location());
        match to.first().filter(|f| f.is_phi()) {
            Some(phi) => {
                leave(&builder, phi, block);
                builder.before(branch);
                builder.ret(Some(call));
            }
            None => {
                builder.ret(None);
            }
        }
        branch.erase();
    }
}

/// The phi without what came from `block`. (The C API cannot remove an entry.)
fn leave(builder: &Builder<'_>, phi: Value, block: Block) {
    let rest: Vec<(Value, Block)> = phi
        .incoming()
        .into_iter()
        .filter(|(_, from)| *from != block)
        .collect();
    builder.before(phi);
    let new = if rest.is_empty() {
        phi.ty().null() // nobody comes here any more
    } else {
        let new = builder.phi(phi.ty());
        for (value, from) in rest {
            new.add_incoming(value, from);
        }
        new
    };
    phi.replace_all_uses_with(new);
    phi.erase();
}
