//! Values and locals of a body that can be entered in its middle.
//!
//! An edge from the body's head to the return of each `setjmp` would break every value that is computed
//! before and used behind it. So all values that cross blocks become local variables; those that
//! somebody may read behind a `setjmp` without writing them first move to the frame with all locals whose
//! address is used, and LLVM makes values of the others again.

use super::frame::Frame;
use crate::llvm::{Block, Builder, Function, Module, Opcode, Value};
use std::collections::{BTreeMap, HashMap};

/// Turns phis, and values used outside of their block, into local variables of `head`.
pub fn cross_block_values(module: &Module<'_>, body: Function, head: Block) {
    let builder = Builder::new(module.context());
    let variable = |value: Value| {
        builder.at_end(head);
        builder.set_location(None);
        let variable = builder.alloca(value.ty());
        variable.set_name(&format!("{}.slot", value.name()));
        variable
    };
    let inside: Vec<Block> = body.blocks().into_iter().filter(|b| *b != head).collect();
    for block in &inside {
        for phi in block.phis() {
            let slot = variable(phi);
            let mut stored = Vec::new();
            for (value, from) in phi.incoming() {
                if let Some(end) = from.terminator()
                    && !stored.contains(&from)
                {
                    stored.push(from);
                    builder.before(end);
                    builder.store(value, slot);
                }
            }
            if let Some(first) = block.first_non_phi() {
                builder.before(first);
                let value = builder.load(phi.ty(), slot);
                value.set_name(&phi.name());
                phi.replace_all_uses_with(value);
                phi.erase();
            }
        }
    }
    for block in &inside {
        for value in block.instructions() {
            if value.ty().is_void() || value.is_alloca() {
                continue;
            }
            let mut elsewhere = value.users();
            elsewhere.retain(|u| u.is_instruction() && u.parent() != Some(*block));
            elsewhere.sort_unstable();
            elsewhere.dedup();
            let Some(next) = value.next().filter(|_| !elsewhere.is_empty()) else {
                continue;
            };
            let slot = variable(value);
            builder.before(next);
            builder.store(value, slot);
            for user in elsewhere {
                builder.before(user);
                let again = builder.load(value.ty(), slot);
                for n in 0..user.operand_count() {
                    if user.operand(n) == Some(value) {
                        user.set_operand(n, again);
                    }
                }
            }
        }
    }
}

/// Moves the locals that must survive a jump to the frame, and the others to `head`.
pub fn to_frame(
    module: &Module<'_>,
    body: Function,
    head: Block,
    sites: &[Block],
    always_set: Value,
    frame: &mut Frame<'_, '_>,
) {
    let context = module.context();
    let layout = module.layout();
    let builder = Builder::new(context);
    let mut locals = body.instructions();
    locals.retain(|i| i.is_alloca() && *i != always_set);
    for local in &locals {
        for user in local.users() {
            let marker = |name: String| name.starts_with("llvm.lifetime");
            if user.intrinsic().is_some_and(marker) {
                user.erase();
            }
        }
    }
    let survivors = survivors(module, body, sites, &locals);
    for (local, survives) in locals.into_iter().zip(survivors) {
        let Some(ty) = local.allocated_type() else {
            continue;
        };
        let count = local.operand(0).and_then(Value::const_u64).unwrap_or(1);
        let align = local.alignment().max(layout.abi_align(ty));
        if survives {
            let size = layout.abi_size(ty).saturating_mul(count);
            let place = frame.room(size, u64::from(align));
            place.pointer.set_name(&local.name());
            local.replace_all_uses_with(place.pointer);
            local.erase();
        } else if local.parent() != Some(head) {
            builder.at_end(head);
            builder.set_location(None);
            let ty = if count == 1 { ty } else { ty.array(count) };
            let moved = builder.alloca(ty);
            moved.set_alignment(align);
            moved.set_name(&local.name());
            local.replace_all_uses_with(moved);
            local.erase();
        }
    }
}

/// Of each local: may what was written before a jump be read after it?
fn survivors(module: &Module<'_>, body: Function, sites: &[Block], locals: &[Value]) -> Vec<bool> {
    let words = locals.len().div_ceil(64);
    let number: HashMap<Value, usize> = locals.iter().enumerate().map(|(n, l)| (*l, n)).collect();
    let mut survives: Vec<bool> = locals.iter().map(|l| !plain(module, *l)).collect();
    let blocks = body.blocks();
    // Per block: read before written; written first; needed at its start.
    let mut reads = BTreeMap::new();
    let mut writes = BTreeMap::new();
    for block in &blocks {
        let (mut read, mut written) = (vec![0u64; words], vec![0u64; words]);
        for i in block.instructions() {
            let (pointer, load) = match i.opcode() {
                Some(Opcode::LLVMLoad) => (i.operand(0), true),
                Some(Opcode::LLVMStore) => (i.operand(1), false),
                _ => continue,
            };
            if let Some(&n) = pointer.and_then(|p| number.get(&p)) {
                let bit = 1u64 << (n % 64);
                if !load {
                    written[n / 64] |= bit;
                } else if written[n / 64] & bit == 0 {
                    read[n / 64] |= bit;
                }
            }
        }
        reads.insert(*block, read);
        writes.insert(*block, written);
    }
    let mut needed = reads.clone();
    let mut changed = true;
    while changed {
        changed = false;
        for block in blocks.iter().rev() {
            for next in block.successors() {
                for w in 0..words {
                    let more = needed[&next][w] & !writes[block][w];
                    if let Some(own) = needed.get_mut(block)
                        && own[w] | more != own[w]
                    {
                        own[w] |= more;
                        changed = true;
                    }
                }
            }
        }
    }
    for site in sites {
        for (n, survives) in survives.iter_mut().enumerate() {
            *survives |= needed[site][n / 64] >> (n % 64) & 1 == 1;
        }
    }
    survives
}

/// Is the local only read, and written as a whole?
fn plain(module: &Module<'_>, local: Value) -> bool {
    let layout = module.layout();
    let one = local.operand(0).and_then(Value::const_u64) == Some(1);
    let size = local.allocated_type().map(|ty| layout.store_size(ty));
    let whole = |value: Value| Some(layout.store_size(value.ty())) == size;
    one && local.users().iter().all(|user| match user.opcode() {
        Some(Opcode::LLVMLoad) => whole(*user),
        Some(Opcode::LLVMStore) => user.operand(0).is_some_and(|v| v != local && whole(v)),
        _ => false,
    })
}
