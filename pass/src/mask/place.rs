//! Where the masks of one base go: as rarely executed as dominance allows.

use super::Work;
use super::elide::Group;
use crate::cfg::Node;
use crate::llvm::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Places (before which instruction) and the accesses (indices into the group) that each covers.
///
/// On the dominator tree between the base's definition and the accesses, a node costs its own
/// frequency or what its children cost, whichever is less; a node with an access in it must have the
/// mask itself or above. Hoisting out of loops and sinking into cold paths both fall out of that.
pub(super) fn places(work: &Work<'_, '_>, group: &Group) -> Vec<(Value, Vec<usize>)> {
    let cfg = &work.cfg;
    let home: Node = work.positions.get(&group.base).map_or(0, |d| d.0);
    let mut inside: BTreeMap<Node, Vec<usize>> = BTreeMap::new();
    for (n, (access, _)) in group.accesses.iter().enumerate() {
        inside
            .entry(work.accesses[*access].node)
            .or_default()
            .push(n);
    }
    // The part of the dominator tree that matters.
    let mut children: HashMap<Node, BTreeSet<Node>> = HashMap::new();
    let mut known: BTreeSet<Node> = BTreeSet::from([home]);
    for &start in inside.keys() {
        let mut node = start;
        while known.insert(node) {
            let Some(up) = cfg.immediate_dominator(node) else {
                break;
            };
            children.entry(up).or_default().insert(node);
            node = up;
        }
    }
    // Postorder by an explicit stack: dominator trees of big functions are deep.
    let mut order = Vec::new();
    let mut stack = vec![home];
    while let Some(node) = stack.pop() {
        order.push(node);
        stack.extend(children.get(&node).into_iter().flatten());
    }
    let mut cost: HashMap<Node, (f64, bool)> = HashMap::new();
    for &node in order.iter().rev() {
        let own = work.frequency[node];
        let below = children.get(&node);
        let sum: f64 = below
            .into_iter()
            .flatten()
            .map(|c| cost.get(c).map_or(0.0, |k| k.0))
            .sum();
        let alone = below.is_none_or(|b| b.len() == 1);
        let here = inside.contains_key(&node) || own < sum * 0.99 || (!alone && own <= sum * 1.01);
        let here = here && (inside.contains_key(&node) || can_end(work, group.base, node));
        cost.insert(node, (if here { own } else { sum }, here));
    }
    // From the top: the first node that takes the mask covers its subtree.
    let mut places = Vec::new();
    let mut stack = vec![home];
    while let Some(node) = stack.pop() {
        if !cost.get(&node).is_some_and(|c| c.1) {
            stack.extend(children.get(&node).into_iter().flatten());
            continue;
        }
        let mut covered = Vec::new();
        let mut subtree = vec![node];
        while let Some(n) = subtree.pop() {
            covered.extend(inside.get(&n).into_iter().flatten().copied());
            subtree.extend(children.get(&n).into_iter().flatten());
        }
        let first = inside
            .get(&node)
            .into_iter()
            .flatten()
            .map(|n| &work.accesses[group.accesses[*n].0])
            .min_by_key(|a| a.position)
            .map(|a| a.instruction)
            .or_else(|| cfg.blocks[node].terminator());
        if let Some(at) = first {
            places.push((at, covered));
        }
    }
    places
}

/// What masking the group costs, by frequency.
pub(super) fn cost(work: &Work<'_, '_>, group: &Group) -> f64 {
    places(work, group)
        .iter()
        .filter_map(|(at, _)| work.cfg.number(at.parent()?))
        .map(|node| work.frequency[node])
        .sum()
}

/// Can a mask of the base stand before the block's terminator?
fn can_end(work: &Work<'_, '_>, base: Value, node: Node) -> bool {
    work.cfg.blocks[node]
        .terminator()
        .is_some_and(|t| t != base)
}
