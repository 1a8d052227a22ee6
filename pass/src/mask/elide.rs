//! Masks at level `mask` and `pks`: one for each base, as few as the rules allow.
//!
//! Accesses are grouped by the base of their addresses. Bases that are no phis are masked where their
//! accesses' blocks have a cheap common dominator (`place.rs`); phis are left to `webs.rs`, which
//! masks what flows into them where that is cheaper.

use super::Work;
use super::address::{Address, Place};
use super::{place, webs};
use crate::cfg::Node;
use crate::llvm::Value;
use std::collections::HashMap;

/// Accesses through one base.
pub(super) struct Group {
    pub base: Value,
    /// Number of the access, and its address.
    pub accesses: Vec<(usize, Address)>,
}

pub(super) fn run(work: &mut Work<'_, '_>) {
    let (phis, others): (Vec<Group>, Vec<Group>) =
        groups(work).into_iter().partition(|g| g.base.is_phi());
    for group in &others {
        mask_group(work, group);
    }
    for group in webs::run(work, phis) {
        mask_group(work, &group);
    }
}

/// The accesses that need a mask, by base, in the order they are met.
fn groups(work: &Work<'_, '_>) -> Vec<Group> {
    let layout = work.module.layout();
    let mut all: Vec<Group> = Vec::new();
    let mut number: HashMap<Value, usize> = HashMap::new();
    for (n, access) in work.accesses.iter().enumerate() {
        let Some(pointer) = access.pointer() else {
            continue;
        };
        let mut address = Address::of(layout, pointer, true);
        match work.place(&address, access.size) {
            Place::Slot | Place::Known => continue,
            // A symbol or local at an offset that cannot be shown: mask the whole address.
            Place::BadSlot => address = Address::whole(pointer),
            Place::Anywhere if address.base.is_alloca() || is_known_symbol(work, address.base) => {
                address = Address::whole(pointer);
            }
            Place::Anywhere => {}
        }
        let slot = *number.entry(address.base).or_insert_with(|| {
            all.push(Group {
                base: address.base,
                accesses: Vec::new(),
            });
            all.len() - 1
        });
        all[slot].accesses.push((n, address));
    }
    all
}

fn is_known_symbol(work: &Work<'_, '_>, base: Value) -> bool {
    base.is_constant()
        && (!base.is_global_value() || base.is_thread_local() || work.symbols.is_local(base))
}

/// Masks a base for all its accesses, in one or more places.
pub(super) fn mask_group(work: &mut Work<'_, '_>, group: &Group) {
    for (at, covered) in place::places(work, group) {
        work.masker.builder.before(at);
        let masked = work.mask(group.base);
        for n in &covered {
            let (number, address) = &group.accesses[*n];
            let access = work.accesses[*number];
            let pointer = rebuild(work, access.instruction, address, masked);
            access.instruction.set_operand(access.operand, pointer);
        }
        if !group.base.is_constant() {
            replace_dominated(work, group, &covered, masked);
        }
    }
}

/// The address again, from the masked base.
fn rebuild(work: &Work<'_, '_>, before: Value, address: &Address, masked: Value) -> Value {
    if address.chain.is_empty() {
        return masked;
    }
    work.masker.builder.before(before);
    if !address.has_variable {
        return work.masker.offset(masked, address.offset);
    }
    let mut pointer = masked;
    for gep in address.chain.iter().rev() {
        let indices: Vec<Value> = gep.operands().into_iter().skip(1).collect();
        let Some(ty) = gep.gep_source_type() else {
            continue;
        };
        pointer = work.masker.builder.gep(ty, pointer, &indices);
    }
    pointer
}

/// Other uses that some access dominates take the masked value too: the access would have faulted
/// had the mask changed anything, so the two are equal there, and one register is enough.
fn replace_dominated(work: &Work<'_, '_>, group: &Group, accesses: &[usize], masked: Value) {
    let cfg = &work.cfg;
    let mut earliest: HashMap<Node, u32> = HashMap::new();
    for n in accesses {
        let access = &work.accesses[group.accesses[*n].0];
        let slot = earliest.entry(access.node).or_insert(access.position);
        *slot = (*slot).min(access.position);
    }
    // Does an access come before this place on every path to it?
    let covered = |mut node: Node, position: Option<u32>| {
        if earliest
            .get(&node)
            .is_some_and(|e| position.is_none_or(|p| *e < p))
        {
            return true;
        }
        while let Some(up) = cfg.immediate_dominator(node) {
            if earliest.contains_key(&up) {
                return true;
            }
            node = up;
        }
        false
    };
    let mut users = group.base.users();
    users.sort_unstable();
    users.dedup();
    for user in users {
        if user == masked {
            continue;
        }
        let Some(&(node, position)) = work.positions.get(&user) else {
            continue;
        };
        if user.is_phi() {
            for (n, (value, block)) in user.incoming().into_iter().enumerate() {
                let Some(from) = cfg.number(block) else {
                    continue;
                };
                if value == group.base && cfg.reachable(from) && covered(from, None) {
                    user.set_operand(n as u32, masked);
                }
            }
        } else if covered(node, Some(position)) {
            for n in 0..user.operand_count() {
                if user.operand(n) == Some(group.base) {
                    user.set_operand(n, masked);
                }
            }
        }
    }
}
