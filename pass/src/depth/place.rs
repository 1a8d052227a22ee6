//! Where the tests of a function go.

use super::plan::Body;
use crate::cfg::Node;
use crate::llvm::Value;

/// Tests in more places than one must save as much: they make the code larger.
const WORTH: f64 = 0.6;
/// No more places than so many.
const PLACES: usize = 4;

/// Before which instruction of which block tests go; `None`: at the block's end.
pub fn places(body: &Body) -> Vec<(Node, Option<Value>)> {
    let mut nodes: Vec<Node> = body
        .calls
        .iter()
        .filter(|c| c.tested)
        .map(|c| c.node)
        .collect();
    nodes.sort_unstable();
    nodes.dedup();
    let Some(&first) = nodes.first() else {
        return Vec::new();
    };
    let cfg = &body.cfg;
    let one = outside(
        body,
        nodes.iter().fold(first, |a, b| cfg.common_dominator(a, *b)),
    );
    let mut many: Vec<Node> = nodes.iter().map(|n| outside(body, *n)).collect();
    many.sort_unstable();
    many.dedup();
    let all = many.clone();
    many.retain(|n| {
        !all.iter()
            .any(|other| other != n && cfg.dominates(*other, *n))
    });
    let cost: f64 = many.iter().map(|n| body.frequency[*n]).sum();
    if body.sure || many.len() > PLACES || cost > WORTH * body.frequency[one] {
        many = vec![one];
    }
    // As late as the calls allow: before the first one in the block.
    let before = |node: Node| {
        let call = body.calls.iter().find(|c| c.tested && c.node == node);
        call.map(|c| c.value)
    };
    many.into_iter().map(|node| (node, before(node))).collect()
}

/// The nearest dominator outside of loops.
fn outside(body: &Body, mut node: Node) -> Node {
    while body.cfg.loop_of[node].is_some() {
        match body.cfg.immediate_dominator(node) {
            Some(up) => node = up,
            None => break,
        }
    }
    node
}

/// Does a test precede the call on every path?
pub fn precedes(body: &Body, places: &[(Node, Option<Value>)], call: usize) -> bool {
    let this = &body.calls[call];
    places.iter().any(|&(node, before)| {
        if node != this.node {
            return body.cfg.dominates(node, this.node);
        }
        // Calls are in the order of their block.
        before.is_some_and(|b| {
            let first = body.calls.iter().position(|c| c.value == b);
            first.is_some_and(|first| first <= call)
        })
    })
}
