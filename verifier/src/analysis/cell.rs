//! A value with its identity, and the form in which states keep it.

use super::value::{Interval, MASKED_MAX, Natural, Value};

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

/// What an access that completed shows (rule 6): `register + displacement` was mapped, and the register
/// was the cell (`id`, `delta`) before the instruction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Anchor {
    pub(crate) register: usize,
    /// 0: no other cell was related to the register.
    pub(crate) id: u32,
    pub(crate) delta: i64,
    pub(crate) displacement: i64,
}

/// A [`Packed`] cell as states keep it: comparing many is comparing memory.
pub(crate) type Bits = [u64; 4];

/// Whether two cells or words are equal: a few of them, one by one.
#[inline(always)]
pub(crate) fn same<const N: usize>(a: &[u64; N], b: &[u64; N]) -> bool {
    let mut difference = 0;
    for i in 0..N {
        difference |= a[i] ^ b[i];
    }
    difference == 0
}

/// A cell in half the space, so that states are quickly copied and compared. Equal cells are equal
/// here, and the reverse.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Packed {
    /// [`kind`], and of an interval the signs of its bounds.
    head: u32,
    id: u32,
    a: u64,
    b: u64,
    delta: i64,
}

mod kind {
    pub(super) const NUMBER: u32 = 0;
    pub(super) const ANCHORED: u32 = 1;
    pub(super) const ADDRESS: u32 = 2;
    pub(super) const TABLE_ENTRY: u32 = 3;
    pub(super) const TARGET: u32 = 4;
    pub(super) const STACK: u32 = 5;
    pub(super) const ENTRY: u32 = 6;
    pub(super) const CONFLICT: u32 = 7;
    pub(super) const DIRTY_CONFLICT: u32 = 8;
    /// The part of the head that is the kind.
    pub(super) const MASK: u32 = 0xff;
    /// The lower bound is negative, the upper bound is.
    pub(super) const LO_NEGATIVE: u32 = 1 << 8;
    pub(super) const HI_NEGATIVE: u32 = 1 << 9;
}

impl From<Cell> for Packed {
    fn from(cell: Cell) -> Packed {
        let (head, a, b) = match cell.value {
            Value::Number(i) => interval(kind::NUMBER, i),
            Value::Anchored(i) => interval(kind::ANCHORED, i),
            Value::Address(a) => (kind::ADDRESS, a, 0),
            Value::TableEntry { table, lo, hi } => (kind::TABLE_ENTRY, table, pair(lo, hi)),
            Value::Target { table, lo, hi } => (kind::TARGET, table, pair(lo, hi)),
            Value::Stack(k) => (kind::STACK, k as u32 as u64, 0),
            Value::Entry(r) => (kind::ENTRY, u64::from(r), 0),
            Value::Conflict { dirty: false } => (kind::CONFLICT, 0, 0),
            Value::Conflict { dirty: true } => (kind::DIRTY_CONFLICT, 0, 0),
        };
        Packed {
            head,
            id: cell.id,
            a,
            b,
            delta: cell.delta,
        }
    }
}

/// Bounds lie in [-2^63, 2^64): 64 bits and a sign each.
fn interval(kind: u32, i: Interval) -> (u32, u64, u64) {
    let i = Interval::new(i.lo, i.hi);
    let lo = if i.lo < 0 { kind::LO_NEGATIVE } else { 0 };
    let hi = if i.hi < 0 { kind::HI_NEGATIVE } else { 0 };
    (kind | lo | hi, i.lo as u64, i.hi as u64)
}

fn pair(lo: u32, hi: u32) -> u64 {
    u64::from(lo) | u64::from(hi) << 32
}

impl Packed {
    pub(crate) const UNKNOWN: Packed = Packed {
        head: kind::NUMBER,
        id: 0,
        a: 0,
        b: u64::MAX,
        delta: 0,
    };

    /// Nothing is known.
    pub(crate) const UNKNOWN_BITS: Bits = Packed::UNKNOWN.bits();

    pub(crate) const fn bits(&self) -> Bits {
        let head = self.head as u64 | (self.id as u64) << 32;
        [head, self.a, self.b, self.delta as u64]
    }

    pub(crate) fn of(bits: &Bits) -> Packed {
        let [head, a, b, delta] = *bits;
        Packed {
            head: head as u32,
            id: (head >> 32) as u32,
            a,
            b,
            delta: delta as i64,
        }
    }

    pub(crate) fn cell(&self) -> Cell {
        Cell {
            value: self.value(),
            id: self.id,
            delta: self.delta,
        }
    }

    pub(crate) fn value(&self) -> Value {
        let (lo, hi) = (self.b as u32, (self.b >> 32) as u32);
        let table = self.a;
        match self.kind() {
            kind::NUMBER => Value::Number(self.bounds()),
            kind::ANCHORED => Value::Anchored(self.bounds()),
            kind::ADDRESS => Value::Address(self.a),
            kind::TABLE_ENTRY => Value::TableEntry { table, lo, hi },
            kind::TARGET => Value::Target { table, lo, hi },
            kind::STACK => Value::Stack(self.a as u32 as i32),
            kind::ENTRY => Value::Entry(self.a as u8),
            kind::CONFLICT => Value::Conflict { dirty: false },
            _ => Value::Conflict { dirty: true },
        }
    }

    fn kind(&self) -> u32 {
        self.head & kind::MASK
    }

    fn bounds(&self) -> Interval {
        let bound = |low: u64, sign: u32| {
            let n = i128::from(low);
            if self.head & sign == 0 {
                n
            } else {
                n - (1 << 64)
            }
        };
        Interval {
            lo: bound(self.a, kind::LO_NEGATIVE),
            hi: bound(self.b, kind::HI_NEGATIVE),
        }
    }

    pub(crate) fn same_value(&self, other: &Packed) -> bool {
        (self.a ^ other.a) | (self.b ^ other.b) | u64::from(self.head ^ other.head) == 0
    }

    /// Whether a join with `other` leaves the value as it is, for the common cases: equal values, an
    /// interval within another, any data where nothing is known.
    pub(crate) fn covers(&self, other: &Packed) -> bool {
        let within =
            (self.head | other.head == kind::NUMBER) & (self.a <= other.a) & (other.b <= self.b);
        within || self.same_value(other) || (self.is_unknown() && other.is_data())
    }

    /// A number without an identity.
    pub(crate) fn natural_number(n: Natural) -> Packed {
        Packed {
            a: n.lo,
            b: n.hi,
            ..Packed::UNKNOWN
        }
    }

    /// Its bounds, if it is [`Value::Number`] of bounds that are not negative.
    pub(crate) fn natural(&self) -> Option<Natural> {
        (self.head == kind::NUMBER).then_some(Natural {
            lo: self.a,
            hi: self.b,
        })
    }

    /// Replaces the value only.
    pub(crate) fn set_natural(&mut self, n: Natural) {
        (self.head, self.a, self.b) = (kind::NUMBER, n.lo, n.hi);
    }

    /// Nothing is known of it but that it is data.
    pub(crate) fn is_unknown(&self) -> bool {
        self.same_value(&Packed::UNKNOWN)
    }

    /// [`Value::is_data`]
    pub(crate) fn is_data(&self) -> bool {
        self.kind() <= kind::TARGET
    }

    /// Whether [`Value::interval`] is one: only such cells have identities.
    pub(crate) fn is_interval(&self) -> bool {
        self.kind() <= kind::ANCHORED
    }

    /// [`Value::may_be_stack`]
    pub(crate) fn may_be_stack(&self) -> bool {
        matches!(self.kind(), kind::STACK | kind::DIRTY_CONFLICT)
    }

    /// The distance, if it is [`Value::Stack`].
    pub(crate) fn stack(&self) -> Option<i32> {
        (self.kind() == kind::STACK).then_some(self.a as u32 as i32)
    }

    /// Its identity; 0: none.
    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// Its distance from others of the identity.
    pub(crate) fn delta(&self) -> i64 {
        self.delta
    }

    pub(crate) fn set_identity(&mut self, id: u32, delta: i64) {
        (self.id, self.delta) = (id, delta);
    }

    /// Replaces the value only.
    pub(crate) fn set_value(&mut self, value: Value) {
        *self = Packed::from(Cell {
            value,
            id: self.id,
            delta: self.delta,
        });
    }

    /// Rule 6: the access at `anchor` completed. This cell is `x = base + q` if it is of the same
    /// identity (or the register itself, unwritten); the address is `x + (displacement - q)`, mapped, hence at least 64 KiB (the contract's
    /// `mmap_min_addr`) and below 2^56. So with `displacement - q <= 2^16`, x is at least 0, and x
    /// is below 2^63. The contract's limit on the steps since the last access is a limit on how
    /// far the interval reaches out of [0, 2^63): 1 KiB below and 1 MiB above.
    ///
    /// True if the value was brought back into [0, 2^63).
    pub(crate) fn re_anchor(&mut self, anchor: &Anchor) -> bool {
        if self.id != anchor.id || !self.is_interval() {
            return false;
        }
        if self.natural().is_some_and(|n| n.hi <= MASKED_MAX as u64) {
            // Within already, as most are.
            return false;
        }
        let q = i128::from(self.delta) - i128::from(anchor.delta);
        let d = i128::from(anchor.displacement) - q;
        if !(-(1 << 31)..=1 << 16).contains(&d) {
            return false;
        }
        let i = self.bounds();
        let within = i.lo >= 0 && i.hi <= MASKED_MAX;
        if within || i.lo < -(1 << 10) || i.hi > MASKED_MAX + (1 << 20) {
            return false;
        }
        // While the access is still in flight the value may lie outside after all; hence `Anchored`.
        let shown = Interval::new(i.lo.max(0), i.hi.min(MASKED_MAX));
        self.set_value(Value::of(shown, true));
        true
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::super::value::widen;
    use super::*;

    #[test]
    fn packing_keeps_everything() {
        let bounds = [
            -(1i128 << 63),
            -1,
            0,
            1,
            0xff,
            0x100,
            1 << 56,
            (1 << 56) + 1,
            (1 << 63) - 1,
            1 << 63,
            (1 << 63) + (1 << 33),
            (1 << 64) - 1,
        ];
        let mut values = vec![
            Value::UNKNOWN,
            Value::Address(u64::MAX),
            Value::Stack(0),
            Value::Stack(-8192),
            Value::Stack(1 << 24),
            Value::Entry(15),
            Value::Conflict { dirty: false },
            Value::Conflict { dirty: true },
        ];
        for lo in bounds {
            for hi in bounds {
                let i = Interval::new(lo, hi);
                values.extend([Value::Number(i), Value::of(i, true)]);
            }
        }
        for (lo, hi) in [(0, 0), (1, u32::MAX)] {
            let table = 0x40_5000;
            values.push(Value::TableEntry { table, lo, hi });
            values.push(Value::Target { table, lo, hi });
        }
        for &a in &values {
            let cell = Cell {
                value: a,
                id: 7,
                delta: i64::MIN,
            };
            let packed = Packed::from(cell);
            assert_eq!(packed.cell(), cell);
            assert_eq!(Packed::of(&packed.bits()), packed);
            assert_eq!(packed.is_data(), a.is_data());
            assert_eq!(packed.may_be_stack(), a.may_be_stack());
            assert_eq!(packed.is_interval(), a.interval().is_some());
            for &b in &values {
                let other = Packed::from(Cell::new(b));
                assert_eq!(packed.same_value(&other), a == b);
                assert_eq!(packed == other, cell == other.cell());
                // The range of addresses may be any.
                for range in [Interval::new(-5, 5), Interval::new(1 << 16, 1 << 47)] {
                    assert!(!packed.covers(&other) || a.join(b, &|_| range) == a);
                }
                if let (Some(m), Some(n)) = (packed.natural(), other.natural()) {
                    let join = a.join(b, &|_| Interval::FULL);
                    let (old, new) = (a.interval().unwrap(), join.interval().unwrap());
                    let mut joined = packed;
                    joined.set_natural(m.hull(n));
                    assert_eq!(
                        joined.cell(),
                        Cell {
                            value: join,
                            ..cell
                        }
                    );
                    joined.set_natural(m.hull(n).widened(m));
                    assert_eq!(joined.value(), Value::Number(widen(old, new)));
                }
            }
        }
    }
}
