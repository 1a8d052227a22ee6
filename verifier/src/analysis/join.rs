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

/// Which registers are not equal, a bit each.
fn differing(a: &[Bits; 16], b: &[Bits; 16]) -> u16 {
    let mut all = 0;
    for r in 0..16 {
        all |= u16::from(!same(&a[r], &b[r])) << r;
    }
    all
}

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

/// How many words the frames begin with alike.
fn alike(a: &[WordBits], b: &[WordBits]) -> usize {
    /// So many words are compared at once.
    const RUN: usize = 8;
    let mut n = 0;
    while let (Some(x), Some(y)) = (a.get(n..n + RUN), b.get(n..n + RUN))
        && x.as_flattened() == y.as_flattened()
    {
        n += RUN;
    }
    let rest = a[n..].iter().zip(&b[n..]);
    n + rest.take_while(|(x, y)| same(x, y)).count()
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
        let mut differ = differing(&self.kept.registers, &other.registers);
        while differ != 0 {
            let r = differ.trailing_zeros() as usize;
            differ &= differ - 1;
            let mut cell = Packed::of(&self.kept.registers[r]);
            self.cell(&mut cell, &Packed::of(&other.registers[r]), &mut change);
            self.kept.registers[r] = cell.bits();
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
    #[inline(always)]
    fn cell(&self, a: &mut Packed, b: &Packed, change: &mut Change) {
        change.doubt |= a.id() != 0 && (a.id(), a.delta()) != (b.id(), b.delta());
        if a.covers(b) {
            return;
        }
        if let (Some(old), Some(other)) = (a.natural(), b.natural()) {
            // The same as below, for by far the most.
            let mut new = old.hull(other);
            if self.widening {
                new = new.widened(old);
            }
            a.set_natural(new);
            change.value = true;
            return;
        }
        self.unlike(a, b, change);
    }

    /// Joins the values of two cells where it takes long.
    fn unlike(&self, a: &mut Packed, b: &Packed, change: &mut Change) {
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
        let (mut kept, mut here, mut there) = (0, 0, 0);
        loop {
            let theirs = &self.other.frame;
            let alike = alike(&self.frame[here..], &theirs[there..]);
            if kept != here {
                self.frame.copy_within(here..here + alike, kept);
            }
            (kept, here, there) = (kept + alike, here + alike, there + alike);
            let (Some(x), Some(y)) = (self.frame.get(here), theirs.get(there)) else {
                return kept;
            };
            let (at, their) = (offset(x), offset(y));
            here += usize::from(at <= their);
            there += usize::from(their <= at);
            if at != their {
                continue;
            }
            change.unequal = true;
            let mut word = Word::of(x);
            if !self.word(&mut word, &Word::of(y), change) {
                continue;
            }
            let joined = word.bits();
            change.word |= !same(x, &joined);
            self.frame[kept] = joined;
            kept += 1;
        }
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
        let registers = self.kept.registers.iter().zip(&self.other.registers);
        let mut registers = registers.map(|(a, b)| (Packed::of(a), Packed::of(b)));
        let mut theirs = self.other.frame.iter();
        !registers.all(|(a, b)| a.id() == 0 || classes.keeps(&a, &b))
            || !self.frame[..words].iter().all(|x| {
                let cell = Word::of(x).cell;
                cell.id() == 0
                    || theirs
                        .find(|y| offset(y) == offset(x))
                        .is_some_and(|y| classes.keeps(&cell, &Word::of(y).cell))
            })
    }

    /// Finds out which relations are left, after the values were joined.
    fn relate(&mut self, words: usize) {
        self.classes.begin_split(self.kept.next_id);
        for (a, b) in self.kept.registers.iter_mut().zip(&self.other.registers) {
            let mut cell = Packed::of(a);
            if cell.id() != 0 {
                self.classes.split(&mut cell, Some(&Packed::of(b)));
                *a = cell.bits();
            }
        }
        let mut theirs = self.other.frame.iter();
        for x in &mut self.frame[..words] {
            let mut word = Word::of(x);
            if word.cell.id() != 0 {
                let there = theirs.find(|y| offset(y) == offset(x));
                self.classes
                    .split(&mut word.cell, there.map(|y| Word::of(y).cell).as_ref());
                *x = word.bits();
            }
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
