//! Phis of pointers: masks on what flows in, and proof by access (contract, rule 6).
//!
//! A phi needs no mask of its own if every value that flows in is masked, known, or an accessed
//! member of the same web moved by a small constant: then each access that completed shows that the
//! pointer still is a user address. An edge that brings anything else gets a mask at its end. For each
//! phi the cheaper of the two is taken, by block frequency.

use super::Work;
use super::address::{Address, Place};
use super::elide::Group;
use crate::cfg::Node;
use crate::llvm::{Block, Value};
use std::collections::{HashMap, HashSet};

/// Rule 6: the steps since the last access sum to at most this far down and up. (Half of the rule's,
/// for a step taken twice in an unrolled loop.)
const DOWN: i64 = 1 << 9;
const UP: i64 = 1 << 19;

/// What an edge brings into a phi.
enum Edge {
    /// Nothing that needs a mask.
    Free,
    /// A phi of the web, moved by a small constant after an access.
    From(Value),
    /// Something that needs a mask at the end of the edge's block.
    Mask,
    /// The same, but there is no room for it: the value is made by the block's terminator.
    Never,
}

/// Deals with the phis that can do without a mask; the answer is the groups that cannot.
pub(super) fn run(work: &mut Work<'_, '_>, groups: Vec<Group>) -> Vec<Group> {
    let numbers: HashMap<Value, usize> = groups
        .iter()
        .enumerate()
        .map(|(n, g)| (g.base, n))
        .collect();
    let web = Web {
        groups: &groups,
        numbers: &numbers,
    };
    // Phis that are not accessed themselves but feed one that is.
    let mut all: Vec<Value> = groups.iter().map(|g| g.base).collect();
    let mut members: HashSet<Value> = all.iter().copied().collect();
    let mut next = 0;
    while next < all.len() {
        for (value, _) in all[next].incoming() {
            let base = Address::of(work.module.layout(), value, false).base;
            if base.is_phi() && work.positions.contains_key(&base) && members.insert(base) {
                all.push(base);
            }
        }
        next += 1;
    }
    let edges: Vec<Vec<(Edge, Block, Node)>> = all.iter().map(|p| web.edges(work, *p)).collect();
    // Who suffers when a member leaves the web: edges by their source.
    let mut feeds: HashMap<Value, Vec<(usize, Node)>> = HashMap::new();
    for (n, list) in edges.iter().enumerate() {
        for (edge, _, node) in list {
            if let Edge::From(source) = edge {
                feeds.entry(*source).or_default().push((n, *node));
            }
        }
    }
    // All in at first; whoever is dearer inside than out leaves, until nobody moves.
    let number: HashMap<Value, usize> = all.iter().enumerate().map(|(n, p)| (*p, n)).collect();
    let mut inside = vec![true; all.len()];
    let mut dear: Vec<f64> = edges
        .iter()
        .map(|list| {
            list.iter()
                .map(|(edge, _, node)| match edge {
                    Edge::Mask => work.frequency[*node],
                    Edge::Never => f64::INFINITY,
                    Edge::Free | Edge::From(_) => 0.0,
                })
                .sum()
        })
        .collect();
    let mut queue: Vec<usize> = (0..all.len()).collect();
    while let Some(n) = queue.pop() {
        if !inside[n] {
            continue;
        }
        let outside_cost = match numbers.get(&all[n]) {
            Some(g) => super::place::cost(work, &groups[*g]),
            None => feeds
                .get(&all[n])
                .into_iter()
                .flatten()
                .filter(|(to, _)| inside[*to])
                .map(|(_, node)| work.frequency[*node])
                .sum(),
        };
        if dear[n] <= outside_cost {
            continue;
        }
        inside[n] = false;
        for (to, node) in feeds.get(&all[n]).into_iter().flatten() {
            dear[*to] += work.frequency[*node];
            queue.push(*to);
        }
        // Members that only fed this one may be of no use any more; they cost nothing to keep
        // only if none of their edges needs a mask.
        for (edge, _, _) in &edges[n] {
            if let Edge::From(source) = edge {
                queue.extend(number.get(source));
            }
        }
    }
    // Masks on the edges of those that stayed.
    let mut done: HashMap<(Value, Block), Value> = HashMap::new();
    for (n, list) in edges.iter().enumerate() {
        if !inside[n] {
            continue;
        }
        for (index, (edge, block, _)) in list.iter().enumerate() {
            let needed = match edge {
                Edge::Free | Edge::Never => false,
                Edge::Mask => true,
                Edge::From(source) => !number.get(source).is_some_and(|s| inside[*s]),
            };
            let Some(value) = all[n].operand(index as u32).filter(|_| needed) else {
                continue;
            };
            let Some(end) = block.terminator() else {
                continue;
            };
            let masked = match done.get(&(value, *block)) {
                Some(masked) => *masked,
                None => {
                    work.masker.builder.before(end);
                    let masked = work.mask(value);
                    done.insert((value, *block), masked);
                    masked
                }
            };
            all[n].set_operand(index as u32, masked);
        }
    }
    groups
        .into_iter()
        .filter(|g| !number.get(&g.base).is_some_and(|n| inside[*n]))
        .collect()
}

struct Web<'w> {
    groups: &'w [Group],
    numbers: &'w HashMap<Value, usize>,
}

impl Web<'_> {
    fn edges(&self, work: &Work<'_, '_>, phi: Value) -> Vec<(Edge, Block, Node)> {
        phi.incoming()
            .into_iter()
            .map(|(value, block)| {
                let node = work.cfg.number(block).unwrap_or(0);
                let edge = if work.cfg.reachable(node) {
                    self.edge(work, value, node)
                } else {
                    Edge::Free
                };
                (edge, block, node)
            })
            .collect()
    }
    fn edge(&self, work: &Work<'_, '_>, value: Value, from: Node) -> Edge {
        let layout = work.module.layout();
        let address = Address::of(layout, value, false);
        let base = address.base;
        if base.is_phi() {
            if address.offset == 0 {
                return Edge::From(base);
            }
            let near = (-DOWN..=UP).contains(&address.offset);
            return if near && self.accessed_before(work, base, from) {
                Edge::From(base)
            } else {
                Edge::Mask
            };
        }
        if work.cfg.blocks[from].terminator() == Some(value) {
            return Edge::Never;
        }
        if work.is_mask(base) {
            // Any constant offset moves the value away from where an access would anchor it.
            let near = (-DOWN..=UP).contains(&address.offset);
            return if near { Edge::Free } else { Edge::Mask };
        }
        if base.is_undef() {
            return Edge::Mask;
        }
        if work.place(&address, 1) == Place::Known {
            Edge::Free
        } else {
            Edge::Mask
        }
    }
    /// Does every path to the end of `from` access the phi close by?
    fn accessed_before(&self, work: &Work<'_, '_>, phi: Value, from: Node) -> bool {
        let Some(group) = self.numbers.get(&phi) else {
            return false;
        };
        self.groups[*group].accesses.iter().any(|(n, address)| {
            let access = &work.accesses[*n];
            access.proves
                && !address.has_variable
                && address.offset.abs() <= DOWN
                && work.cfg.dominates(access.node, from)
        })
    }
}
