//! Which calls need a test (contract, rule 13 and its refinement in `DESIGN.md`).
//!
//! Frames are known only when code has been generated, so their sizes are guessed here, and too large rather than
//! too small; the check of the box object is the judge, and a function that it refuses is compiled again with tests before
//! all calls. What is guessed right costs nothing: chains of calls need 16 KiB before one of them must test.

use super::calls::Callee;
use super::place;
use crate::cfg::{Cfg, Node};
use crate::llvm::{Function, Value};

/// What functions may need without a test, as guessed: the rule's 16 KiB with a margin.
const LIMIT: u64 = 12 << 10;
/// What a function of `shallow.txt` may need: the check's stubs have that much, and their definitions are held to it.
pub const LIBRARY: u64 = 1 << 10;

/// A call that code generation may make.
pub struct Call {
    /// Its block.
    pub node: Node,
    pub value: Value,
    pub callee: Callee,
    /// It becomes a jump.
    pub jump: bool,
    /// It must be tested.
    pub tested: bool,
}

/// A function with a body.
pub struct Body {
    pub function: Function,
    pub cfg: Cfg,
    /// Of each block, for one run of the function.
    pub frequency: Vec<f64>,
    /// In the order of their blocks in [`Cfg::order`], and of their instructions.
    pub calls: Vec<Call>,
    /// Instructions.
    pub size: u64,
    /// Bytes of its locals on the safe stack.
    pub locals: u64,
    /// One test, before all calls.
    pub sure: bool,
}

impl Body {
    /// A guess at its frame: saved registers, locals, spills.
    fn frame(&self) -> u64 {
        64 + self.locals + (8 * self.size).min(192 + self.size / 4)
    }

    /// What it needs but for the functions of the module that it leads to.
    fn own_need(&self) -> u64 {
        let untested = || self.calls.iter().filter(|c| !c.tested);
        let library = untested().any(|c| c.callee == Callee::Shallow);
        let own = self.frame() + if library { 8 + LIBRARY } else { 0 };
        // A jump to anywhere.
        if untested().any(|c| c.callee == Callee::Unknown) {
            own.max(LIMIT)
        } else {
            own
        }
    }
}

/// A call or a jump to a function of the module that no test precedes.
struct Edge {
    to: usize,
    /// Which of the calls.
    call: usize,
    jump: bool,
}

/// Decides for all functions of a module.
pub fn decide(bodies: &mut [Body]) {
    unknown(bodies);
    let mut edges: Vec<Vec<Edge>> = bodies.iter().map(untested).collect();
    loop {
        let mut chosen = break_cycles(bodies, &edges);
        if chosen.is_empty() {
            chosen = too_deep(bodies, &edges);
        }
        if chosen.is_empty() {
            break;
        }
        for (n, calls) in chosen {
            for call in calls {
                bodies[n].calls[call].tested = true;
            }
            // Another place for the test may be better now, with other calls behind it.
            edges[n] = untested(&bodies[n]);
        }
    }
}

/// Calls that lead anywhere must be tested. A jump may leave that to those who call this function, but then all of them must:
/// so it tests itself if there are any.
fn unknown(bodies: &mut [Body]) {
    let mut called = vec![false; bodies.len()];
    for call in bodies.iter().flat_map(|b| &b.calls).filter(|c| !c.jump) {
        if let Callee::Own(n) = call.callee {
            called[n] = true;
        }
    }
    for (body, called) in bodies.iter_mut().zip(called) {
        for call in &mut body.calls {
            call.tested |= call.callee == Callee::Unknown && (called || !call.jump);
        }
    }
}

fn untested(body: &Body) -> Vec<Edge> {
    let places = place::places(body);
    let calls = body.calls.iter().enumerate();
    calls
        .filter_map(|(n, call)| match call.callee {
            Callee::Own(to) if !place::precedes(body, &places, n) => Some(Edge {
                to,
                call: n,
                jump: call.jump,
            }),
            _ => None,
        })
        .collect()
}

/// Of each component with a call inside: the functions that shall test, with the calls concerned.
fn break_cycles(bodies: &[Body], edges: &[Vec<Edge>]) -> Vec<(usize, Vec<usize>)> {
    let components = components(edges);
    let mut of = vec![usize::MAX; bodies.len()];
    for (number, members) in components.iter().enumerate() {
        for n in members {
            of[*n] = number;
        }
    }
    let mut into = vec![0u32; bodies.len()];
    for (n, edges) in edges.iter().enumerate() {
        for edge in edges.iter().filter(|e| of[e.to] == of[n]) {
            into[edge.to] += 1;
        }
    }
    let mut chosen = Vec::new();
    for members in &components {
        let of = &of;
        let inside = |n: usize| edges[n].iter().filter(move |e| of[e.to] == of[n]);
        if !members.iter().any(|n| inside(*n).any(|e| !e.jump)) {
            continue;
        }
        // Those on many ways, where tests are few for the work that is done.
        let worth = |n: usize| {
            let out = inside(n).count() as f64;
            let cost: f64 = inside(n)
                .map(|e| bodies[n].frequency[bodies[n].calls[e.call].node].min(1.0))
                .sum();
            f64::from(into[n]) * out * bodies[n].size as f64 / (cost.min(1.0) + 0.05)
        };
        let mut best: Vec<(f64, usize)> = members
            .iter()
            .map(|n| (worth(*n), *n))
            .filter(|(worth, _)| *worth > 0.0)
            .collect();
        best.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        // Several of a large component at once, so that the work stays in proportion.
        best.truncate(1 + members.len() / 64);
        for (_, n) in best {
            chosen.push((n, inside(n).map(|e| e.call).collect()));
        }
    }
    chosen
}

/// The functions that shall test because a chain of calls could become too deep, with the calls concerned. No call is on a
/// cycle any more.
fn too_deep(bodies: &[Body], edges: &[Vec<Edge>]) -> Vec<(usize, Vec<usize>)> {
    let mut chosen = Vec::new();
    let mut needs: Vec<u64> = bodies.iter().map(Body::own_need).collect();
    for members in components(edges) {
        for &n in &members {
            let below = bodies[n].frame() + 8;
            let mut deep = Vec::new();
            for edge in &edges[n] {
                // A jump leads to what is within the limit, or beyond it alone.
                if edge.jump {
                    needs[n] = needs[n].max(needs[edge.to]);
                } else if below + needs[edge.to] > LIMIT {
                    deep.push(edge.call);
                } else {
                    needs[n] = needs[n].max(below + needs[edge.to]);
                }
            }
            if !deep.is_empty() {
                chosen.push((n, deep));
            }
        }
        // Several functions jump to each other.
        let most = members.iter().map(|n| needs[*n]).max().unwrap_or(0);
        for n in members {
            needs[n] = most;
        }
    }
    chosen
}

/// Strongly connected components by Tarjan's algorithm, each behind those that it leads to.
fn components(edges: &[Vec<Edge>]) -> Vec<Vec<usize>> {
    let count = edges.len();
    let mut index = vec![usize::MAX; count];
    let mut low = vec![0; count];
    let mut closed = vec![false; count];
    let (mut open, mut path, mut result) = (Vec::new(), Vec::new(), Vec::new());
    let mut next = 0;
    for root in 0..count {
        if index[root] != usize::MAX {
            continue;
        }
        path.push((root, 0));
        while let Some((node, at)) = path.last_mut() {
            let node = *node;
            if index[node] == usize::MAX {
                index[node] = next;
                low[node] = next;
                next += 1;
                open.push(node);
            }
            if let Some(edge) = edges[node].get(*at) {
                *at += 1;
                let to = edge.to;
                if index[to] == usize::MAX {
                    path.push((to, 0));
                } else if !closed[to] {
                    low[node] = low[node].min(index[to]);
                }
                continue;
            }
            path.pop();
            if let Some(&(before, _)) = path.last() {
                low[before] = low[before].min(low[node]);
            }
            if low[node] == index[node] {
                let mut members = Vec::new();
                while let Some(member) = open.pop() {
                    closed[member] = true;
                    members.push(member);
                    if member == node {
                        break;
                    }
                }
                result.push(members);
            }
        }
    }
    result
}
