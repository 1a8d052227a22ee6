//! Rule 13 over the whole image: how deep functions go that do not test.
//!
//! A transfer of control (a call, or a jump out of the function) is *tested* if bit N of RSP was seen set, at or below
//! its RSP, on every path to it. What a function f may need below its return-address slot, until somebody tests:
//!
//! ```text
//! need(f) = max of  the lowest RSP of f
//!                   s + 8 + need(g)   for each call of g that is not tested, s bytes below the slot
//!                   need(g)           for each jump to g that is not tested (rule 11: at the slot)
//! ```
//!
//! with need = 0 for entries of the gate that run no function of the box, and [`DEPTH_LIMIT`] for the thunk. It must be at
//! most [`DEPTH_LIMIT`] for every function of the table; a cycle with a call in it has none. Calls of the thunk, calls of `try` and
//! jumps to it are always tested (`flow.rs`).
//!
//! Why that is enough. Let B be the lowest usable address. Claim: e - need(f) >= B - 104 - `DEPTH_LIMIT` for each function f that
//! runs, entered with RSP = e. By induction over the transfers of control:
//!
//! - The module enters only with bit N set: e >= B, and need(f) <= `DEPTH_LIMIT`. Nested entries too, whatever was interrupted.
//! - A tested transfer is made at RSP >= B, so e >= B - 8, or the thunk jumps on from there with RSP as it is.
//! - Of a transfer that is not tested, by f' entered at e': e - need(f) >= e' - need(f') by definition. A jump to the thunk: e = e',
//!   and whichever f it leads to, need(f) <= `DEPTH_LIMIT` <= need(f').
//! - `try` is entered at B - 8 or above, and runs its function 96 bytes below ([`TRY_RECORD`]).
//! - `ret`, and `throw`, go back to a function that was entered before.
//!
//! So RSP never lies below B - 104 - `DEPTH_LIMIT` in functions, nor at the entries of the gate. What lies below that
//! of the headroom is left to gate, interrupts and demotion. Nothing here is believed but machine code: RSP's distance from
//! the slot is rule 9's, at every instruction.

use alloc::format;
use alloc::vec::Vec;

use iced_x86::{Decoder, DecoderOptions};

use crate::gate::{DEPTH_LIMIT, HEADROOM, RESERVE, TRY_RECORD};
use crate::image::Image;
use crate::report::Finding;
use crate::rule::Rule;

use super::context::render;
use super::stack::FRAME;

// The lowest RSP of the proof leaves the reserve; a function that does not call is always right.
const _: () = assert!(8 + TRY_RECORD + DEPTH_LIMIT + RESERVE <= HEADROOM);
const _: () = assert!(FRAME as u32 <= DEPTH_LIMIT);

/// A transfer of control to a function, not tested.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Transfer {
    /// Of the instruction.
    pub(super) address: u64,
    /// The function, by its place among the sorted starts.
    pub(super) target: u32,
    /// By how many bytes the target's slot lies below this function's; a call has at least 8.
    pub(super) below: u32,
}

/// What is known of one function.
#[derive(Clone, Copy, Default, Debug)]
struct Node {
    /// What it needs itself: the lowest RSP, gate calls included.
    own: u32,
    /// The end of its transfers; they begin where those of the one before end.
    end: usize,
}

/// All functions and the transfers between them that are not tested.
#[derive(Default)]
pub(super) struct Graph {
    nodes: Vec<Node>,
    transfers: Vec<Transfer>,
    /// The function that is being looked at.
    own: u32,
    /// With so many transfers, those that were told of again are dropped.
    full: usize,
}

/// Transfers told of again that are kept at least, for it costs little.
const SLACK: usize = 256;

impl Graph {
    /// RSP is `k` bytes from the return-address slot.
    pub(super) fn reach(&mut self, k: i32) {
        self.own = self.own.max(k.min(0).unsigned_abs());
    }

    /// The function jumps to the thunk, which may lead anywhere.
    pub(super) fn reach_anything(&mut self) {
        self.own = self.own.max(DEPTH_LIMIT);
    }

    /// The function goes to another without a test. The same instruction may be told of again, whenever its block is visited:
    /// memory stays in proportion to the text all the same.
    pub(super) fn transfer(&mut self, transfer: Transfer) {
        if self.transfers.len() >= self.full {
            let start = self.settle();
            let kept = self.transfers.len();
            self.full = kept + (kept - start) + SLACK;
        }
        self.transfers.push(transfer);
    }

    /// The function has been looked at; the next one follows.
    pub(super) fn end_function(&mut self) {
        self.settle();
        let end = self.transfers.len();
        self.full = end + SLACK;
        self.nodes.push(Node {
            own: core::mem::take(&mut self.own),
            end,
        });
    }

    /// Sorts the transfers of the function that is being looked at, each once. Returns where they begin.
    fn settle(&mut self) -> usize {
        let start = self.start(self.nodes.len());
        self.transfers[start..].sort();
        let mut kept = start;
        for i in start..self.transfers.len() {
            if i == start || self.transfers[i] != self.transfers[i - 1] {
                self.transfers[kept] = self.transfers[i];
                kept += 1;
            }
        }
        self.transfers.truncate(kept);
        start
    }

    fn start(&self, node: usize) -> usize {
        node.checked_sub(1)
            .and_then(|before| self.nodes.get(before))
            .map_or(0, |n| n.end)
    }

    /// Finds the needs of all functions; the image's functions are those that were looked at, in order. Reports what
    /// exceeds the limit, and returns the needs. What was reported counts as tested from there on, so that one
    /// missing test is one finding.
    pub(super) fn check(&self, image: &Image, findings: &mut Vec<Finding>) -> Vec<u32> {
        let mut needs: Vec<u32> = self.nodes.iter().map(|n| n.own).collect();
        let components = self.components();
        // A component comes after all that its members lead to.
        let mut at = 0;
        while let Some(&(number, _)) = components.order.get(at) {
            let members = components.order[at..]
                .iter()
                .take_while(|(n, _)| *n == number)
                .map(|(_, node)| *node as usize);
            let mut need = 0;
            let mut size = 0;
            for node in members.clone() {
                size += 1;
                need = need.max(needs[node]);
                for transfer in &self.transfers[self.start(node)..self.nodes[node].end] {
                    let target = transfer.target as usize;
                    if components.of.get(target) == Some(&number) {
                        if transfer.below > 0 {
                            report(image, node, transfer, Wrong::Cycle, findings);
                        }
                        continue;
                    }
                    let sum = needs
                        .get(target)
                        .map_or(DEPTH_LIMIT, |n| n.saturating_add(transfer.below));
                    if sum > DEPTH_LIMIT {
                        report(image, node, transfer, Wrong::Deep(sum), findings);
                    } else {
                        need = need.max(sum);
                    }
                }
            }
            for node in members {
                needs[node] = need;
            }
            at += size;
        }
        needs
    }

    /// Strongly connected components, by Tarjan's algorithm, in steps: the image decides how deep it would recurse.
    fn components(&self) -> Components {
        const NONE: u32 = u32::MAX;
        let count = self.nodes.len();
        let mut result = Components {
            of: alloc::vec![NONE; count],
            order: Vec::with_capacity(count),
        };
        let mut index = alloc::vec![NONE; count];
        let mut low = alloc::vec![0; count];
        let mut open: Vec<u32> = Vec::new();
        let mut path: Vec<(usize, usize)> = Vec::new();
        let (mut next, mut number) = (0, 0);
        for root in 0..count {
            if index[root] != NONE {
                continue;
            }
            path.push((root, self.start(root)));
            while let Some((node, edge)) = path.last_mut() {
                let node = *node;
                if index[node] == NONE {
                    index[node] = next;
                    low[node] = next;
                    next += 1;
                    open.push(node as u32);
                }
                if *edge < self.nodes[node].end {
                    let target = self.transfers[*edge].target as usize;
                    *edge += 1;
                    match index.get(target) {
                        None => {}
                        Some(&NONE) => path.push((target, self.start(target))),
                        // Still open: on the path, or leading back to it.
                        Some(&i) if result.of[target] == NONE => low[node] = low[node].min(i),
                        Some(_) => {}
                    }
                    continue;
                }
                path.pop();
                if let Some(&(before, _)) = path.last() {
                    low[before] = low[before].min(low[node]);
                }
                if low[node] == index[node] {
                    while let Some(member) = open.pop() {
                        result.of[member as usize] = number;
                        result.order.push((number, member));
                        if member as usize == node {
                            break;
                        }
                    }
                    number += 1;
                }
            }
        }
        result
    }
}

/// Functions that lead to each other.
struct Components {
    /// Of each function.
    of: Vec<u32>,
    /// (component, function): those of a component lie together, behind all that it leads to.
    order: Vec<(u32, u32)>,
}

enum Wrong {
    Cycle,
    Deep(u32),
}

fn report(
    image: &Image,
    node: usize,
    transfer: &Transfer,
    wrong: Wrong,
    findings: &mut Vec<Finding>,
) {
    let start = |n: usize| image.functions.get(n).map_or(0, |f| f.start);
    let at = transfer.address;
    let target = start(transfer.target as usize);
    let message = match wrong {
        Wrong::Cycle => format!(
            "a call of {target:#x}, which leads back here, that the depth test does not precede on every path, at or below this RSP"
        ),
        Wrong::Deep(need) => format!(
            "without a depth test before it, on every path, at or below this RSP, {target:#x} and what it calls could reach {need} bytes below this function's return-address slot: {DEPTH_LIMIT} are allowed"
        ),
    };
    let bytes = image.bytes_at(at..at.saturating_add(15).min(image.text.end));
    let mut decoder = Decoder::with_ip(64, bytes.unwrap_or_default(), at, DecoderOptions::NONE);
    findings.push(Finding {
        rule: Rule::R13,
        function: Some(start(node)),
        address: at,
        instruction: render(&decoder.decode()),
        state: format!("the target's slot = stack(-{})", transfer.below),
        message,
        hint: "testl $0x200000, %esp; je to a ud2, after the prologue",
    });
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::super::testing::{self, Random};
    use super::*;
    use crate::features::Features;

    /// An image decides how often blocks are visited, but not how much memory that takes.
    #[test]
    fn transfers_told_of_again_take_no_room() {
        let mut graph = Graph::default();
        for functions in 1..=3 {
            for turn in 0..100_000 {
                graph.transfer(Transfer {
                    address: turn % 1000,
                    target: 0,
                    below: 8,
                });
                assert!(graph.transfers.len() <= functions * 1000 + 1000 + SLACK);
            }
            graph.end_function();
            assert_eq!(graph.transfers.len(), functions * 1000);
        }
    }

    /// Whether some way through the graph, of as many steps as could matter, goes below the limit: by trying them all.
    fn goes_too_deep(own: &[u32], transfers: &[Vec<Transfer>]) -> bool {
        let mut lowest = own.to_vec();
        // A cycle with a call in it sinks by 8 bytes at least in so many steps.
        for _ in 0..own.len() * (DEPTH_LIMIT as usize / 8 + 2) {
            let next: Vec<u32> = (0..own.len())
                .map(|f| {
                    let through = transfers[f]
                        .iter()
                        .map(|t| (lowest[t.target as usize] + t.below).min(2 * DEPTH_LIMIT));
                    through.fold(lowest[f], u32::max)
                })
                .collect();
            if next == lowest {
                break;
            }
            lowest = next;
        }
        lowest.iter().any(|n| *n > DEPTH_LIMIT)
    }

    #[test]
    fn as_by_trying() {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let mut below = |n: u64| random.below(n);
        let image = testing::empty_image(Features::all());
        let (mut refused, mut with_cycles) = (0, 0);
        for _ in 0..4000 {
            let count = 1 + below(9);
            let density = 1 + below(3);
            let mut graph = Graph::default();
            let (mut own, mut transfers) = (Vec::new(), Vec::new());
            for f in 0..count {
                own.push(8 * below(800) as u32);
                graph.reach(-(own[f as usize] as i32));
                let mut of = Vec::new();
                for _ in 0..below(2 + density) {
                    let jump = below(4) > 0;
                    of.push(Transfer {
                        address: below(3),
                        target: below(count) as u32,
                        below: if jump { 0 } else { 8 + 8 * below(1024) as u32 },
                    });
                    graph.transfer(of[of.len() - 1]);
                }
                transfers.push(of);
                graph.end_function();
            }
            let mut findings = Vec::new();
            let needs = graph.check(&image, &mut findings);
            assert!(needs.iter().all(|n| *n <= DEPTH_LIMIT));
            assert_eq!(
                findings.is_empty(),
                !goes_too_deep(&own, &transfers),
                "{own:?} {transfers:?}"
            );
            refused += u32::from(!findings.is_empty());
            let components = graph.components();
            let number = components.order.last().map_or(0, |(n, _)| n + 1);
            with_cycles += u32::from(findings.is_empty() && u64::from(number) < count);
        }
        assert!((1000..3500).contains(&refused), "{refused}");
        assert!(with_cycles > 100, "{with_cycles}");
    }
}
