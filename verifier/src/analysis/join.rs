//! What is known at the start of each block of a function, and how paths that meet are joined.

use alloc::vec::Vec;

use super::cell::Packed;
use super::identity::{self, Classes};
use super::state::{State, Word};
use super::value::{Interval, Value, widen};

/// The states at the starts of a function's blocks, all canonical.
#[derive(Default)]
pub(crate) struct Known {
    /// By block: its index in `states`, or [`UNREACHED`].
    index: Vec<u32>,
    states: Vec<Kept>,
    /// The frames of all states. A join only ever shortens one, so each stays where it is.
    words: Vec<Word>,
    classes: Classes,
}

/// A [`State`] but for its frame.
struct Kept {
    registers: [Packed; 16],
    /// Where in `words` its frame is.
    frame: (usize, usize),
    tested: Option<i32>,
    flags: Option<(i32, bool)>,
    next_id: u32,
}

const UNREACHED: u32 = u32::MAX;

impl Known {
    /// Forgets everything, for a function of so many blocks.
    pub(crate) fn reset(&mut self, blocks: usize) {
        self.index.clear();
        self.index.resize(blocks, UNREACHED);
        self.states.clear();
        self.words.clear();
    }

    fn kept(&self, block: usize) -> Option<&Kept> {
        let index = *self.index.get(block)?;
        self.states.get(index as usize)
    }

    pub(crate) fn is_reached(&self, block: usize) -> bool {
        self.kept(block).is_some()
    }

    /// The state at a block's start, into `state`. False: no path leads there.
    pub(crate) fn load(&self, block: usize, state: &mut State) -> bool {
        let Some(kept) = self.kept(block) else {
            return false;
        };
        state.registers = kept.registers;
        state.frame.clear();
        state
            .frame
            .extend_from_slice(&self.words[kept.frame.0..kept.frame.1]);
        state.tested = kept.tested;
        state.flags = kept.flags;
        state.next_id = kept.next_id;
        true
    }

    /// For [`State::canonicalize`].
    pub(crate) fn classes(&mut self) -> &mut Classes {
        &mut self.classes
    }

    /// A path with the canonical `state` leads to a block. True: it knew less than that was so for the
    /// block before.
    pub(crate) fn enter(
        &mut self,
        block: usize,
        state: &State,
        widening: bool,
        range: &impl Fn(u64) -> Interval,
    ) -> bool {
        let Some(index) = self.index.get_mut(block) else {
            return false;
        };
        if let Some(kept) = self.states.get_mut(*index as usize) {
            let (start, end) = kept.frame;
            let mut join = Join {
                frame: &mut self.words[start..end],
                kept,
                other: state,
                widening,
                range,
                classes: &mut self.classes,
            };
            return join.run();
        }
        *index = self.states.len() as u32;
        let start = self.words.len();
        self.words.extend_from_slice(&state.frame);
        self.states.push(Kept {
            registers: state.registers,
            frame: (start, self.words.len()),
            tested: state.tested,
            flags: state.flags,
            next_id: state.next_id,
        });
        true
    }
}

/// The join of one state into another.
struct Join<'a, F> {
    kept: &'a mut Kept,
    frame: &'a mut [Word],
    other: &'a State,
    widening: bool,
    range: &'a F,
    classes: &'a mut Classes,
}

/// What the join of two cells changed in the first.
#[derive(Clone, Copy, Default)]
struct Change {
    value: bool,
    relation: bool,
}

impl<F: Fn(u64) -> Interval> Join<'_, F> {
    /// True if the first state changed.
    fn run(&mut self) -> bool {
        let other = self.other;
        let tested = match (self.kept.tested, other.tested) {
            (Some(x), Some(y)) => Some(x.max(y)),
            _ => None,
        };
        let flags = self.kept.flags.filter(|_| self.kept.flags == other.flags);
        let same = other.registers == self.kept.registers && other.frame == *self.frame;
        let mut changed = (tested, flags) != (self.kept.tested, self.kept.flags);
        (self.kept.tested, self.kept.flags) = (tested, flags);
        if same {
            // Both are canonical, so the join is the same once more.
            return changed;
        }
        let before = self.frame.len();
        // Values first. Relations are left alone; whether one is lost is found out on the way.
        self.classes.begin(self.kept.next_id);
        let mut change = Change::default();
        for r in 0..16 {
            let mut cell = self.kept.registers[r];
            self.cell(&mut cell, &other.registers[r], &mut change);
            self.kept.registers[r] = cell;
        }
        let words = self.words(&mut change);
        self.kept.frame.1 = self.kept.frame.0 + words;
        changed |= change.value | change.relation | (words != before);
        if change.relation || words != before {
            self.relate(words);
        }
        changed
    }

    /// Joins the values of two cells.
    #[inline]
    fn cell(&mut self, a: &mut Packed, b: &Packed, change: &mut Change) {
        if a.id() != 0 && !self.classes.keeps(a, b) {
            change.relation = true;
        }
        if !a.same_value(b) {
            let (old, new) = (a.value(), self.join(a.value(), b.value()));
            if new != old {
                change.value = true;
                a.set_value(new);
                change.relation |= a.id() != 0 && !a.is_interval();
            }
        }
    }

    fn join(&self, old: Value, other: Value) -> Value {
        let joined = old.join(other, self.range);
        if let (true, Some(n)) = (self.widening, joined.interval())
            && let Some((o, _)) = old.linear(self.range)
            && n != o
        {
            return Value::of(widen(o, n), matches!(joined, Value::Anchored(_)));
        }
        joined
    }

    /// Joins the frames; what only one has is dropped. Returns the new length.
    fn words(&mut self, change: &mut Change) -> usize {
        let mut theirs = self.other.frame.iter().peekable();
        let mut kept = 0;
        for i in 0..self.frame.len() {
            let mut x = self.frame[i];
            while theirs.next_if(|y| y.offset < x.offset).is_some() {}
            let Some(y) = theirs.next_if(|y| y.offset == x.offset) else {
                continue;
            };
            if x.written == 0xff && y.written == 0xff {
                self.cell(&mut x.cell, &y.cell, change);
            } else {
                // One side is whole and may be no data: then nothing of it may be read.
                let side = |w: &Word| if w.only_moves() { 0 } else { w.written };
                let written = side(&x) & side(y);
                let pending = (side(&x) | x.pending) & (side(y) | y.pending) & !written;
                let word = Word::part(x.offset, written, pending);
                change.value |= x != word;
                change.relation |= x.cell.id() != 0;
                if written | pending == 0 {
                    continue;
                }
                x = word;
            }
            self.frame[kept] = x;
            kept += 1;
        }
        kept
    }

    /// Finds out which relations are left, after the values were joined.
    fn relate(&mut self, words: usize) {
        self.classes.begin_split(self.kept.next_id);
        for (a, b) in self.kept.registers.iter_mut().zip(&self.other.registers) {
            self.classes.split(a, Some(b));
        }
        let mut theirs = self.other.frame.iter().peekable();
        for x in &mut self.frame[..words] {
            while theirs.next_if(|y| y.offset < x.offset).is_some() {}
            let there = theirs.next_if(|y| y.offset == x.offset);
            self.classes
                .split(&mut x.cell, there.map(|word| &word.cell));
        }
        self.kept.next_id = identity::canonicalize(
            &mut self.kept.registers,
            &mut self.frame[..words],
            self.classes.split_end(),
            self.classes,
        );
    }
}
