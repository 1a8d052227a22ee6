//! Pointer phis that keep a constant distance are one phi.
//!
//! Optimisers like to keep `p` and `p + 4` in two registers around a loop. An access through one shows
//! nothing about the other once the two have met at a join, so both would need masks. Computed from
//! one phi again, both are covered by its accesses, and a register is free.

use super::address::Address;
use crate::cfg::Cfg;
use crate::llvm::{Builder, Layout, Module, Value};

/// Blocks with more pointer phis than this are left alone (the comparison is by pairs).
const MANY: usize = 24;
/// Distances that still fit well into a displacement.
const FAR: i64 = 1 << 12;

/// Merges the phis of every block; the answer is how many went.
pub(super) fn merge(module: &Module<'_>, cfg: &Cfg) -> usize {
    let builder = Builder::new(module.context());
    let mut gone = 0;
    for &node in &cfg.order {
        let block = cfg.blocks[node];
        let mut kept: Vec<Value> = Vec::new();
        let phis: Vec<Value> = block
            .phis()
            .into_iter()
            .filter(|p| p.ty().is_pointer())
            .take(MANY)
            .collect();
        for phi in phis {
            let partner = kept
                .iter()
                .find_map(|k| distance(module.layout(), *k, phi).map(|d| (*k, d)));
            let Some((partner, distance)) = partner else {
                kept.push(phi);
                continue;
            };
            let Some(at) = block.first_non_phi() else {
                continue;
            };
            builder.before(at);
            let offset = module.context().i64().signed(distance);
            let moved = if distance == 0 {
                partner
            } else {
                builder.gep(module.context().i8(), partner, &[offset])
            };
            phi.replace_all_uses_with(moved);
            phi.erase();
            gone += 1;
        }
    }
    gone
}

/// `b - a`, if that is the same on every way into their block.
fn distance(layout: Layout, a: Value, b: Value) -> Option<i64> {
    let from_b = b.incoming();
    let mut known: Option<i64> = None;
    for (value, block) in a.incoming() {
        let (other, _) = from_b.iter().find(|(_, from)| *from == block)?;
        let (x, y) = (
            Address::of(layout, value, false),
            Address::of(layout, *other, false),
        );
        if x.base == a && y.base == b && x.offset == y.offset {
            continue; // the distance they have now stays
        }
        if x.base != y.base {
            return None;
        }
        let d = y.offset - x.offset;
        if known.is_some_and(|k| k != d) || d.abs() > FAR {
            return None;
        }
        known = Some(d);
    }
    known
}
