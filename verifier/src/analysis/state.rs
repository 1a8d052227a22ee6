//! The abstract state at one instruction: registers, frame, and what the depth test has shown.

use alloc::vec;
use alloc::vec::Vec;

use super::value::{Interval, Value, widen};

/// iced-x86 numbers the general registers as the machine does; RSP is the fifth.
pub(crate) const RSP: usize = 4;
/// RBX, RBP, R12 to R15 (rule 11).
pub(crate) const CALLEE_SAVED: [usize; 6] = [3, 5, 12, 13, 14, 15];

/// A value with its identity: in one state, two cells of the same non-zero `id` hold values
/// whose difference is the difference of their `delta`s, modulo 2^64 (rule 4). An identity is a
/// relation within a state and means nothing outside it, so no loop can make it stale.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Cell {
    pub(crate) value: Value,
    pub(crate) id: u32,
    pub(crate) delta: i64,
}

impl Cell {
    pub(crate) const UNKNOWN: Cell = Cell::new(Value::UNKNOWN);

    pub(crate) const fn new(value: Value) -> Cell {
        Cell {
            value,
            id: 0,
            delta: 0,
        }
    }

    pub(crate) fn number(interval: Interval) -> Cell {
        Cell::new(Value::Number(interval))
    }
}

/// Eight aligned bytes of the frame. `cell` counts only when all bytes are `written`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Word {
    pub(crate) offset: i32,
    pub(crate) written: u8,
    /// Bytes, none of them `written`, that an x87 store has written unless it raised an unmasked
    /// exception: then it stored nothing, and the next waiting x87 instruction faults.
    pub(crate) pending: u8,
    pub(crate) cell: Cell,
}

/// The state before an instruction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct State {
    pub(crate) registers: [Cell; 16],
    /// Sorted by offset from the return-address slot; multiples of 8, all below 0.
    pub(crate) frame: Vec<Word>,
    /// The lowest `Stack(k)` at which rule 13's bit was seen set on every path to here.
    pub(crate) tested: Option<i32>,
    /// The flags are those of rule 13's test at `Stack(k)`: (k, true if by BT, so in CF).
    pub(crate) flags: Option<(i32, bool)>,
    next_id: u32,
}

impl State {
    /// On entry (rule 11).
    pub(crate) fn entry() -> State {
        let mut registers = [Cell::UNKNOWN; 16];
        registers[RSP] = Cell::new(Value::Stack(0));
        for r in CALLEE_SAVED {
            registers[r] = Cell::new(Value::Entry(r as u8));
        }
        State {
            registers,
            frame: Vec::new(),
            tested: None,
            flags: None,
            next_id: 1,
        }
    }

    /// RSP's distance from the return-address slot; rule 9 holds it in every reachable state.
    pub(crate) fn sp(&self) -> i32 {
        match self.registers[RSP].value {
            Value::Stack(k) => k,
            _ => 0,
        }
    }

    fn fresh(&mut self) -> u32 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// The register's cell, given an identity so that a copy can share it.
    pub(crate) fn shared_register(&mut self, r: usize) -> Cell {
        if self.registers[r].id == 0 && self.registers[r].value.interval().is_some() {
            self.registers[r].id = self.fresh();
            self.registers[r].delta = 0;
        }
        self.registers[r]
    }

    fn find(&self, offset: i32) -> Result<usize, usize> {
        self.frame.binary_search_by_key(&offset, |w| w.offset)
    }

    pub(crate) fn word(&self, offset: i32) -> Option<&Word> {
        self.find(offset).ok().and_then(|i| self.frame.get(i))
    }

    /// The aligned word's cell, given an identity; `None` unless all of it was written.
    pub(crate) fn shared_word(&mut self, offset: i32) -> Option<Cell> {
        let i = self.find(offset).ok()?;
        let word = *self.frame.get(i)?;
        if word.written != 0xff {
            return None;
        }
        if word.cell.id == 0 && word.cell.value.interval().is_some() {
            let id = self.fresh();
            self.frame[i].cell.id = id;
            self.frame[i].cell.delta = 0;
        }
        Some(self.frame[i].cell)
    }

    /// A whole aligned word is written.
    pub(crate) fn write_word(&mut self, offset: i32, cell: Cell) {
        let word = Word {
            offset,
            written: 0xff,
            pending: 0,
            cell,
        };
        match self.find(offset) {
            Ok(i) => self.frame[i] = word,
            Err(i) => self.frame.insert(i, word),
        }
    }

    /// Bytes `[offset, offset + size)` are written with data.
    pub(crate) fn write_bytes(&mut self, offset: i32, size: i32) {
        let mut base = offset & !7;
        while base < offset + size {
            let from = (offset - base).max(0);
            let to = (offset + size - base).min(8);
            let bits = (((1u16 << to) - 1) & !((1u16 << from) - 1)) as u8;
            match self.find(base) {
                Ok(i) => {
                    let word = &mut self.frame[i];
                    // What is left of a stack address or a saved register may not be read.
                    if word.written == 0xff && !word.cell.value.is_data() {
                        word.written = 0;
                    }
                    word.written |= bits;
                    word.pending &= !bits;
                    word.cell = Cell::UNKNOWN;
                }
                Err(i) => self.frame.insert(
                    i,
                    Word {
                        offset: base,
                        written: bits,
                        pending: 0,
                        cell: Cell::UNKNOWN,
                    },
                ),
            }
            base += 8;
        }
    }

    /// An x87 store to bytes `[offset, offset + size)`, which may not have happened.
    pub(crate) fn write_pending(&mut self, offset: i32, size: i32) {
        let mut base = offset & !7;
        while base < offset + size {
            let from = (offset - base).max(0);
            let to = (offset + size - base).min(8);
            let bits = (((1u16 << to) - 1) & !((1u16 << from) - 1)) as u8;
            match self.find(base) {
                Ok(i) => {
                    let word = &mut self.frame[i];
                    if word.written == 0xff && !word.cell.value.is_data() {
                        word.written = 0;
                    }
                    word.pending |= bits & !word.written;
                    word.cell = Cell::UNKNOWN;
                }
                Err(i) => self.frame.insert(
                    i,
                    Word {
                        offset: base,
                        written: 0,
                        pending: bits,
                        cell: Cell::UNKNOWN,
                    },
                ),
            }
            base += 8;
        }
    }

    /// A waiting x87 instruction goes on: no x87 store before it had failed.
    pub(crate) fn settle_pending(&mut self) {
        for word in &mut self.frame {
            word.written |= word.pending;
            word.pending = 0;
        }
    }

    /// The evidence of a failed x87 store may be cleared here.
    pub(crate) fn forget_pending(&mut self) {
        for word in &mut self.frame {
            word.pending = 0;
        }
        self.frame.retain(|w| w.written != 0);
    }

    /// Whether all bytes were written, and hold data.
    pub(crate) fn readable(&self, offset: i32, size: i32) -> Result<(), Unreadable> {
        let mut base = offset & !7;
        while base < offset + size {
            let from = (offset - base).max(0);
            let to = (offset + size - base).min(8);
            let bits = (((1u16 << to) - 1) & !((1u16 << from) - 1)) as u8;
            let Some(word) = self.word(base) else {
                return Err(Unreadable::Unwritten);
            };
            if word.written & bits != bits {
                return Err(Unreadable::Unwritten);
            }
            if word.written == 0xff && !word.cell.value.is_data() {
                return Err(Unreadable::NotData);
            }
            base += 8;
        }
        Ok(())
    }

    /// RSP moves; raising it forgets every slot below (rule 9).
    pub(crate) fn move_sp(&mut self, k: i32) {
        if k > self.sp() {
            let keep = self.frame.partition_point(|w| w.offset < k);
            self.frame.drain(..keep);
        }
        self.registers[RSP] = Cell::new(Value::Stack(k));
    }

    /// All cells, registers first.
    fn cells_mut(&mut self) -> impl Iterator<Item = &mut Cell> {
        self.registers
            .iter_mut()
            .chain(self.frame.iter_mut().map(|w| &mut w.cell))
    }

    /// Rule 6: the access at `base + displacement` completed, with `base`'s value before the
    /// instruction in cell (`id`, `delta`). Every cell of that identity is `x = base + q`; the
    /// address is `x + (displacement - q)`, mapped, hence at least 64 KiB (the contract's
    /// `mmap_min_addr`) and below 2^56. So with `displacement - q <= 2^16`, x is at least 0, and x
    /// is below 2^63. The contract's limit on the steps since the last access is a limit on how
    /// far the interval reaches out of [0, 2^63): 1 KiB below and 1 MiB above.
    pub(crate) fn re_anchor(&mut self, id: u32, delta: i64, displacement: i128) {
        for cell in self.cells_mut() {
            if cell.id != id {
                continue;
            }
            let q = i128::from(cell.delta) - i128::from(delta);
            if displacement - q <= 1 << 16 && displacement - q >= -(1 << 31) {
                cell.value = re_anchored(cell.value);
            }
        }
    }

    /// After a call, and under T1 at a table's target: nothing is taken as masked. Saved registers and stack
    /// addresses are what rules 9 and 11 prove, not masks.
    pub(crate) fn forget_numbers(&mut self) {
        for cell in self.cells_mut() {
            if cell.value.is_data() {
                *cell = Cell::UNKNOWN;
            }
        }
    }

    /// Joins `other` into `self`; true if `self` changed. Both are canonical, and so is the result.
    pub(crate) fn join(
        &mut self,
        other: &State,
        widening: bool,
        range: &impl Fn(u64) -> Interval,
    ) -> bool {
        if self == other {
            // Both are canonical, so the join would be the same once more.
            return false;
        }
        let mut changed = false;
        // A pair of cells stays related when both states relate it by the same distance: then and
        // only then both have the same (id here, id there, difference of deltas).
        let mut classes: Vec<((u32, u32, i64), u32)> = Vec::new();
        let mut class = |a: &Cell, b: &Cell| {
            if a.id == 0 || b.id == 0 {
                return (0, 0);
            }
            let key = (a.id, b.id, a.delta.wrapping_sub(b.delta));
            let id = match classes.iter().find(|c| c.0 == key) {
                Some(c) => c.1,
                None => {
                    let id = classes.len() as u32 + 1;
                    classes.push((key, id));
                    id
                }
            };
            (id, a.delta)
        };
        // Into `a`; true if the value changed. Whether identities did is seen after `canonicalize`.
        let mut merge = |a: &mut Cell, b: &Cell| {
            let (id, delta) = class(a, b);
            let old = a.value;
            if old != b.value {
                a.value = old.join(b.value, range);
                if let (true, Some(n)) = (widening, a.value.interval())
                    && let Some((o, _)) = old.linear(range)
                    && n != o
                {
                    a.value = Value::of(widen(o, n), matches!(a.value, Value::Anchored(_)));
                }
            }
            (a.id, a.delta) = if a.value.interval().is_some() {
                (id, delta)
            } else {
                (0, 0)
            };
            a.value != old
        };
        let related = self.identities();
        for (a, b) in self.registers.iter_mut().zip(&other.registers) {
            changed |= merge(a, b);
        }
        let words = self.frame.len();
        let mut b = other.frame.iter().peekable();
        self.frame.retain_mut(|x| {
            while b.next_if(|y| y.offset < x.offset).is_some() {}
            let Some(y) = b.next_if(|y| y.offset == x.offset) else {
                return false;
            };
            if x.written == 0xff && y.written == 0xff {
                changed |= merge(&mut x.cell, &y.cell);
                return true;
            }
            // One side is whole and may be no data: then nothing of it may be read.
            let side = |w: &Word| {
                if w.written == 0xff && !w.cell.value.is_data() {
                    0
                } else {
                    w.written
                }
            };
            let written = side(x) & side(y);
            let pending = (side(x) | x.pending) & (side(y) | y.pending) & !written;
            let word = Word {
                offset: x.offset,
                written,
                pending,
                cell: Cell::UNKNOWN,
            };
            changed |= *x != word;
            *x = word;
            written | pending != 0
        });
        changed |= self.frame.len() != words;
        let tested = match (self.tested, other.tested) {
            (Some(x), Some(y)) => Some(x.max(y)),
            _ => None,
        };
        let flags = if self.flags == other.flags {
            self.flags
        } else {
            None
        };
        changed |= tested != self.tested || flags != self.flags;
        (self.tested, self.flags) = (tested, flags);
        self.next_id = classes.len() as u32 + 1;
        self.canonicalize();
        changed || related != self.identities()
    }

    /// All identities, in order.
    fn identities(&self) -> Vec<(u32, i64)> {
        let cells = self
            .registers
            .iter()
            .chain(self.frame.iter().map(|w| &w.cell));
        cells.map(|c| (c.id, c.delta)).collect()
    }

    /// Numbers identities by first appearance, with the first member's delta 0, and drops those
    /// of one member: equal relations become equal states.
    pub(crate) fn canonicalize(&mut self) {
        if self.next_id == 1 {
            // No identity was ever given.
            return;
        }
        // By old identity: members, new identity, delta of the first member.
        let mut seen: Vec<(u32, u32, i64)> = vec![(0, 0, 0); self.next_id as usize];
        for cell in self.cells_mut() {
            if let (true, Some(s)) = (cell.id != 0, seen.get_mut(cell.id as usize)) {
                if s.0 == 0 {
                    s.2 = cell.delta;
                }
                s.0 += 1;
            }
        }
        let mut next = 1;
        for cell in self.cells_mut() {
            match seen.get_mut(cell.id as usize) {
                Some(s) if cell.id != 0 && s.0 > 1 => {
                    if s.1 == 0 {
                        s.1 = next;
                        next += 1;
                    }
                    (cell.id, cell.delta) = (s.1, cell.delta.wrapping_sub(s.2));
                }
                // Alone, it is related to nothing.
                _ => (cell.id, cell.delta) = (0, 0),
            }
        }
        self.next_id = next;
    }
}

/// Why bytes of the frame may not be read as data.
pub(crate) enum Unreadable {
    Unwritten,
    NotData,
}

/// The value when rule 6 shows it to lie in [0, 2^63) again.
pub(crate) fn re_anchored(value: Value) -> Value {
    use super::value::MASKED_MAX;
    match value.interval() {
        Some(i)
            if i.lo >= -(1 << 10)
                && i.hi <= MASKED_MAX + (1 << 20)
                && (i.lo < 0 || i.hi > MASKED_MAX) =>
        {
            // While the access is still in flight the value may lie outside after all; hence `Anchored`.
            Value::of(Interval::new(i.lo.max(0), i.hi.min(MASKED_MAX)), true)
        }
        _ => value,
    }
}
