//! Abstract values (contract, rule 4) and their arithmetic.

/// Bit 63 clear: the largest masked address.
pub(crate) const MASKED_MAX: i128 = (1 << 63) - 1;
const U64_MAX: i128 = (1 << 64) - 1;

/// An interval of integers. A 64-bit register `r` is described by `[lo, hi]` when some `v` in the
/// interval is congruent to `r` modulo 2^64. Linear arithmetic keeps that; whatever needs the
/// number itself asks [`Interval::exact`] or [`Interval::signed`] first.
///
/// Invariant: `-2^63 <= lo <= hi < 2^64`; [`Interval::FULL`] describes every register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Interval {
    pub(crate) lo: i128,
    pub(crate) hi: i128,
}

impl Interval {
    pub(crate) const FULL: Interval = Interval { lo: 0, hi: U64_MAX };

    pub(crate) fn constant(v: i128) -> Interval {
        Interval::new(v, v)
    }

    /// The interval, or [`Interval::FULL`] when it leaves the representable range ("a wrap gives
    /// the full interval").
    pub(crate) fn new(lo: i128, hi: i128) -> Interval {
        let wraps = lo < -(1 << 63) || hi > U64_MAX || lo > hi || hi - lo >= U64_MAX;
        if wraps {
            Interval::FULL
        } else {
            Interval { lo, hi }
        }
    }

    /// All numbers of `bits` bits.
    pub(crate) fn of_bits(bits: u32) -> Interval {
        Interval {
            lo: 0,
            hi: if bits >= 64 { U64_MAX } else { (1 << bits) - 1 },
        }
    }

    pub(crate) fn as_constant(self) -> Option<i128> {
        (self.lo == self.hi).then_some(self.lo)
    }

    /// Whether the register, read as an unsigned number, is in the interval.
    pub(crate) fn exact(self) -> bool {
        self.lo >= 0
    }

    /// Whether the register, read as a signed 64-bit number, is in the interval.
    pub(crate) fn signed(self) -> bool {
        self.hi < 1 << 63
    }

    /// What the low `bits` bits are, as an unsigned number.
    pub(crate) fn low(self, bits: u32) -> Interval {
        let all = Interval::of_bits(bits);
        if self.lo >= 0 && self.hi <= all.hi {
            self
        } else if let (Some(c), true) = (self.as_constant(), bits < 64) {
            Interval::constant(c & all.hi)
        } else if bits >= 64 && self.hi < 0 {
            // A wholly negative interval is the same set of registers 2^64 higher.
            Interval {
                lo: self.lo + (1 << 64),
                hi: self.hi + (1 << 64),
            }
        } else {
            all
        }
    }

    /// A result of `bits` bits that the operation computed as an integer in `self`: kept where it
    /// did not wrap. Narrower results are zero-extended, so they must be unsigned.
    pub(crate) fn fit(self, bits: u32) -> Interval {
        if bits >= 64 {
            Interval::new(self.lo, self.hi)
        } else {
            self.low(bits)
        }
    }

    pub(crate) fn hull(self, other: Interval) -> Interval {
        Interval::new(self.lo.min(other.lo), self.hi.max(other.hi))
    }

    /// Raw sum: may leave the representable range. Callers apply [`Interval::fit`].
    pub(crate) fn add(self, other: Interval) -> Interval {
        Interval {
            lo: self.lo + other.lo,
            hi: self.hi + other.hi,
        }
    }

    pub(crate) fn sub(self, other: Interval) -> Interval {
        Interval {
            lo: self.lo - other.hi,
            hi: self.hi - other.lo,
        }
    }

    pub(crate) fn neg(self) -> Interval {
        Interval {
            lo: -self.hi,
            hi: -self.lo,
        }
    }

    pub(crate) fn not(self) -> Interval {
        Interval {
            lo: -self.hi - 1,
            hi: -self.lo - 1,
        }
    }

    /// Times `1 << count`, count below 64. Operands are at most 2^64 in size, so what might not fit 128
    /// bits does not fit 64 either.
    pub(crate) fn shl(self, count: u32) -> Interval {
        match (
            self.lo.checked_mul(1 << count),
            self.hi.checked_mul(1 << count),
        ) {
            (Some(lo), Some(hi)) => Interval { lo, hi },
            _ => Interval::FULL,
        }
    }

    /// Product with a constant; operands are below 2^64 in size, so nothing overflows 128 bits for
    /// |c| < 2^62; larger constants give the full interval.
    pub(crate) fn scale(self, c: i128) -> Interval {
        if c.unsigned_abs() >= 1 << 62 {
            return Interval::FULL;
        }
        let (a, b) = (self.lo * c, self.hi * c);
        Interval {
            lo: a.min(b),
            hi: a.max(b),
        }
    }

    /// Product of two unsigned numbers.
    pub(crate) fn mul(self, other: Interval) -> Interval {
        if self.lo < 0 || other.lo < 0 || self.hi >= 1 << 32 || other.hi >= 1 << 32 {
            return Interval::FULL;
        }
        Interval {
            lo: self.lo * other.lo,
            hi: self.hi * other.hi,
        }
    }

    /// Bitwise AND of two `bits`-bit operands.
    pub(crate) fn and(self, other: Interval, bits: u32) -> Interval {
        let (a, b) = (self.low(bits), other.low(bits));
        // x & y <= min(x, y) for unsigned numbers.
        Interval {
            lo: 0,
            hi: a.hi.min(b.hi),
        }
    }

    pub(crate) fn or(self, other: Interval, bits: u32) -> Interval {
        let (a, b) = (self.low(bits), other.low(bits));
        Interval {
            lo: a.lo.max(b.lo),
            hi: ones(a.hi | b.hi),
        }
    }

    pub(crate) fn xor(self, other: Interval, bits: u32) -> Interval {
        let (a, b) = (self.low(bits), other.low(bits));
        Interval {
            lo: 0,
            hi: ones(a.hi | b.hi),
        }
    }

    /// Logical shift right of a `bits`-bit operand by a constant below `bits`.
    pub(crate) fn shr(self, bits: u32, count: u32) -> Interval {
        let a = self.low(bits);
        Interval {
            lo: a.lo >> count,
            hi: a.hi >> count,
        }
    }

    /// Sign extension of the low `from` bits.
    pub(crate) fn sign_extend(self, from: u32) -> Interval {
        let half = 1i128 << (from - 1);
        if self.lo >= -half && self.hi < half {
            return self;
        }
        let low = self.low(from);
        if low.hi < half {
            low
        } else if low.lo >= half {
            Interval {
                lo: low.lo - 2 * half,
                hi: low.hi - 2 * half,
            }
        } else {
            Interval {
                lo: -half,
                hi: half - 1,
            }
        }
    }

    /// What remains known when bits below `1 << bits` are replaced by anything.
    pub(crate) fn replace_low(self, bits: u32) -> Interval {
        let (m, n) = ((1i128 << bits) - 1, self.low(64));
        Interval::new(n.lo & !m, n.hi | m)
    }
}

/// The smallest 2^n - 1 that is at least `v`.
fn ones(v: i128) -> i128 {
    if v <= 0 {
        0
    } else {
        ((1u128 << (128 - v.leading_zeros())) - 1) as i128
    }
}

/// An abstract value (contract, rule 4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Value {
    /// A number.
    Number(Interval),
    /// A number that rule 6 brought back into the interval after it had moved out of it. Its access
    /// may still be in flight, so the number may in truth lie outside by the steps that rule 6 allows.
    /// Addresses absorb that, and so do sums with constants. Whatever would enlarge the distance or
    /// take the bound for a fact (scaling, shifts, bits, table indices) must see no bound at all.
    Anchored(Interval),
    /// The link-time address of something in the image, made by `lea` off RIP.
    Address(u64),
    /// A sign-extended 32-bit entry of the table at the address, one of entries `lo..=hi`.
    TableEntry { table: u64, lo: u32, hi: u32 },
    /// The same after the table's address was added: an instruction's address.
    Target { table: u64, lo: u32, hi: u32 },
    /// The safe-stack address this many bytes from the return-address slot.
    Stack(i32),
    /// What the callee-saved register (iced's number: RAX = 0) held on entry.
    Entry(u8),
    /// Of two paths, unequal values that are not both numbers. `dirty`: a stack address may be
    /// among them. May only be moved.
    Conflict { dirty: bool },
}

impl Value {
    pub(crate) const UNKNOWN: Value = Value::Number(Interval::FULL);

    /// Whether a stack address may be in it (rule 9: only RSP holds one at a call).
    pub(crate) fn may_be_stack(self) -> bool {
        matches!(self, Value::Stack(_) | Value::Conflict { dirty: true })
    }

    /// Data in rule 4's sense: what any instruction may take as an operand.
    pub(crate) fn is_data(self) -> bool {
        matches!(
            self,
            Value::Number(_)
                | Value::Anchored(_)
                | Value::Address(_)
                | Value::TableEntry { .. }
                | Value::Target { .. }
        )
    }

    /// Least upper bound; `range` gives the interval of an address.
    pub(crate) fn join(self, other: Value, range: &impl Fn(u64) -> Interval) -> Value {
        if self == other {
            return self;
        }
        match (self.linear(range), other.linear(range)) {
            (Some((a, x)), Some((b, y))) => Value::of(a.hull(b), x || y),
            _ => Value::Conflict {
                dirty: self.may_be_stack() || other.may_be_stack(),
            },
        }
    }

    /// A number; `anchored`: [`Value::Anchored`], unless nothing is known of it anyway.
    pub(crate) fn of(interval: Interval, anchored: bool) -> Value {
        if anchored && interval != Interval::FULL {
            Value::Anchored(interval)
        } else {
            Value::Number(interval)
        }
    }

    /// Whether it is an interval that widening and identities are for.
    pub(crate) fn interval(self) -> Option<Interval> {
        match self {
            Value::Number(i) | Value::Anchored(i) => Some(i),
            _ => None,
        }
    }

    /// The value as an address or a term of a sum, and whether rule 6 vouches for it.
    pub(crate) fn linear(self, range: &impl Fn(u64) -> Interval) -> Option<(Interval, bool)> {
        match self {
            Value::Anchored(i) => Some((i, true)),
            other => other.number(range).map(|i| (i, false)),
        }
    }

    /// The value as a number that any operation may take, if it is data.
    pub(crate) fn number(self, range: &impl Fn(u64) -> Interval) -> Option<Interval> {
        match self {
            Value::Number(i) => Some(i),
            Value::Address(a) => Some(range(a)),
            Value::Anchored(_) => Some(Interval::FULL),
            // An entry is 32 bits, sign-extended.
            Value::TableEntry { .. } => Some(Interval {
                lo: -(1 << 31),
                hi: (1 << 31) - 1,
            }),
            Value::Target { .. } => Some(Interval::FULL),
            Value::Stack(_) | Value::Entry(_) | Value::Conflict { .. } => None,
        }
    }
}

/// An [`Interval`] without negative numbers, in half the space.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Natural {
    pub(crate) lo: u64,
    pub(crate) hi: u64,
}

impl Natural {
    pub(crate) fn constant(v: u64) -> Natural {
        Natural { lo: v, hi: v }
    }

    /// [`Interval::low`] for fewer than 64 bits.
    pub(crate) fn low(self, bits: u32) -> Natural {
        let all = (1 << bits) - 1;
        if self.hi <= all {
            self
        } else if self.lo == self.hi {
            Natural::constant(self.lo & all)
        } else {
            Natural { lo: 0, hi: all }
        }
    }

    /// [`Interval::hull`]
    pub(crate) fn hull(self, other: Natural) -> Natural {
        Natural {
            lo: self.lo.min(other.lo),
            hi: self.hi.max(other.hi),
        }
    }

    /// [`widen`]: this, which contains `old`.
    pub(crate) fn widened(self, old: Natural) -> Natural {
        let mut new = self;
        if self.lo < old.lo {
            // The first step down.
            new.lo = 0;
        }
        if self.hi > old.hi {
            match up(old.hi, self.hi) {
                Some(hi) => new.hi = hi,
                None => (new.lo, new.hi) = (0, u64::MAX),
            }
        }
        new
    }
}

/// Where widening stops on its way up and down: bounds that proofs need.
const UP: [u64; 14] = [
    0xff,
    0xffff,
    (1 << 31) - 1,
    (1 << 32) - 1,
    (1 << 33) - 1,
    (1 << 40) - 1,
    (1 << 47) - 1,
    1 << 56,
    MASKED_MAX as u64,
    MASKED_MAX as u64 + 64,
    MASKED_MAX as u64 + (1 << 10),
    MASKED_MAX as u64 + (1 << 16),
    MASKED_MAX as u64 + (1 << 20),
    MASKED_MAX as u64 + (1 << 33),
];
/// A bound that grows by no more than this at a time is a counter's or a pointer's on its way through memory.
const STEP: u64 = 1 << 16;

/// The bound to which one that grew from `old` to `new` is widened; `None`: there is none.
///
/// What stepped past one of the stops steps past the next as well, in the loop's next turn, unless something in the loop holds it:
/// 32-bit arithmetic, a mask, or the accesses of rule 6, which bring back what is at most 1 MiB beyond a masked address. So from above
/// 32 bits it goes on to the highest masked address, and from beyond that to the last that accesses bring back: any bound that contains the
/// new one is sound, and a counter that nothing holds reaches the end of the stops in half the turns.
fn up(old: u64, new: u64) -> Option<u64> {
    const NUMBER: u64 = (1 << 32) - 1;
    const MASKED: u64 = MASKED_MAX as u64;
    const LAST: u64 = MASKED + (1 << 20);
    let stepped = new - old <= STEP && UP.contains(&old);
    let at_least = match old {
        NUMBER..MASKED if stepped => new.max(MASKED),
        LAST.. if stepped => return None,
        _ if stepped && old > MASKED => new.max(LAST),
        _ => new,
    };
    UP.iter().copied().find(|&stop| stop >= at_least)
}

const DOWN: [i128; 7] = [
    0,
    -64,
    -(1 << 10),
    -(1 << 16),
    -(1 << 21) + (1 << 16),
    -(1 << 31),
    -(1 << 33),
];

/// Widens `new` against the `old` it contains.
pub(crate) fn widen(old: Interval, new: Interval) -> Interval {
    let hi = if new.hi > old.hi {
        let natural = |bound: i128| bound.max(0) as u64;
        up(natural(old.hi), natural(new.hi)).map_or(i128::MAX, i128::from)
    } else {
        new.hi
    };
    let lo = if new.lo < old.lo {
        DOWN.iter()
            .copied()
            .find(|&t| t <= new.lo)
            .unwrap_or(i128::MIN)
    } else {
        new.lo
    };
    if hi == i128::MAX || lo == i128::MIN {
        Interval::FULL
    } else {
        Interval::new(lo, hi)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn widening_contains_what_it_widens() {
        let near = |stop: u64| [stop - 1, stop, stop + 1, stop + STEP, stop + STEP + 1];
        let bounds: Vec<u64> = UP.into_iter().flat_map(near).collect();
        for &old in &bounds {
            for &new in bounds.iter().filter(|&&new| new > old) {
                let wide = up(old, new).unwrap_or(u64::MAX);
                assert!(wide >= new);
                if new - old > STEP || !UP.contains(&old) {
                    let least = UP.into_iter().find(|&stop| stop >= new);
                    assert_eq!(wide, least.unwrap_or(u64::MAX));
                }
            }
        }
    }

    /// What counts and is never held leaves the stops soon.
    #[test]
    fn counters_settle_in_few_turns() {
        for step in [1, 8, 64, 1 << 10, STEP] {
            let (mut bound, mut turns) = (0, 0);
            while let Some(wide) = up(bound, bound + step) {
                (bound, turns) = (wide, turns + 1);
            }
            assert!(turns <= 7, "{step}: {turns}");
        }
    }

    /// A pointer that is accessed in each turn of a loop is held at the masked addresses, whatever it began with.
    #[test]
    fn walking_pointers_stay_masked() {
        const MASKED: u64 = MASKED_MAX as u64;
        for step in [1, 8, 64, 1 << 10, STEP] {
            let mut bound = 0x40_0000;
            for _ in 0..10 {
                // Rule 6, then the step.
                assert!(bound <= MASKED + (1 << 20));
                let new = bound.min(MASKED) + step;
                if new > bound {
                    bound = up(bound, new).expect("it is brought back each time");
                }
            }
            assert!(bound > MASKED);
        }
    }
}
