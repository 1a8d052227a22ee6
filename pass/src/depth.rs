//! The stack-depth test (contract, rule 13).
//!
//! A function that executes any call tests bit 21 of RSP on every path to it, after its prologue:
//! `testl $0x200000, %esp; je <ud2>`. The test sits in the nearest common dominator of all calls,
//! outside loops; tail calls are no calls (`tails.rs`). Its memory operand, which nothing reads, keeps
//! LLVM's shrink-wrapping from moving the prologue below it.

use crate::cfg::{Cfg, Node};
use crate::codegen;
use crate::llvm::{Block, Builder, Function, IntPredicate, Module, Opcode, Place, Value};
use crate::tails;

/// `testl` with the bit of `docs/box-abi.md`, "Stack depth".
const TEST: &str = "testl $$0x200000, %esp";

const CLOBBERS: &str = "={@ccz},*m,~{dirflag},~{fpsr},~{flags}";

/// Where a `long double` is about: one that lived in a register would have to be popped on the way to the `ud2`,
/// which must come at once.
const X87_CLOBBERS: &str = "={@ccz},*m,~{dirflag},~{fpsr},~{flags},~{st},~{st(1)},~{st(2)},~{st(3)},~{st(4)},~{st(5)},~{st(6)},~{st(7)}";

/// Puts the test into every function that needs one. `sure`: tail calls too count as calls.
pub fn run(module: &Module<'_>, sure: bool) {
    for function in module.defined_functions() {
        place(module, function, sure);
    }
}

fn place(module: &Module<'_>, function: Function, sure: bool) -> Option<()> {
    let tails = !sure && tails::are_jumps(function);
    if tails {
        tails::return_at_once(module, function);
    }
    let cfg = Cfg::new(function)?;
    let calls = |i: &Value| may_call(*i) && !(tails && tails::becomes_jump(function, *i));
    let mut common: Option<Node> = None;
    for &node in &cfg.order {
        if cfg.blocks[node].instructions().iter().any(calls) {
            common = Some(common.map_or(node, |c| cfg.common_dominator(c, node)));
        }
    }
    let mut node = common?;
    while cfg.loop_of[node].is_some() {
        match cfg.immediate_dominator(node) {
            Some(up) => node = up,
            None => break,
        }
    }
    let block = cfg.blocks[node];
    // As late as the calls allow: before the first one in the block.
    let at = block
        .instructions()
        .into_iter()
        .find(calls)
        .or_else(|| block.terminator())?;
    let constraints = if codegen::uses_x87(function) {
        X87_CLOBBERS
    } else {
        CLOBBERS
    };
    insert(module, block, at, trap(module, function, at), constraints)
}

/// The block of the `ud2`.
fn trap(module: &Module<'_>, function: Function, at: Value) -> Block {
    let context = module.context();
    let builder = Builder::new(context);
    let deep = function.append_block(context, "too.deep");
    builder.at_end(deep);
    builder.set_location(at.location());
    if let Some((trap, ty)) = module.intrinsic("llvm.trap", &[]) {
        builder.call(ty, trap.value(), &[]);
    }
    builder.unreachable();
    deep
}

fn insert(
    module: &Module<'_>,
    block: Block,
    at: Value,
    deep: Block,
    constraints: &str,
) -> Option<()> {
    let context = module.context();
    let builder = Builder::new(context);
    let location = at.location();
    let rest = block.split_before(context, at, "deep.enough");

    builder.at_end(block);
    builder.set_location(location);
    // A place in the frame that costs none: the slot of the return address.
    let (slot, slot_type) = module.intrinsic("llvm.addressofreturnaddress", &[context.ptr()])?;
    let anchor = builder.call(slot_type, slot.value(), &[]);
    let ty = context.i8().function(&[context.ptr()], false);
    let asm = context.inline_asm(ty, TEST, constraints, true);
    let zero = builder.call(ty, asm, &[anchor]);
    // Convergent: LLVM would copy the test into predecessors.
    if let Some(convergent) = context.enum_attribute("convergent", 0) {
        zero.add_site_attribute(Place::Function, convergent);
    }
    if let Some(element) = context.type_attribute("elementtype", context.i64()) {
        zero.add_site_attribute(Place::Param(0), element);
    }
    let too_deep = builder.icmp(IntPredicate::LLVMIntNE, zero, context.i8().null());
    let branch = builder.cond_br(too_deep, deep, rest);
    let weights = context.metadata_node(&[
        context.metadata_string("branch_weights"),
        context.i32().constant(1).as_metadata(),
        context.i32().constant(1 << 20).as_metadata(),
    ]);
    branch.set_metadata(
        context.metadata_kind("prof"),
        Some(context.metadata_value(weights)),
    );
    Some(())
}

/// May code generation emit a call for it? In doubt, yes: a test too many costs two instructions, a
/// test too few is a finding.
fn may_call(i: Value) -> bool {
    match i.opcode() {
        Some(Opcode::LLVMCall | Opcode::LLVMInvoke | Opcode::LLVMCallBr) => match i.intrinsic() {
            Some(name) => !intrinsic_stays_inline(i, &name),
            None => !i.callee().is_some_and(Value::is_inline_asm),
        },
        // 128-bit division, x87 and half-precision arithmetic, conversions: libgcc's names.
        Some(Opcode::LLVMUDiv | Opcode::LLVMSDiv | Opcode::LLVMURem | Opcode::LLVMSRem) => {
            i.ty().int_width() > 64
        }
        Some(Opcode::LLVMFRem) => true,
        Some(
            Opcode::LLVMFPToSI
            | Opcode::LLVMFPToUI
            | Opcode::LLVMSIToFP
            | Opcode::LLVMUIToFP
            | Opcode::LLVMFPTrunc
            | Opcode::LLVMFPExt,
        ) => uncommon(i) || i.operand(0).is_some_and(uncommon),
        Some(
            Opcode::LLVMFAdd
            | Opcode::LLVMFSub
            | Opcode::LLVMFMul
            | Opcode::LLVMFDiv
            | Opcode::LLVMFCmp,
        ) => i.operand(0).is_some_and(uncommon),
        Some(Opcode::LLVMAtomicRMW | Opcode::LLVMAtomicCmpXchg) => true,
        Some(Opcode::LLVMLoad | Opcode::LLVMStore) => {
            i.ty().int_width() > 64 || i.operand(0).is_some_and(|v| v.ty().int_width() > 64)
        }
        _ => false,
    }
}

/// Scalars that are neither integers up to 64 bits nor float, double or x87.
fn uncommon(value: Value) -> bool {
    use crate::llvm::TypeKind::*;
    let ty = value.ty();
    let scalar = ty.element().unwrap_or(ty);
    match scalar.kind() {
        LLVMFloatTypeKind | LLVMDoubleTypeKind | LLVMX86_FP80TypeKind => false,
        LLVMIntegerTypeKind => scalar.int_width() > 64,
        _ => true,
    }
}

fn intrinsic_stays_inline(call: Value, name: &str) -> bool {
    const INLINE: [&str; 34] = [
        "dbg.",
        "lifetime.",
        "invariant.",
        "launder.",
        "strip.",
        "ptrmask",
        "threadlocal.address",
        "bswap",
        "ctpop",
        "ctlz",
        "cttz",
        "bitreverse",
        "fshl",
        "fshr",
        "abs.",
        "smax",
        "smin",
        "umax",
        "umin",
        "sadd.",
        "ssub.",
        "uadd.",
        "usub.",
        "umul.with.overflow.i8",
        "umul.with.overflow.i32",
        "umul.with.overflow.i64",
        "smul.with.overflow.i32",
        "smul.with.overflow.i64",
        "expect",
        "is.constant",
        "trap",
        "x86.",
        "vector.reduce.",
        "masked.",
    ];
    const MORE: [&str; 9] = [
        "sqrt.f32",
        "sqrt.f64",
        "fabs.f",
        "copysign.f32",
        "copysign.f64",
        "fmuladd.f32",
        "fmuladd.f64",
        "returnaddress",
        "frameaddress",
    ];
    let Some(rest) = name.strip_prefix("llvm.") else {
        return false;
    };
    if rest.starts_with("mem") {
        // The threshold of inline expansion is larger; small sizes never become calls.
        return call
            .operand(2)
            .and_then(Value::const_u64)
            .is_some_and(|n| n <= 32);
    }
    INLINE
        .iter()
        .chain(MORE.iter())
        .any(|p| rest.starts_with(p))
}
