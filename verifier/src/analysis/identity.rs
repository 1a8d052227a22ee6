//! Identities in their canonical form, and which of them survive a join.
//!
//! Canonical: numbered by first appearance (registers, then frame), the first member's delta is 0, and no
//! identity has one member only. So equal relations are equal numbers.

use alloc::vec::Vec;

use super::cell::{Bits, Packed};
use super::state::{Word, WordBits};

/// Memory for the work below, kept so that it is allocated once.
#[derive(Default)]
pub(crate) struct Classes {
    /// By identity.
    members: Vec<Members>,
    /// Cells that have one: registers, then words.
    related: Vec<u32>,
    /// What identities fall into at a join.
    split: Vec<Split>,
}

#[derive(Clone, Copy, Default)]
struct Members {
    count: u32,
    /// The new number; 0: none yet.
    id: u32,
    /// Of the first member.
    delta: i64,
}

/// Cells whose identities are `id` here and `other` there, at distances that differ by `shift`.
#[derive(Clone, Copy)]
struct Split {
    other: u32,
    shift: i64,
    /// The new number.
    id: u32,
    /// The next part of the same identity, as an index; or [`NONE`].
    next: u32,
}

const NONE: u32 = u32::MAX;

/// What [`canonicalize`] did.
pub(crate) struct Canonical {
    /// Above every identity.
    pub(crate) next_id: u32,
    /// Some word is not what it was.
    pub(crate) frame_changed: bool,
}

/// Makes identities canonical; all are below `next_id`.
pub(crate) fn canonicalize(
    registers: &mut [Bits; 16],
    frame: &mut [WordBits],
    next_id: u32,
    classes: &mut Classes,
) -> Canonical {
    let mut frame_changed = false;
    if next_id == 1 {
        // No identity was ever given.
        return Canonical {
            next_id,
            frame_changed,
        };
    }
    let Classes {
        members, related, ..
    } = classes;
    members.clear();
    members.resize(next_id as usize, Members::default());
    related.clear();
    let mut count = |at: usize, cell: Packed| {
        related.push(at as u32);
        if let Some(m) = members.get_mut(cell.id() as usize) {
            if m.count == 0 {
                m.delta = cell.delta();
            }
            m.count += 1;
        }
    };
    for (r, bits) in registers.iter().enumerate() {
        let cell = Packed::of(bits);
        if cell.id() != 0 {
            count(r, cell);
        }
    }
    for (i, bits) in frame.iter().enumerate() {
        let cell = Word::of(bits).cell;
        if cell.id() != 0 {
            count(registers.len() + i, cell);
        }
    }
    let mut next = 1;
    let mut number = |cell: &mut Packed| match members.get_mut(cell.id() as usize) {
        Some(m) if m.count > 1 => {
            if m.id == 0 {
                m.id = next;
                next += 1;
            }
            cell.set_identity(m.id, cell.delta().wrapping_sub(m.delta));
        }
        // Alone, it is related to nothing.
        _ => cell.set_identity(0, 0),
    };
    for &at in related.iter() {
        if let Some(bits) = registers.get_mut(at as usize) {
            let mut cell = Packed::of(bits);
            number(&mut cell);
            *bits = cell.bits();
        } else {
            let bits = &mut frame[at as usize - registers.len()];
            let mut word = Word::of(bits);
            number(&mut word.cell);
            let new = word.bits();
            frame_changed |= *bits != new;
            *bits = new;
        }
    }
    Canonical {
        next_id: next,
        frame_changed,
    }
}

impl Classes {
    /// Begins the join of a state whose identities are below `next_id`.
    pub(crate) fn begin(&mut self, next_id: u32) {
        self.members.clear();
        self.members.resize(next_id as usize, Members::default());
    }

    /// Whether a cell keeps its relation: all cells of its identity have met one identity of the other
    /// state, at one shift. `here` has an identity.
    pub(crate) fn keeps(&mut self, here: &Packed, there: &Packed) -> bool {
        if there.id() == 0 {
            return false;
        }
        let shift = here.delta().wrapping_sub(there.delta());
        match self.members.get_mut(here.id() as usize) {
            Some(m) if m.count == 0 => {
                *m = Members {
                    count: 1,
                    id: there.id(),
                    delta: shift,
                };
                true
            }
            Some(m) => m.id == there.id() && m.delta == shift,
            None => false,
        }
    }

    /// Begins to number the parts into which identities fall.
    pub(crate) fn begin_split(&mut self, next_id: u32) {
        self.begin(next_id);
        self.split.clear();
    }

    /// Gives a cell its new identity: a pair stays related when both states relate it by the same distance,
    /// then and only then both have the same (id here, id there, difference of deltas).
    pub(crate) fn split(&mut self, here: &mut Packed, there: Option<&Packed>) {
        let there = there.filter(|there| there.id() != 0);
        let (Some(there), true) = (there, here.id() != 0 && here.is_interval()) else {
            here.set_identity(0, 0);
            return;
        };
        let (other, shift) = (there.id(), here.delta().wrapping_sub(there.delta()));
        let id = match self.members.get_mut(here.id() as usize) {
            None => 0,
            Some(m) => part(m, &mut self.split, other, shift),
        };
        here.set_identity(id, here.delta());
    }

    /// Above every number that [`Classes::split`] gave.
    pub(crate) fn split_end(&self) -> u32 {
        self.split.len() as u32 + 1
    }
}

/// The number of a part of the identity `m`, whose parts are a list from `m.id` on.
fn part(m: &mut Members, split: &mut Vec<Split>, other: u32, shift: i64) -> u32 {
    let first = if m.count == 0 { NONE } else { m.id };
    let mut at = first;
    while let Some(part) = split.get(at as usize) {
        if part.other == other && part.shift == shift {
            return part.id;
        }
        at = part.next;
    }
    let index = split.len() as u32;
    (m.count, m.id) = (1, index);
    split.push(Split {
        other,
        shift,
        id: index + 1,
        next: first,
    });
    index + 1
}
