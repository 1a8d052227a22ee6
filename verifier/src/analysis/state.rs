//! The abstract state at one instruction: registers, frame, and what the depth test has shown.

use alloc::vec::Vec;

use super::cell::{Anchor, Bits, Cell, Packed};
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

/// A [`Word`] as states keep it.
pub(crate) type WordBits = [u64; 5];

/// Its offset.
pub(crate) fn offset(bits: &WordBits) -> i32 {
    bits[0] as u32 as i32
}

impl Word {
    pub(crate) fn bits(&self) -> WordBits {
        let place = u64::from(self.offset as u32);
        let bytes = u64::from(self.written) | u64::from(self.pending) << 8;
        let [head, a, b, delta] = self.cell.bits();
        [place | bytes << 32, head, a, b, delta]
    }

    pub(crate) fn of(bits: &WordBits) -> Word {
        let [place, head, a, b, delta] = *bits;
        Word {
            offset: offset(bits),
            written: (place >> 32) as u8,
            pending: (place >> 40) as u8,
            cell: Packed::of(&[head, a, b, delta]),
        }
    }

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

/// The words of a frame, sorted by offset from the return-address slot; offsets are multiples of 8, all
/// below 0.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frame {
    words: Vec<WordBits>,
    /// Frames of one name are equal, so whatever changes a word takes the name away; 0: none.
    name: u64,
}

impl core::ops::Deref for Frame {
    type Target = [WordBits];

    fn deref(&self) -> &[WordBits] {
        &self.words
    }
}

impl Frame {
    fn edit(&mut self) -> &mut Vec<WordBits> {
        self.name = 0;
        &mut self.words
    }

    pub(super) fn name(&self) -> u64 {
        self.name
    }

    /// Names it as a frame that is equal.
    pub(super) fn set_name(&mut self, name: u64) {
        self.name = name;
    }

    /// Copies the frame of that name, unless it is this one.
    pub(super) fn load(&mut self, words: &[WordBits], name: u64) {
        if self.name == 0 || self.name != name {
            self.words.clear();
            self.words.extend_from_slice(words);
            self.name = name;
        }
    }
}

/// The state before an instruction.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(super) registers: [Bits; 16],
    pub(super) frame: Frame,
    /// The lowest `Stack(k)` at which rule 13's bit was seen set on every path to here.
    pub(crate) tested: Option<i32>,
    /// The flags are those of rule 13's test at `Stack(k)`: (k, true if by BT, so in CF).
    pub(crate) flags: Option<(i32, bool)>,
    /// Above every identity.
    pub(super) next_id: u32,
    /// Cells with identities came or went, so they may not be canonical.
    pub(super) stale: bool,
}

impl State {
    /// On entry (rule 11).
    pub(crate) fn entry() -> State {
        let mut registers = [Packed::UNKNOWN_BITS; 16];
        registers[RSP] = Packed::from(Cell::new(Value::Stack(0))).bits();
        for r in CALLEE_SAVED {
            registers[r] = Packed::from(Cell::new(Value::Entry(r as u8))).bits();
        }
        State {
            registers,
            frame: Frame::default(),
            tested: None,
            flags: None,
            next_id: 1,
            stale: false,
        }
    }

    /// The register's cell as it is kept.
    pub(super) fn packed(&self, r: usize) -> Packed {
        Packed::of(&self.registers[r])
    }

    /// RSP's distance from the return-address slot; rule 9 holds it in every reachable state.
    pub(crate) fn sp(&self) -> i32 {
        self.packed(RSP).stack().unwrap_or(0)
    }

    /// The register's value.
    pub(crate) fn value(&self, r: usize) -> Value {
        self.packed(r).value()
    }

    /// [`Value::is_data`] of the register.
    pub(crate) fn is_data(&self, r: usize) -> bool {
        self.packed(r).is_data()
    }

    /// [`Value::may_be_stack`] of the register.
    pub(crate) fn may_be_stack(&self, r: usize) -> bool {
        self.packed(r).may_be_stack()
    }

    /// The register's distance from the return-address slot, if it is an address of the frame.
    pub(crate) fn stack(&self, r: usize) -> Option<i32> {
        self.packed(r).stack()
    }

    /// The register's cell.
    pub(crate) fn register(&self, r: usize) -> Cell {
        self.packed(r).cell()
    }

    pub(crate) fn set_register(&mut self, r: usize, cell: Cell) {
        self.stale |= cell.id != 0 || self.packed(r).id() != 0;
        self.registers[r] = Packed::from(cell).bits();
    }

    /// [`State::set_register`]
    pub(super) fn set_packed(&mut self, r: usize, cell: Packed) {
        self.stale |= (cell.id() | self.packed(r).id()) != 0;
        self.registers[r] = cell.bits();
    }

    /// A register becomes what another is, and both know it.
    pub(super) fn copy_register(&mut self, to: usize, from: usize) {
        let mut cell = self.packed(from);
        if cell.id() == 0 && cell.is_interval() {
            cell.set_identity(self.fresh(), 0);
            self.registers[from] = cell.bits();
        }
        self.set_packed(to, cell);
    }

    /// Nothing is known of the register.
    pub(crate) fn forget_register(&mut self, r: usize) {
        self.set_packed(r, Packed::UNKNOWN);
    }

    pub(crate) fn swap_registers(&mut self, a: usize, b: usize) {
        self.stale = true;
        self.registers.swap(a, b);
    }

    fn fresh(&mut self) -> u32 {
        self.stale = true;
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// The register's cell, given an identity so that a copy can share it.
    pub(crate) fn shared_register(&mut self, r: usize) -> Cell {
        let mut cell = self.packed(r);
        if cell.id() == 0 && cell.is_interval() {
            cell.set_identity(self.fresh(), 0);
            self.registers[r] = cell.bits();
        }
        cell.cell()
    }

    /// What an access through the register may show (rule 6), if the register is an interval.
    pub(crate) fn anchor(&self, register: usize, displacement: i64) -> Option<Anchor> {
        let cell = self.packed(register);
        cell.is_interval().then_some(Anchor {
            register,
            id: cell.id(),
            delta: cell.delta(),
            displacement,
        })
    }

    fn find(&self, offset: i32) -> Result<usize, usize> {
        self.frame.binary_search_by_key(&offset, self::offset)
    }

    pub(crate) fn word(&self, offset: i32) -> Option<Word> {
        self.find(offset).ok().map(|i| Word::of(&self.frame[i]))
    }

    /// Puts a word where [`State::find`] found its place.
    fn put(&mut self, place: Result<usize, usize>, word: Word) {
        self.stale |= word.cell.id() != 0;
        match place {
            Ok(i) => {
                self.stale |= Word::of(&self.frame[i]).cell.id() != 0;
                self.frame.edit()[i] = word.bits();
            }
            Err(i) => self.frame.edit().insert(i, word.bits()),
        }
    }

    /// The aligned word's cell; `None` unless all of it was written.
    pub(crate) fn whole_word(&self, offset: i32) -> Option<Cell> {
        let word = self.word(offset)?;
        (word.written == 0xff).then(|| word.cell.cell())
    }

    /// The aligned word's cell, given an identity; `None` unless all of it was written.
    pub(crate) fn shared_word(&mut self, offset: i32) -> Option<Cell> {
        let i = self.find(offset).ok()?;
        let mut word = Word::of(&self.frame[i]);
        if word.written != 0xff {
            return None;
        }
        if word.cell.id() == 0 && word.cell.is_interval() {
            word.cell.set_identity(self.fresh(), 0);
            self.frame.edit()[i] = word.bits();
        }
        Some(word.cell.cell())
    }

    /// A whole aligned word is written.
    pub(crate) fn write_word(&mut self, offset: i32, cell: Cell) {
        let word = Word {
            offset,
            written: 0xff,
            pending: 0,
            cell: cell.into(),
        };
        self.put(self.find(offset), word);
    }

    /// Bytes `[offset, offset + size)` are written with data.
    pub(crate) fn write_bytes(&mut self, offset: i32, size: i32) {
        for (base, bits) in parts(offset, size) {
            let place = self.find(base);
            let (kept, pending) = self.parts_of(place);
            self.put(place, Word::part(base, kept | bits, pending & !bits));
        }
    }

    /// An x87 store to bytes `[offset, offset + size)`, which may not have happened.
    pub(crate) fn write_pending(&mut self, offset: i32, size: i32) {
        for (base, bits) in parts(offset, size) {
            let place = self.find(base);
            let (kept, pending) = self.parts_of(place);
            self.put(place, Word::part(base, kept, pending | bits & !kept));
        }
    }

    /// What is written and what is pending of the word at a place, once a part of it is overwritten.
    fn parts_of(&self, place: Result<usize, usize>) -> (u8, u8) {
        match place.map(|i| Word::of(&self.frame[i])) {
            // What is left of a stack address or a saved register may not be read.
            Ok(word) if word.only_moves() => (0, word.pending),
            Ok(word) => (word.written, word.pending),
            Err(_) => (0, 0),
        }
    }

    /// A waiting x87 instruction goes on: no x87 store before it had failed.
    pub(crate) fn settle_pending(&mut self) {
        if !self.is_pending() {
            return;
        }
        for bits in self.frame.edit() {
            let mut word = Word::of(bits);
            word.written |= word.pending;
            word.pending = 0;
            *bits = word.bits();
        }
    }

    /// The evidence of a failed x87 store may be cleared here.
    pub(crate) fn forget_pending(&mut self) {
        if !self.is_pending() {
            return;
        }
        self.frame.edit().retain_mut(|bits| {
            let mut word = Word::of(bits);
            word.pending = 0;
            *bits = word.bits();
            word.written != 0
        });
    }

    fn is_pending(&self) -> bool {
        self.frame.iter().any(|bits| Word::of(bits).pending != 0)
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
            let keep = self.frame.partition_point(|w| offset(w) < k);
            if keep > 0 {
                self.stale = true;
                self.frame.edit().drain(..keep);
            }
        }
        self.set_register(RSP, Cell::new(Value::Stack(k)));
    }

    /// Rule 6 for every cell: see [`Packed::re_anchor`]; the instruction has not written the register if
    /// it is related to no other cell. True if that alone was brought back.
    pub(crate) fn re_anchor(&mut self, anchor: &Anchor) -> bool {
        if anchor.id == 0 {
            let mut cell = self.packed(anchor.register);
            // The instruction may have stored it, which gives it an identity.
            let shown = cell.re_anchor(&Anchor {
                id: cell.id(),
                delta: cell.delta(),
                ..*anchor
            });
            if shown {
                self.registers[anchor.register] = cell.bits();
            }
            return shown;
        }
        for bits in &mut self.registers {
            let mut cell = Packed::of(bits);
            if cell.re_anchor(anchor) {
                *bits = cell.bits();
            }
        }
        for i in 0..self.frame.len() {
            let mut word = Word::of(&self.frame[i]);
            if word.cell.re_anchor(anchor) {
                self.frame.edit()[i] = word.bits();
            }
        }
        false
    }

    /// After a call, and under T1 at a table's target: nothing is taken as masked. Saved registers and stack
    /// addresses are what rules 9 and 11 prove, not masks.
    pub(crate) fn forget_numbers(&mut self) {
        self.stale = true;
        for r in 0..16 {
            if self.is_data(r) {
                self.forget_register(r);
            }
        }
        for i in 0..self.frame.len() {
            let mut word = Word::of(&self.frame[i]);
            if word.cell.is_data() && word.cell != Packed::UNKNOWN {
                word.cell = Packed::UNKNOWN;
                self.frame.edit()[i] = word.bits();
            }
        }
    }

    /// Gives equal relations equal identities: see [`identity::canonicalize`].
    pub(crate) fn canonicalize(&mut self, classes: &mut Classes) {
        if !self.stale {
            return;
        }
        self.stale = false;
        let canonical = identity::canonicalize(
            &mut self.registers,
            &mut self.frame.words,
            self.next_id,
            classes,
        );
        self.next_id = canonical.next_id;
        if canonical.frame_changed {
            self.frame.name = 0;
        }
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
