//! Masks at level `mask` and `pks`: one for each base, as few as the rules allow.

use super::Work;
use super::address::{Address, Place};
use super::walk;
use crate::cfg::Node;
use crate::llvm::{Block, Value};
use std::collections::HashMap;

/// Accesses through one base.
struct Group {
    base: Value,
    accesses: Vec<(usize, Address)>,
}

pub(super) fn run(work: &mut Work<'_, '_>) {
    for group in groups(work) {
        if group.base.is_phi() && walk::try_walk(work, group.base, &group.accesses) {
            continue;
        }
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

fn mask_group(work: &mut Work<'_, '_>, group: &Group) {
    let base = group.base;
    let Some(at) = position(work, group) else {
        return;
    };
    work.masker.builder.before(at);
    let masked = work.mask(base);
    for (n, address) in &group.accesses {
        let access = work.accesses[*n];
        let pointer = rebuild(work, access.instruction, address, masked);
        access.instruction.set_operand(access.operand, pointer);
    }
    if !base.is_constant() {
        replace_dominated(work, group, masked);
    }
}

/// Where the mask of a group goes: at the nearest common dominator of its accesses, out of the loops
/// that do not change the base.
fn position(work: &Work<'_, '_>, group: &Group) -> Option<Value> {
    let cfg = &work.cfg;
    let definition = work.positions.get(&group.base).copied();
    let home: Node = definition.map_or(0, |d| d.0);
    let mut node = work.accesses[group.accesses.first()?.0].node;
    for (n, _) in &group.accesses {
        node = cfg.common_dominator(node, work.accesses[*n].node);
    }
    while let Some(l) = cfg.loop_of[node] {
        if definition.is_some() && cfg.in_loop(home, l) {
            break;
        }
        match cfg.immediate_dominator(cfg.loops[l].header) {
            Some(up) if cfg.dominates(home, up) => node = up,
            _ => break,
        }
    }
    let first = group
        .accesses
        .iter()
        .map(|(n, _)| &work.accesses[*n])
        .filter(|a| a.node == node)
        .min_by_key(|a| a.position);
    if let Some(access) = first {
        return Some(access.instruction);
    }
    if definition.is_some() && home == node {
        return after(cfg.blocks[node], group.base);
    }
    cfg.blocks[node].terminator()
}

/// The first place behind a value's definition where an instruction may stand.
fn after(block: Block, value: Value) -> Option<Value> {
    let mut at = if value.is_phi() {
        block.first_non_phi()
    } else {
        value.next()
    };
    if at.is_none() {
        at = block.terminator();
    }
    at
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
fn replace_dominated(work: &Work<'_, '_>, group: &Group, masked: Value) {
    let cfg = &work.cfg;
    // Nearest places suffice: sort by block, keep the earliest of each.
    let mut earliest: HashMap<Node, u32> = HashMap::new();
    for (n, _) in &group.accesses {
        let access = &work.accesses[*n];
        let slot = earliest.entry(access.node).or_insert(access.position);
        *slot = (*slot).min(access.position);
    }
    let covered = |mut node: Node, position: Option<u32>| {
        if let (Some(p), Some(e)) = (position, earliest.get(&node)) {
            if *e < p {
                return true;
            }
        } else if earliest.contains_key(&node) && position.is_none() {
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
