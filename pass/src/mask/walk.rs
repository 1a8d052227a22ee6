//! Pointers that walk through memory: proof by access (contract, rule 6).
//!
//! A pointer phi in a loop that moves by small constants and is accessed on every turn needs its
//! start masked only: each access that completes shows that the pointer still is a user address.

use super::Work;
use super::address::{Address, Place};
use crate::llvm::Value;

/// Rule 6: the steps since the last access sum to at most this far down and up.
const DOWN: i64 = 1 << 10;
const UP: i64 = 1 << 20;

/// If the phi `base` walks, masks its start and answers `true`. `accesses` are the accesses through
/// it: index into the work's accesses, and the address.
pub(super) fn try_walk(
    work: &mut Work<'_, '_>,
    base: Value,
    accesses: &[(usize, Address)],
) -> bool {
    let layout = work.module.layout();
    let Some(&(header, _)) = work.positions.get(&base) else {
        return false;
    };
    let Some(around) = work.cfg.headed_by(header) else {
        return false;
    };
    let mut starts = Vec::new();
    for (n, (value, block)) in base.incoming().into_iter().enumerate() {
        let Some(from) = work.cfg.number(block) else {
            return false;
        };
        if !work.cfg.in_loop(from, around) {
            starts.push((n as u32, value, block));
            continue;
        }
        let next = Address::of(layout, value, false);
        if next.base != base || next.offset < -DOWN || next.offset > UP {
            return false;
        }
        // An access on every turn, before the step.
        let covered = accesses.iter().any(|(n, a)| {
            let access = &work.accesses[*n];
            access.proves
                && !a.has_variable
                && a.offset.abs() <= DOWN
                && work.cfg.dominates(access.node, from)
        });
        if !covered {
            return false;
        }
    }
    // Every use must find the phi anchored: some access in the header itself, before all others.
    let anchored = accesses.iter().any(|(n, a)| {
        work.accesses[*n].node == header && work.accesses[*n].proves && !a.has_variable
    });
    let [(edge, start, from)] = starts[..] else {
        return false;
    };
    if !anchored {
        return false;
    }
    let address = Address::of(layout, start, false);
    if work.place(&address, 1) == Place::Anywhere {
        let Some(end) = from.terminator() else {
            return false;
        };
        work.masker.builder.before(end);
        let masked = work.mask(start);
        base.set_operand(edge, masked);
    }
    true
}
