//! Control flow of one function: dominators and loops. (LLVM's C API has neither.)

use crate::llvm::{Block, Function, Opcode};
use std::collections::HashMap;

/// A block's number. The entry block is 0; numbers follow the function's block order.
pub type Node = usize;

/// How often a loop turns, for want of knowledge.
const TURNS: f64 = 8.0;

/// A natural loop.
#[derive(Debug, Clone)]
pub struct Loop {
    /// The block that dominates it.
    pub header: Node,
    /// Number of the innermost loop around it.
    pub parent: Option<usize>,
    /// 1 for an outermost loop.
    pub depth: u32,
}

/// Control flow of a function as it was when [`Cfg::new`] looked.
pub struct Cfg {
    /// The blocks by number.
    pub blocks: Vec<Block>,
    /// Successors, without repetitions.
    pub successors: Vec<Vec<Node>>,
    /// Predecessors, without repetitions.
    pub predecessors: Vec<Vec<Node>>,
    /// Reachable blocks in reverse postorder.
    pub order: Vec<Node>,
    /// The loops; a loop comes after the loops inside it.
    pub loops: Vec<Loop>,
    /// Innermost loop of each block.
    pub loop_of: Vec<Option<usize>>,
    numbers: HashMap<Block, Node>,
    /// Immediate dominators; the entry's is itself, an unreachable block has none.
    dominator: Vec<Option<Node>>,
    /// Preorder interval in the dominator tree: makes `dominates` two comparisons.
    interval: Vec<(u32, u32)>,
}

impl Cfg {
    /// Looks at a function. `None` for a declaration.
    pub fn new(function: Function) -> Option<Cfg> {
        let blocks = function.blocks();
        if blocks.is_empty() {
            return None;
        }
        let numbers: HashMap<Block, Node> =
            blocks.iter().enumerate().map(|(n, b)| (*b, n)).collect();
        let mut successors = vec![Vec::new(); blocks.len()];
        let mut predecessors = vec![Vec::new(); blocks.len()];
        for (n, block) in blocks.iter().enumerate() {
            let mut next: Vec<Node> = block
                .successors()
                .iter()
                .filter_map(|s| numbers.get(s).copied())
                .collect();
            next.sort_unstable();
            next.dedup();
            for s in &next {
                predecessors[*s].push(n);
            }
            successors[n] = next;
        }
        let order = reverse_postorder(&successors);
        let dominator = dominators(&order, &predecessors);
        let interval = intervals(&order, &dominator);
        let mut cfg = Cfg {
            loop_of: vec![None; blocks.len()],
            loops: Vec::new(),
            blocks,
            successors,
            predecessors,
            order,
            numbers,
            dominator,
            interval,
        };
        cfg.find_loops();
        Some(cfg)
    }

    /// Number of a block.
    pub fn number(&self, block: Block) -> Option<Node> {
        self.numbers.get(&block).copied()
    }
    /// Can control reach it?
    pub fn reachable(&self, node: Node) -> bool {
        self.dominator[node].is_some()
    }
    /// Immediate dominator; `None` for the entry and for unreachable blocks.
    pub fn immediate_dominator(&self, node: Node) -> Option<Node> {
        self.dominator[node].filter(|d| *d != node)
    }
    /// Does every path to `b` go through `a`? (`a` dominates itself.)
    pub fn dominates(&self, a: Node, b: Node) -> bool {
        self.reachable(a)
            && self.reachable(b)
            && self.interval[a].0 <= self.interval[b].0
            && self.interval[b].1 <= self.interval[a].1
    }
    /// Nearest common dominator of two reachable blocks.
    pub fn common_dominator(&self, a: Node, b: Node) -> Node {
        let mut at = a;
        while !self.dominates(at, b) {
            match self.immediate_dominator(at) {
                Some(up) => at = up,
                None => return 0,
            }
        }
        at
    }
    /// Loop depth of a block; 0 outside loops.
    pub fn depth(&self, node: Node) -> u32 {
        self.loop_of[node].map_or(0, |l| self.loops[l].depth)
    }
    /// Is the block in the loop?
    pub fn in_loop(&self, node: Node, which: usize) -> bool {
        let mut at = self.loop_of[node];
        while let Some(l) = at {
            if l == which {
                return true;
            }
            at = self.loops[l].parent;
        }
        false
    }
    /// The loop a block heads.
    pub fn headed_by(&self, node: Node) -> Option<usize> {
        self.loop_of[node].filter(|l| self.loops[*l].header == node)
    }

    /// Guesses how often each block runs for one run of the function. `weights` gives a block's branch
    /// weights, one for each entry of [`Block::successors`], or nothing.
    pub fn frequencies(&self, weights: impl Fn(Block) -> Vec<u64>) -> Vec<f64> {
        let mut frequency = vec![0.0; self.blocks.len()];
        frequency[0] = 1.0;
        for &node in &self.order {
            if self.headed_by(node).is_some() {
                frequency[node] *= TURNS;
            }
            let block = self.blocks[node];
            let targets = block.successors();
            let known = weights(block);
            let weight = |n: usize, to: Node| {
                let own = known.get(n).map_or(1.0, |w| *w as f64 + 0.001);
                // A block that ends the program is cold (LLVM's own heuristic).
                if self.successors[to].is_empty() && self.is_dead_end(to) {
                    own / 1000.0
                } else {
                    own
                }
            };
            let edges: Vec<(Node, f64)> = targets
                .iter()
                .enumerate()
                .filter_map(|(n, t)| self.number(*t).map(|to| (to, weight(n, to))))
                .collect();
            let sum: f64 = edges.iter().map(|e| e.1).sum();
            for (to, weight) in edges {
                if self.dominates(to, node) {
                    continue; // a back edge: counted by the header's factor
                }
                let left = self.depth(node).saturating_sub(self.depth(to)) as i32;
                let share = frequency[node] * weight / sum.max(1e-9) / TURNS.powi(left);
                frequency[to] += share;
            }
            frequency[node] = frequency[node].clamp(1e-12, 1e12);
        }
        frequency
    }
    fn is_dead_end(&self, node: Node) -> bool {
        self.blocks[node]
            .terminator()
            .is_some_and(|t| t.opcode() == Some(Opcode::LLVMUnreachable))
    }

    /// Natural loops, inner before outer: headers in postorder, each claiming what is not yet in an
    /// inner loop (the method of LLVM's LoopInfo: linear in nesting depth).
    fn find_loops(&mut self) {
        for header in self.order.clone().into_iter().rev() {
            let mut work: Vec<Node> = self.predecessors[header]
                .iter()
                .copied()
                .filter(|p| self.dominates(header, *p))
                .collect();
            if work.is_empty() {
                continue;
            }
            let this = self.loops.len();
            self.loops.push(Loop {
                header,
                parent: None,
                depth: 1,
            });
            while let Some(node) = work.pop() {
                match self.outermost(node) {
                    None => {
                        if !self.reachable(node) {
                            continue;
                        }
                        self.loop_of[node] = Some(this);
                        if node != header {
                            work.extend(self.predecessors[node].iter().copied());
                        }
                    }
                    Some(inner) if inner != this => {
                        self.loops[inner].parent = Some(this);
                        let inner_header = self.loops[inner].header;
                        work.extend(self.predecessors[inner_header].iter().copied().filter(|p| {
                            self.outermost(*p) != Some(this) || self.loop_of[*p].is_none()
                        }));
                    }
                    Some(_) => {}
                }
            }
            self.loop_of[header].get_or_insert(this);
        }
        for l in (0..self.loops.len()).rev() {
            self.loops[l].depth = self.loops[l].parent.map_or(1, |p| self.loops[p].depth + 1);
        }
    }
    fn outermost(&self, node: Node) -> Option<usize> {
        let mut at = self.loop_of[node]?;
        while let Some(up) = self.loops[at].parent {
            at = up;
        }
        Some(at)
    }
}

fn reverse_postorder(successors: &[Vec<Node>]) -> Vec<Node> {
    let mut seen = vec![false; successors.len()];
    let mut post = Vec::with_capacity(successors.len());
    let mut stack = vec![(0, 0)];
    seen[0] = true;
    while let Some((node, next)) = stack.pop() {
        match successors[node].get(next) {
            Some(&s) => {
                stack.push((node, next + 1));
                if !seen[s] {
                    seen[s] = true;
                    stack.push((s, 0));
                }
            }
            None => post.push(node),
        }
    }
    post.reverse();
    post
}

/// Cooper, Harvey, Kennedy: "A Simple, Fast Dominance Algorithm".
fn dominators(order: &[Node], predecessors: &[Vec<Node>]) -> Vec<Option<Node>> {
    let mut number = vec![usize::MAX; predecessors.len()];
    for (n, node) in order.iter().enumerate() {
        number[*node] = n;
    }
    let mut dominator: Vec<Option<Node>> = vec![None; predecessors.len()];
    dominator[0] = Some(0);
    let meet = |dominator: &[Option<Node>], mut a: Node, mut b: Node| {
        while a != b {
            while number[a] > number[b] {
                a = dominator[a].unwrap_or(0);
            }
            while number[b] > number[a] {
                b = dominator[b].unwrap_or(0);
            }
        }
        a
    };
    let mut changed = true;
    while changed {
        changed = false;
        for &node in order.iter().skip(1) {
            let mut new = None;
            for &p in &predecessors[node] {
                if dominator[p].is_some() {
                    new = Some(new.map_or(p, |d| meet(&dominator, d, p)));
                }
            }
            if new != dominator[node] {
                dominator[node] = new;
                changed = true;
            }
        }
    }
    dominator
}

fn intervals(order: &[Node], dominator: &[Option<Node>]) -> Vec<(u32, u32)> {
    let mut children = vec![Vec::new(); dominator.len()];
    for &node in order.iter().skip(1) {
        if let Some(d) = dominator[node] {
            children[d].push(node);
        }
    }
    let mut interval = vec![(0, 0); dominator.len()];
    let mut time = 0;
    let mut stack = vec![(0, 0)];
    while let Some((node, next)) = stack.pop() {
        if next == 0 {
            time += 1;
            interval[node].0 = time;
        }
        match children[node].get(next) {
            Some(&c) => {
                stack.push((node, next + 1));
                stack.push((c, 0));
            }
            None => interval[node].1 = time,
        }
    }
    interval
}
