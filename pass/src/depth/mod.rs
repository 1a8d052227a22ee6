//! The stack-depth test (contract, rule 13).
//!
//! A function that makes certain calls tests bit 21 of RSP on every path to them, after its prologue:
//! `testl $0x200000, %esp; je <ud2>`. Which calls those are, `plan.rs` decides: those that lead anywhere, and some of every
//! cycle and of every chain that could go deeper than the rule allows without a test. Tail calls are no calls
//! (`tails.rs`). The test's memory operand, which nothing reads, keeps LLVM's shrink-wrapping from moving the prologue below it.

mod calls;
mod place;
mod plan;

use crate::cfg::Cfg;
use crate::codegen;
use crate::llvm::{Block, Builder, Function, IntPredicate, Module, Place, Value};
use crate::tails;
use calls::Callees;
use plan::{Body, Call};

pub use calls::is_shallow;
pub use plan::LIBRARY;

/// `testl` with the bit of `docs/box-abi.md`, "Stack depth".
const TEST: &str = "testl $$0x200000, %esp";

const CLOBBERS: &str = "={@ccz},*m,~{dirflag},~{fpsr},~{flags}";

/// Where a `long double` is about: one that lived in a register would have to be popped on the way to the `ud2`,
/// which must come at once.
const X87_CLOBBERS: &str = "={@ccz},*m,~{dirflag},~{fpsr},~{flags},~{st},~{st(1)},~{st(2)},~{st(3)},~{st(4)},~{st(5)},~{st(6)},~{st(7)}";

/// Puts tests into the functions that need some. `sure`: before every call, and tail calls too count as calls.
pub fn run(module: &Module<'_>, sure: bool) {
    let mut functions = module.defined_functions();
    functions.retain(|f| f.entry().is_some());
    let callees = Callees::new(module, &functions);
    let mut bodies: Vec<Body> = functions
        .iter()
        .filter_map(|f| body(module, &callees, *f, sure))
        .collect();
    if !sure {
        plan::decide(&mut bodies);
    }
    for body in &bodies {
        let constraints = if codegen::uses_x87(body.function) {
            X87_CLOBBERS
        } else {
            CLOBBERS
        };
        for &(node, before) in &place::places(body) {
            let block = body.cfg.blocks[node];
            let Some(at) = before.or_else(|| block.terminator()) else {
                continue;
            };
            // The block that a former test split off, if it is the same one.
            let Some(block) = at.parent() else { continue };
            // One each: from one of two tests, the way to the same `ud2` could need a jump, and it must come at once.
            let deep = trap(module, body.function, at);
            insert(module, block, at, deep, constraints);
        }
    }
}

/// What there is to know of a function.
fn body(module: &Module<'_>, callees: &Callees, function: Function, sure: bool) -> Option<Body> {
    // Callers in other units count on little.
    let sure = sure || is_shallow(&function.name());
    let tails = !sure && tails::are_jumps(function);
    if tails {
        tails::return_at_once(module, function);
    }
    let cfg = Cfg::new(function)?;
    let profile = module.context().metadata_kind("prof");
    let frequency = cfg.frequencies(|b| {
        b.terminator()
            .map(|t| t.branch_weights(profile))
            .unwrap_or_default()
    });
    let mut calls = Vec::new();
    let (mut size, mut locals) = (0, 0);
    let layout = module.layout();
    for &node in &cfg.order {
        for i in cfg.blocks[node].instructions() {
            size += 1;
            if let Some(ty) = i.allocated_type() {
                let count = i.operand(0).and_then(Value::const_u64).unwrap_or(1);
                locals += layout.abi_size(ty).saturating_mul(count);
            }
            let Some(callee) = callees.of(i) else {
                continue;
            };
            calls.push(Call {
                node,
                value: i,
                callee,
                jump: tails && tails::becomes_jump(function, i),
                tested: sure,
            });
        }
    }
    Some(Body {
        function,
        cfg,
        frequency,
        calls,
        size,
        locals,
        sure,
    })
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
