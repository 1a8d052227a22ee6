//! The abstract state at one instruction: registers, frame, and what the depth test has shown.

use alloc::vec::Vec;

use super::cell::{Anchor, Cell, Packed};
use super::identity::{self, Classes};
use super::value::Value;

/// iced-x86 numbers the general registers as the machine does; RSP is the fifth.
pub(crate) const RSP: usize = 4;
/// RBX, RBP, R12 to R15 (rule 11).
pub(crate) const CALLEE_SAVED: [usize; 6] = [3, 5, 12, 13, 14, 15];

/// Eight aligned bytes of the frame. `cell` counts only when all bytes are `written`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Word {
    pub(crate) offset: i32,
    pub(crate) written: u8,
    /// Bytes, none of them `written`, that an x87 store has written unless it raised an unmasked
    /// exception: then it stored nothing, and the next waiting x87 instruction faults.
    pub(crate) pending: u8,
    pub(crate) cell: Packed,
}

impl Word {
    /// Some bytes are written, or may be: nothing is known of the whole.
    pub(crate) fn part(offset: i32, written: u8, pending: u8) -> Word {
        Word {
            offset,
            written,
            pending,
            cell: Packed::UNKNOWN,
        }
    }

    /// Whether all of it was written with a value that may only be moved.
    pub(crate) fn only_moves(&self) -> bool {
        self.written == 0xff && !self.cell.is_data()
    }
}

/// The state before an instruction.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(super) registers: [Packed; 16],
    /// Sorted by offset from the return-address slot; multiples of 8, all below 0.
    pub(super) frame: Vec<Word>,
    /// The lowest `Stack(k)` at which rule 13's bit was seen set on every path to here.
    pub(crate) tested: Option<i32>,
    /// The flags are those of rule 13's test at `Stack(k)`: (k, true if by BT, so in CF).
    pub(crate) flags: Option<(i32, bool)>,
    /// Above every identity.
    pub(super) next_id: u32,
}

impl State {
    /// On entry (rule 11).
    pub(crate) fn entry() -> State {
        let mut registers = [Packed::UNKNOWN; 16];
        registers[RSP] = Cell::new(Value::Stack(0)).into();
        for r in CALLEE_SAVED {
            registers[r] = Cell::new(Value::Entry(r as u8)).into();
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
        self.registers[RSP].stack().unwrap_or(0)
    }

    /// The register's value.
    pub(crate) fn value(&self, r: usize) -> Value {
        self.registers[r].value()
    }

    /// [`Value::is_data`] of the register.
    pub(crate) fn is_data(&self, r: usize) -> bool {
        self.registers[r].is_data()
    }

    /// [`Value::may_be_stack`] of the register.
    pub(crate) fn may_be_stack(&self, r: usize) -> bool {
        self.registers[r].may_be_stack()
    }

    /// The register's distance from the return-address slot, if it is an address of the frame.
    pub(crate) fn stack(&self, r: usize) -> Option<i32> {
        self.registers[r].stack()
    }

    /// The register's cell.
    pub(crate) fn register(&self, r: usize) -> Cell {
        self.registers[r].cell()
    }

    pub(crate) fn set_register(&mut self, r: usize, cell: Cell) {
        self.registers[r] = cell.into();
    }

    /// Nothing is known of the register.
    pub(crate) fn forget_register(&mut self, r: usize) {
        self.registers[r] = Packed::UNKNOWN;
    }

    pub(crate) fn swap_registers(&mut self, a: usize, b: usize) {
        self.registers.swap(a, b);
    }

    fn fresh(&mut self) -> u32 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// The register's cell, given an identity so that a copy can share it.
    pub(crate) fn shared_register(&mut self, r: usize) -> Cell {
        if self.registers[r].id() == 0 && self.registers[r].is_interval() {
            let id = self.fresh();
            self.registers[r].set_identity(id, 0);
        }
        self.registers[r].cell()
    }

    /// What an access through the register may show (rule 6), if the register is an interval.
    pub(crate) fn anchor(&mut self, register: usize, displacement: i64) -> Option<Anchor> {
        let cell = &self.registers[register];
        if !cell.is_interval() {
            return None;
        }
        let alone = cell.id() == 0;
        let cell = self.shared_register(register);
        Some(Anchor {
            register,
            id: cell.id,
            delta: cell.delta,
            displacement,
            alone,
        })
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
        if self.frame[i].written != 0xff {
            return None;
        }
        if self.frame[i].cell.id() == 0 && self.frame[i].cell.is_interval() {
            let id = self.fresh();
            self.frame[i].cell.set_identity(id, 0);
        }
        Some(self.frame[i].cell.cell())
    }

    /// A whole aligned word is written.
    pub(crate) fn write_word(&mut self, offset: i32, cell: Cell) {
        let word = Word {
            offset,
            written: 0xff,
            pending: 0,
            cell: cell.into(),
        };
        match self.find(offset) {
            Ok(i) => self.frame[i] = word,
            Err(i) => self.frame.insert(i, word),
        }
    }

    /// Bytes `[offset, offset + size)` are written with data.
    pub(crate) fn write_bytes(&mut self, offset: i32, size: i32) {
        for (base, bits) in parts(offset, size) {
            match self.find(base) {
                Ok(i) => {
                    let word = &mut self.frame[i];
                    // What is left of a stack address or a saved register may not be read.
                    let kept = if word.only_moves() { 0 } else { word.written };
                    *word = Word::part(base, kept | bits, word.pending & !bits);
                }
                Err(i) => self.frame.insert(i, Word::part(base, bits, 0)),
            }
        }
    }

    /// An x87 store to bytes `[offset, offset + size)`, which may not have happened.
    pub(crate) fn write_pending(&mut self, offset: i32, size: i32) {
        for (base, bits) in parts(offset, size) {
            match self.find(base) {
                Ok(i) => {
                    let word = &mut self.frame[i];
                    let kept = if word.only_moves() { 0 } else { word.written };
                    *word = Word::part(base, kept, word.pending | bits & !kept);
                }
                Err(i) => self.frame.insert(i, Word::part(base, 0, bits)),
            }
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
        if self.frame.iter().any(|word| word.pending != 0) {
            self.frame.retain_mut(|word| {
                word.pending = 0;
                word.written != 0
            });
        }
    }

    /// Whether all bytes were written, and hold data.
    pub(crate) fn readable(&self, offset: i32, size: i32) -> Result<(), Unreadable> {
        for (base, bits) in parts(offset, size) {
            let word = self.word(base).ok_or(Unreadable::Unwritten)?;
            if word.written & bits != bits {
                return Err(Unreadable::Unwritten);
            }
            if word.only_moves() {
                return Err(Unreadable::NotData);
            }
        }
        Ok(())
    }

    /// RSP moves; raising it forgets every slot below (rule 9).
    pub(crate) fn move_sp(&mut self, k: i32) {
        if k > self.sp() {
            let keep = self.frame.partition_point(|w| w.offset < k);
            self.frame.drain(..keep);
        }
        self.registers[RSP] = Cell::new(Value::Stack(k)).into();
    }

    /// Rule 6 for every cell: see [`Packed::re_anchor`]. True if the address register was not known to
    /// be an address.
    pub(crate) fn re_anchor(&mut self, anchor: &Anchor) -> bool {
        if anchor.alone {
            return self.registers[anchor.register].re_anchor(anchor);
        }
        for cell in &mut self.registers {
            cell.re_anchor(anchor);
        }
        for word in &mut self.frame {
            word.cell.re_anchor(anchor);
        }
        false
    }

    /// After a call, and under T1 at a table's target: nothing is taken as masked. Saved registers and stack
    /// addresses are what rules 9 and 11 prove, not masks.
    pub(crate) fn forget_numbers(&mut self) {
        let cells = self.registers.iter_mut();
        for cell in cells.chain(self.frame.iter_mut().map(|w| &mut w.cell)) {
            if cell.is_data() {
                *cell = Packed::UNKNOWN;
            }
        }
    }

    /// Gives equal relations equal identities: see [`identity::canonicalize`].
    pub(crate) fn canonicalize(&mut self, classes: &mut Classes) {
        self.next_id =
            identity::canonicalize(&mut self.registers, &mut self.frame, self.next_id, classes);
    }
}

/// The aligned words that `[offset, offset + size)` touches, and which bytes of each.
fn parts(offset: i32, size: i32) -> impl Iterator<Item = (i32, u8)> {
    let end = offset + size;
    let mut base = offset & !7;
    core::iter::from_fn(move || {
        (base < end).then(|| {
            let from = (offset - base).max(0);
            let to = (end - base).min(8);
            let bits = (((1u16 << to) - 1) & !((1u16 << from) - 1)) as u8;
            let part = (base, bits);
            base += 8;
            part
        })
    })
}

/// Why bytes of the frame may not be read as data.
pub(crate) enum Unreadable {
    Unwritten,
    NotData,
}
