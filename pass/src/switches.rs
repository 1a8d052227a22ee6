//! Switches as jump tables that the verifier accepts (contract, rule 12).
//!
//! LLVM bounds a table's index with a comparison; a mispredicted branch would read past the table,
//! so the rule wants data flow. Here each dense part of a switch becomes
//! `i = x - low; if i < span: switch (i & (2^k - 1))` with all 2^k cases and an unreachable default (without the
//! comparison, if the source's default is unreachable):
//! LLVM then makes a table without a test of its own, and the `and` bounds the index. What is left
//! over is too sparse for LLVM to make a table of it.

use crate::llvm::{Block, Builder, Function, IntPredicate, Module, Opcode, Value};
use crate::mask::bounds;
use std::collections::HashMap;

/// LLVM's own thresholds for tables (`-min-jump-table-entries`, `-jump-table-density`): whatever it
/// would make a table of must be one of ours.
const MIN_ENTRIES: usize = 4;
const DENSITY_PERCENT: u128 = 10;
/// Largest table, in entries before rounding up; larger ranges are cut.
const MAX_SPAN: u128 = 1 << 16;

/// A run of cases that become one table: `cases[from..to]`.
struct Dense {
    from: usize,
    to: usize,
}

/// Rewrites every switch of the module.
pub fn run(module: &Module<'_>) {
    for function in module.defined_functions() {
        for block in function.blocks() {
            if let Some(end) = block.terminator()
                && end.opcode() == Some(Opcode::LLVMSwitch)
            {
                rewrite(module, function, block, end);
            }
        }
    }
}

fn rewrite(module: &Module<'_>, function: Function, block: Block, switch: Value) {
    let (Some(on), Some(default)) = (switch.operand(0), switch.switch_default()) else {
        return;
    };
    let width = on.ty().int_width();
    if width == 0 || width > 64 {
        return; // LLVM makes compare trees of wider ones
    }
    let mut cases: Vec<(i64, Value, Block)> = switch
        .switch_cases()
        .into_iter()
        .filter_map(|(v, to)| v.const_i64().map(|n| (n, v, to)))
        .collect();
    cases.sort_unstable_by_key(|c| c.0);
    if width < 32 {
        without_sign(&mut cases, width);
    }
    let dense = dense_parts(&cases);
    let whole = matches!(dense[..], [Dense { from: 0, to }] if to == cases.len());
    if dense.is_empty() || (whole && becomes_bit_tests(&cases, width)) {
        return;
    }

    let context = module.context();
    let builder = Builder::new(context);
    let mut edges = Edges::of(&cases, default);
    let impossible = default
        .first()
        .is_some_and(|i| i.opcode() == Some(Opcode::LLVMUnreachable));
    builder.before(switch);
    let mut last = block;
    for part in &dense {
        let low = cases[part.from].0;
        let span = (cases[part.to - 1].0 as i128 - low as i128 + 1) as u64;
        let entries = span.next_power_of_two();
        let moved = if low == 0 {
            on
        } else {
            builder.sub(on, on.ty().constant(low as u64))
        };
        let bound = bounds::upper(moved);
        let everything = u128::from(entries - 1);
        // If LLVM can see that the `and` does nothing it drops it; where the verifier could not see
        // the same, the index is hidden from LLVM first. It costs no instruction.
        // (A narrow value may sit in a register whose upper bits LLVM does not care about: there only
        // the bound that its type gives counts.)
        // (A bound that comes round a loop is one for LLVM; the verifier widens there. One from another block is forgotten
        // where the value is spilled in 32 bits.)
        let visible = bound.is_some_and(|b| b <= everything)
            && !rests_on_phi(moved, 8)
            && (width < 32 || stays_in_register(moved, switch, 8))
            && (width >= 32 || everything >= (1u128 << width) - 1);
        let moved = if visible {
            moved
        } else {
            opaque(module, &builder, moved)
        };

        let table = function.append_block(context, "table");
        let trap = function.append_block(context, "table.none");
        table.move_after(last);
        let next = function.append_block(context, "table.else");
        next.move_after(table);
        let is_certain = impossible && part.from == 0 && part.to == cases.len();
        // Without the comparison the table's own rest leads to the default, at the price of at most as many entries again.
        if is_certain || visible || bound.is_some_and(|b| b < u128::from(span)) {
            builder.br(table);
            // Nothing comes here; the rest of the chain stays well formed.
        } else {
            let inside = builder.icmp(IntPredicate::LLVMIntULT, moved, moved.ty().constant(span));
            builder.cond_br(inside, table, next);
        }
        builder.at_end(trap);
        builder.unreachable();
        builder.at_end(table);
        let index = if !visible {
            builder.and(moved, moved.ty().constant(entries - 1))
        } else if width < 32 {
            // LLVM would begin the table with the negative ones.
            builder.zext(moved, context.i32())
        } else {
            moved
        };
        let fresh = builder.switch(index, trap, entries as u32);
        let mut known = cases[part.from..part.to].iter().peekable();
        for n in 0..entries {
            let value = (low as i128 + i128::from(n)) as i64;
            let to = match known.next_if(|c| n < span && c.0 == value) {
                Some(case) => case.2,
                None => default,
            };
            fresh.add_case(index.ty().constant(n), to);
            edges.add(table, to);
        }
        builder.at_end(next);
        last = next;
    }
    // The sparse rest.
    let rest: Vec<_> = cases
        .iter()
        .enumerate()
        .filter(|(n, _)| !dense.iter().any(|d| (d.from..d.to).contains(n)))
        .map(|(_, c)| *c)
        .collect();
    if rest.is_empty() {
        builder.br(default);
        edges.add(last, default);
    } else {
        let fresh = builder.switch(on, default, rest.len() as u32);
        edges.add(last, default);
        for (_, value, to) in rest {
            fresh.add_case(value, to);
            edges.add(last, to);
        }
    }
    switch.erase();
    edges.repair(module, block);
}

/// Takes narrow cases as numbers without a sign if they lie closer together then: a table for the bytes from 0 to
/// 200 begins with 0, and the byte is its index.
fn without_sign(cases: &mut [(i64, Value, Block)], width: u32) {
    let span = |cases: &[(i64, Value, Block)]| match (cases.first(), cases.last()) {
        (Some(first), Some(last)) => last.0 - first.0,
        _ => 0,
    };
    let signed = span(cases);
    for case in cases.iter_mut() {
        case.0 &= (1 << width) - 1;
    }
    cases.sort_unstable_by_key(|c| c.0);
    if span(cases) >= signed {
        for case in cases.iter_mut() {
            // Extends the sign.
            case.0 = case.0 << (64 - width) >> (64 - width);
        }
        cases.sort_unstable_by_key(|c| c.0);
    }
}

/// Does LLVM make bit tests of it (`x < 33 && (1 << x) & constant`), and no table?
///
/// Its rule (`isSuitableForBitTests`) for cases that fit in a word: at least 3 runs of cases that lead to one block, 5 to
/// two, 6 to three, with 3 to one of them. Where it finds no table in the whole it looks for tables in parts of at least
/// four runs that are dense enough; with one target, or if nothing is so sparse that it is cut, there are none.
fn becomes_bit_tests(cases: &[(i64, Value, Block)], width: u32) -> bool {
    /// Densest limit that LLVM has, for functions optimised for size.
    const NEVER_CUT_PERCENT: i128 = 40;
    let suits = |cases: &[(i64, Value, Block)]| {
        let (Some(first), Some(last)) = (cases.first(), cases.last()) else {
            return false;
        };
        let span = i128::from(last.0) - i128::from(first.0) + 1;
        // Comparisons for each target: one for a single case, two for a run of them.
        let mut targets: HashMap<Block, usize> = HashMap::new();
        let mut rest = cases;
        while let [first, ..] = rest {
            let run = (1..rest.len())
                .find(|n| rest[*n].2 != first.2 || rest[*n].0 != rest[*n - 1].0 + 1)
                .unwrap_or(rest.len());
            *targets.entry(first.2).or_default() += if run == 1 { 1 } else { 2 };
            rest = &rest[run..];
        }
        let all: usize = targets.values().sum();
        let most = targets.values().max().copied().unwrap_or(0);
        let enough = match targets.len() {
            1 => true,
            2 => all >= 5 && cases.len() as i128 * 100 >= span * NEVER_CUT_PERCENT,
            3 => all >= 6 && cases.len() as i128 * 100 >= span * NEVER_CUT_PERCENT,
            _ => false,
        };
        span <= 64 && most >= 3 && enough
    };
    // Code generation extends narrow cases by zeros or by the sign: whichever it is.
    let mut other = cases.to_vec();
    if width < 32 {
        for case in &mut other {
            case.0 = if case.0 < 0 {
                case.0 & ((1 << width) - 1)
            } else {
                case.0 << (64 - width) >> (64 - width)
            };
        }
        other.sort_unstable_by_key(|c| c.0);
    }
    suits(cases) && suits(&other)
}

/// May the value's bound come from a phi?
fn rests_on_phi(value: Value, depth: u32) -> bool {
    value.is_phi()
        || (value.is_instruction()
            && !matches!(value.opcode(), Some(Opcode::LLVMLoad | Opcode::LLVMCall))
            && (depth == 0 || value.operands().iter().any(|v| rests_on_phi(*v, depth - 1))))
}

/// Is the value computed where the switch is, with no call between? LLVM reads 32 bits of a spilled value if the rest is
/// known to be zero, and the verifier keeps what it knows of whole words of the frame.
fn stays_in_register(value: Value, switch: Value, depth: u32) -> bool {
    if !value.is_instruction() {
        // A constant; a parameter has no bound.
        return true;
    }
    let mut at = switch.previous();
    let here = loop {
        match at {
            Some(i) if i == value => break true,
            Some(i) if !(i.is_call() && i.intrinsic().is_none()) => at = i.previous(),
            _ => break false,
        }
    };
    here && (matches!(value.opcode(), Some(Opcode::LLVMLoad | Opcode::LLVMCall))
        || (depth > 0
            && value
                .operands()
                .iter()
                .all(|v| stays_in_register(*v, switch, depth - 1))))
}

/// Greedy from the left: the longest run from each case that LLVM would still call dense.
fn dense_parts(cases: &[(i64, Value, Block)]) -> Vec<Dense> {
    let mut parts = Vec::new();
    let mut from = 0;
    while from < cases.len() {
        let mut best = None;
        for to in from + 1..=cases.len() {
            let span = (cases[to - 1].0 as i128 - cases[from].0 as i128 + 1) as u128;
            if span > MAX_SPAN {
                break;
            }
            let count = (to - from) as u128;
            if to - from >= MIN_ENTRIES && count * 100 >= span * DENSITY_PERCENT {
                best = Some(to);
            }
        }
        match best {
            Some(to) => {
                parts.push(Dense { from, to });
                from = to;
            }
            None => from += 1,
        }
    }
    parts
}

/// The same value, zero extended to at least 32 bits, but LLVM does not know that.
fn opaque(module: &Module<'_>, builder: &Builder<'_>, value: Value) -> Value {
    let context = module.context();
    let width = value.ty().int_width();
    let wide = if width <= 32 {
        context.i32()
    } else {
        context.i64()
    };
    let input = if value.ty() == wide {
        value
    } else {
        builder.zext(value, wide)
    };
    let ty = wide.function(&[wide], false);
    builder.call(ty, context.inline_asm(ty, "", "=r,0", false), &[input])
}

/// Edges into the switch's successors, to put their phis right.
struct Edges {
    /// Successors in the order they were met, with the blocks that now branch there (each once for
    /// every edge).
    new: Vec<(Block, Vec<Block>)>,
    number: HashMap<Block, usize>,
}

impl Edges {
    fn of(cases: &[(i64, Value, Block)], default: Block) -> Edges {
        let mut edges = Edges {
            new: Vec::new(),
            number: HashMap::new(),
        };
        for to in cases.iter().map(|c| c.2).chain([default]) {
            if !edges.number.contains_key(&to) {
                edges.number.insert(to, edges.new.len());
                edges.new.push((to, Vec::new()));
            }
        }
        edges
    }
    fn add(&mut self, from: Block, to: Block) {
        if let Some(n) = self.number.get(&to) {
            self.new[*n].1.push(from);
        }
    }
    /// Each phi of a successor gets, instead of its edges from `old`, one for each new edge.
    fn repair(&self, module: &Module<'_>, old: Block) {
        for (to, sources) in &self.new {
            for phi in to.phis() {
                let incoming = phi.incoming();
                let Some((value, _)) = incoming.iter().find(|(_, b)| *b == old) else {
                    continue;
                };
                let builder = Builder::new(module.context());
                builder.before(phi);
                let fresh = builder.phi(phi.ty());
                let same = |v: Value| if v == phi { fresh } else { v };
                for (v, b) in incoming.iter().filter(|(_, b)| *b != old) {
                    fresh.add_incoming(same(*v), *b);
                }
                for source in sources {
                    fresh.add_incoming(same(*value), *source);
                }
                phi.replace_all_uses_with(fresh);
                phi.erase();
            }
        }
    }
}
