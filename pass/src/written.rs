//! Which bytes of a local are written on every path before they are read.
//!
//! C lets a program copy what it never wrote (padding, the last bytes of a `long double`); on the
//! safe stack rule 9 of the contract does not.

use crate::cfg::Cfg;
use crate::llvm::{Function, Layout, Opcode, Value};
use crate::mask::address;
use std::collections::HashMap;

/// A local with its size in bytes, whose only users are known to be loads, stores, memory intrinsics
/// of constant size and lifetime markers at constant offsets.
#[derive(Debug, Clone, Copy)]
pub struct Local {
    /// The `alloca`.
    pub value: Value,
    /// Bytes.
    pub size: u64,
}

/// What an instruction does to bytes of a local, by their numbers among all locals' bytes.
#[derive(Clone, Copy)]
enum Event {
    Read { local: usize, from: u64, to: u64 },
    Write { from: u64, to: u64 },
    Forget { from: u64, to: u64 },
}

/// Bytes known to be written.
#[derive(Clone, PartialEq)]
struct Bytes(Vec<u64>);

impl Bytes {
    fn set(&mut self, from: u64, to: u64, written: bool) {
        for byte in from..to {
            let (word, bit) = (byte as usize / 64, 1 << (byte % 64));
            if written {
                self.0[word] |= bit;
            } else {
                self.0[word] &= !bit;
            }
        }
    }
    fn all(&self, from: u64, to: u64) -> bool {
        (from..to).all(|byte| self.0[byte as usize / 64] >> (byte % 64) & 1 == 1)
    }
    fn apply(&mut self, event: Event) {
        match event {
            Event::Read { .. } => {}
            Event::Write { from, to } => self.set(from, to, true),
            Event::Forget { from, to } => self.set(from, to, false),
        }
    }
}

/// Of these locals, the indices of those with a byte that may be read unwritten.
pub fn unwritten(layout: Layout, function: Function, locals: &[Local]) -> Vec<usize> {
    let Some(cfg) = Cfg::new(function) else {
        return Vec::new();
    };
    let (by_instruction, total) = collect(layout, locals);
    if by_instruction.is_empty() {
        return Vec::new();
    }
    let events: Vec<Vec<Event>> = cfg
        .blocks
        .iter()
        .map(|b| {
            let instructions = b.instructions();
            let known = instructions.iter().filter_map(|i| by_instruction.get(i));
            known.flatten().copied().collect()
        })
        .collect();
    let words = total.div_ceil(64) as usize;
    // At the end of each block; what was not looked at yet excludes nothing.
    let mut after: Vec<Option<Bytes>> = vec![None; cfg.blocks.len()];
    let before = |after: &[Option<Bytes>], node: usize| {
        let mut state = Bytes(vec![if node == 0 { 0 } else { u64::MAX }; words]);
        for known in cfg.predecessors[node]
            .iter()
            .filter_map(|p| after[*p].as_ref())
        {
            for (mine, theirs) in state.0.iter_mut().zip(&known.0) {
                *mine &= theirs;
            }
        }
        state
    };
    let mut changed = true;
    while changed {
        changed = false;
        for &node in &cfg.order {
            let mut state = before(&after, node);
            for event in &events[node] {
                state.apply(*event);
            }
            if after[node].as_ref() != Some(&state) {
                after[node] = Some(state);
                changed = true;
            }
        }
    }
    let mut found = Vec::new();
    for &node in &cfg.order {
        let mut state = before(&after, node);
        for event in &events[node] {
            if let Event::Read { local, from, to } = *event
                && !state.all(from, to)
            {
                found.push(local);
            }
            state.apply(*event);
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The events of each instruction, in order, and the number of bytes of all locals.
fn collect(layout: Layout, locals: &[Local]) -> (HashMap<Value, Vec<Event>>, u64) {
    let mut events: HashMap<Value, Vec<Event>> = HashMap::new();
    let mut start = 0;
    for (n, local) in locals.iter().enumerate() {
        let mut work = vec![(local.value, 0i64)];
        while let Some((pointer, offset)) = work.pop() {
            let range = |bytes: u64| {
                let from = start + (offset.max(0) as u64).min(local.size);
                (from, from.saturating_add(bytes).min(start + local.size))
            };
            let read = |bytes| {
                let (from, to) = range(bytes);
                Event::Read { local: n, from, to }
            };
            let write = |bytes| {
                let (from, to) = range(bytes);
                Event::Write { from, to }
            };
            for user in pointer.users() {
                let event = match user.opcode() {
                    Some(Opcode::LLVMGetElementPtr) => {
                        if let Some(step) = address::constant_step(layout, user) {
                            work.push((user, offset.wrapping_add(step)));
                        }
                        continue;
                    }
                    // A vector of three may be loaded as one of four.
                    Some(Opcode::LLVMLoad) if user.ty().is_vector() => {
                        read(layout.abi_size(user.ty()))
                    }
                    Some(Opcode::LLVMLoad) => read(layout.store_size(user.ty())),
                    Some(Opcode::LLVMStore) => {
                        write(user.operand(0).map_or(0, |v| layout.store_size(v.ty())))
                    }
                    Some(Opcode::LLVMCall) => {
                        let Some(name) = user.intrinsic() else {
                            continue;
                        };
                        let list = events.entry(user).or_default();
                        if name.starts_with("llvm.lifetime") {
                            let (from, to) = (start, start + local.size);
                            list.push(Event::Forget { from, to });
                        } else if name.starts_with("llvm.mem") {
                            let bytes = user.operand(2).and_then(Value::const_u64).unwrap_or(0);
                            if user.operand(0) == Some(pointer) {
                                list.push(write(bytes));
                            }
                            // It reads before it writes.
                            if user.operand(1) == Some(pointer) {
                                list.insert(0, read(bytes));
                            }
                        }
                        continue;
                    }
                    _ => continue,
                };
                events.entry(user).or_default().push(event);
            }
        }
        start += local.size;
    }
    (events, start)
}
