//! What is known at the start of each block of a function, and how paths that meet are joined.

use alloc::vec::Vec;

use super::cell::{Bits, Packed, same};
use super::identity::{self, Classes};
use super::state::{State, Word, WordBits, offset};
use super::value::{Interval, Value, widen};

/// The states at the starts of a function's blocks, all canonical.
#[derive(Default)]
pub(crate) struct Known {
    /// By block: its index in `states`, or [`UNREACHED`].
    index: Vec<u32>,
    states: Vec<Kept>,
    /// The frames of all states. A join only ever shortens one, so each stays where it is.
    words: Vec<WordBits>,
    classes: Classes,
    /// The last name given to a frame; none is given twice.
    last_name: u64,
}

/// A [`State`] but for its frame.
struct Kept {
    registers: [Bits; 16],
    /// Where in `words` its frame is.
    frame: (usize, usize),
    /// See [`Frame`](super::state::Frame).
    name: u64,
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
        let (start, end) = kept.frame;
        state.frame.load(&self.words[start..end], kept.name);
        state.tested = kept.tested;
        state.flags = kept.flags;
        state.next_id = kept.next_id;
        state.stale = false;
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
        state: &mut State,
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
                last_name: &mut self.last_name,
            };
            return join.run();
        }
        *index = self.states.len() as u32;
        let start = self.words.len();
        self.words.extend_from_slice(&state.frame);
        if state.frame.name() == 0 {
            self.last_name += 1;
            state.frame.set_name(self.last_name);
        }
        self.states.push(Kept {
            registers: state.registers,
            frame: (start, self.words.len()),
            name: state.frame.name(),
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
    frame: &'a mut [WordBits],
    other: &'a mut State,
    widening: bool,
    range: &'a F,
    classes: &'a mut Classes,
    last_name: &'a mut u64,
}

/// What the join changed in the first state.
#[derive(Clone, Copy, Default)]
struct Change {
    value: bool,
    /// Some identity lost a member.
    lost: bool,
    /// Some identity may have fallen apart.
    doubt: bool,
    /// Some words of the frames were not equal.
    unequal: bool,
    /// Some word of the first is not what it was.
    word: bool,
}

impl<F: Fn(u64) -> Interval> Join<'_, F> {
    /// True if the first state changed.
    fn run(&mut self) -> bool {
        let other = &*self.other;
        let tested = match (self.kept.tested, other.tested) {
            (Some(x), Some(y)) => Some(x.max(y)),
            _ => None,
        };
        let flags = self.kept.flags.filter(|_| self.kept.flags == other.flags);
        let mut change = Change {
            value: (tested, flags) != (self.kept.tested, self.kept.flags),
            ..Change::default()
        };
        (self.kept.tested, self.kept.flags) = (tested, flags);
        // Values first: mostly few cells differ, and in few of them the first state knew more.
        if self.kept.registers != other.registers {
            for r in 0..16 {
                if !same(&self.kept.registers[r], &other.registers[r]) {
                    let mut cell = Packed::of(&self.kept.registers[r]);
                    self.cell(&mut cell, &Packed::of(&other.registers[r]), &mut change);
                    self.kept.registers[r] = cell.bits();
                }
            }
        }
        let before = self.frame.len();
        let mut words = before;
        if self.kept.name != other.frame.name() {
            words = self.words(&mut change);
            if change.word || words != before {
                *self.last_name += 1;
                self.kept.name = *self.last_name;
            } else if !change.unequal && words == self.other.frame.len() {
                self.other.frame.set_name(self.kept.name);
            }
        }
        self.kept.frame.1 = self.kept.frame.0 + words;
        change.value |= words != before;
        change.lost |= words != before;
        let broken =
            self.kept.next_id > 1 && (change.lost || change.doubt && self.falls_apart(words));
        if broken {
            self.relate(words);
            *self.last_name += 1;
            self.kept.name = *self.last_name;
        }
        change.value | broken
    }

    /// Joins the values of two cells that are not equal.
    fn cell(&self, a: &mut Packed, b: &Packed, change: &mut Change) {
        if a.id() != 0 && (a.id(), a.delta()) != (b.id(), b.delta()) {
            change.doubt = true;
        }
        if a.covers(b) {
            return;
        }
        let old = a.value();
        let new = self.join(old, b.value());
        if new != old {
            change.value = true;
            a.set_value(new);
            change.lost |= a.id() != 0 && !a.is_interval();
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
        /// So many words are compared at once.
        const RUN: usize = 8;
        let theirs = &self.other.frame;
        let (mut kept, mut here, mut there) = (0, 0, 0);
        while here < self.frame.len() {
            if kept == here
                && let Some(a) = self.frame.get(here..here + RUN)
                && let Some(b) = theirs.get(there..there + RUN)
                && a == b
            {
                (kept, here, there) = (kept + RUN, here + RUN, there + RUN);
                continue;
            }
            // Up to where the next run may begin.
            for _ in 0..RUN {
                let Some(x) = self.frame.get(here).copied() else {
                    break;
                };
                here += 1;
                while theirs.get(there).is_some_and(|y| offset(y) < offset(&x)) {
                    there += 1;
                }
                let Some(y) = theirs.get(there).filter(|y| offset(y) == offset(&x)) else {
                    continue;
                };
                there += 1;
                let mut joined = x;
                if !same(&x, y) {
                    change.unequal = true;
                    let mut word = Word::of(&x);
                    if !self.word(&mut word, &Word::of(y), change) {
                        continue;
                    }
                    joined = word.bits();
                    change.word |= !same(&x, &joined);
                }
                self.frame[kept] = joined;
                kept += 1;
            }
        }
        kept
    }

    /// Joins two words. False: nothing of it may be read.
    fn word(&self, x: &mut Word, y: &Word, change: &mut Change) -> bool {
        if x.written == 0xff && y.written == 0xff {
            self.cell(&mut x.cell, &y.cell, change);
            return true;
        }
        // One side is whole and may be no data: then nothing of it may be read.
        let side = |w: &Word| if w.only_moves() { 0 } else { w.written };
        let written = side(x) & side(y);
        let pending = (side(x) | x.pending) & (side(y) | y.pending) & !written;
        let word = Word::part(x.offset, written, pending);
        change.value |= *x != word;
        change.lost |= x.cell.id() != 0;
        *x = word;
        written | pending != 0
    }

    /// Whether the cells of some identity met different ones. (Frames have the same words.)
    fn falls_apart(&mut self, words: usize) -> bool {
        self.classes.begin(self.kept.next_id);
        let classes = &mut *self.classes;
        let mut keeps = |a: Packed, b: Packed| a.id() == 0 || classes.keeps(&a, &b);
        let mut registers = self.kept.registers.iter().zip(&self.other.registers);
        let mut theirs = self.other.frame.iter();
        !registers.all(|(a, b)| keeps(Packed::of(a), Packed::of(b)))
            || !self.frame[..words].iter().all(|x| {
                theirs
                    .find(|y| offset(y) == offset(x))
                    .is_some_and(|y| keeps(Word::of(x).cell, Word::of(y).cell))
            })
    }

    /// Finds out which relations are left, after the values were joined.
    fn relate(&mut self, words: usize) {
        self.classes.begin_split(self.kept.next_id);
        for (a, b) in self.kept.registers.iter_mut().zip(&self.other.registers) {
            let mut cell = Packed::of(a);
            self.classes.split(&mut cell, Some(&Packed::of(b)));
            *a = cell.bits();
        }
        let mut theirs = self.other.frame.iter();
        for x in &mut self.frame[..words] {
            let there = theirs.find(|y| offset(y) == offset(x));
            let mut word = Word::of(x);
            self.classes
                .split(&mut word.cell, there.map(|y| Word::of(y).cell).as_ref());
            *x = word.bits();
        }
        let canonical = identity::canonicalize(
            &mut self.kept.registers,
            &mut self.frame[..words],
            self.classes.split_end(),
            self.classes,
        );
        self.kept.next_id = canonical.next_id;
    }
}
