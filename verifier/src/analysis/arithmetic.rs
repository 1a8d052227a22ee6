//! What arithmetic does to intervals.

use iced_x86::{Mnemonic, Mnemonic::*};

use crate::features::Features;

use super::cell::Cell;
use super::memory::Place;
use super::op::Operand;
use super::transfer::Step;
use super::value::{Interval, Value};

impl Step<'_, '_, '_, '_> {
    /// Arithmetic with one result in operand 0. False: not modelled in this form.
    pub(super) fn arithmetic(&mut self, mnemonic: Mnemonic) -> bool {
        let count = self.op.count();
        if count == 0 || (mnemonic == Imul && count == 1) {
            return false;
        }
        let bits = self.bits(0);
        if !matches!(bits, 8 | 16 | 32 | 64) {
            return false;
        }
        if self.zero_idiom() {
            let n = if mnemonic == Sbb {
                Interval { lo: -1, hi: 0 }
            } else {
                Interval { lo: 0, hi: 0 }
            };
            self.result(bits, Cell::number(n.fit(bits)));
            return true;
        }
        let three = matches!(mnemonic, Andn | Bzhi | Shrx) || (mnemonic == Imul && count == 3);
        let unary_source = matches!(mnemonic, Popcnt | Lzcnt | Tzcnt | Bsf | Bsr);
        let (a, b) = match (count, three) {
            (_, true) => (self.operand(1, bits), self.operand(2, bits)),
            _ if unary_source => (self.operand(1, bits), Cell::UNKNOWN),
            (1, _) => (self.operand(0, bits), Cell::number(Interval::constant(1))),
            _ => (self.operand(0, bits), self.operand(1, bits)),
        };
        if let Some(target) = self.table_target(mnemonic, bits, a.value, b.value) {
            self.result(64, Cell::new(target));
            return true;
        }
        let (Some(x), Some(y)) = (self.number(a.value), self.number(b.value)) else {
            // A frame slot with a value that only moves.
            self.only_data(a.value);
            self.only_data(b.value);
            self.result(bits, Cell::UNKNOWN);
            return true;
        };
        // Sums keep what rule 6 vouches for; of two such terms, or the negative of one, nothing is known.
        let (mut x, mut y, mut anchored) = (x, y, false);
        if bits == 64
            && matches!(mnemonic, Add | Inc | Sub | Dec)
            && let (Some((p, pa)), Some((q, qa))) = (self.linear(a.value), self.linear(b.value))
            && pa != qa
            && (pa || mnemonic == Add)
        {
            (x, y, anchored) = (p, q, true);
        }
        let n = match mnemonic {
            Add | Inc => x.add(y),
            Sub | Dec => x.sub(y),
            Adc => x.add(y).add(Interval { lo: 0, hi: 1 }),
            Sbb => x.sub(y).sub(Interval { lo: 0, hi: 1 }),
            And => x.and(y, bits),
            Or => x.or(y, bits),
            Xor => x.xor(y, bits),
            Neg => x.neg(),
            Not => x.not(),
            Shl => match self.count(y, bits) {
                Some(c) => x.shl(c),
                None => Interval::FULL,
            },
            Shr | Shrx => match self.count(y, bits) {
                Some(c) => x.shr(bits, c),
                None => Interval {
                    lo: 0,
                    hi: x.low(bits).hi,
                },
            },
            Sar => match (self.count(y, bits), bits) {
                (Some(c), 64) if x.signed() => Interval {
                    lo: x.lo >> c,
                    hi: x.hi >> c,
                },
                (_, _) if x.lo >= 0 && x.hi < 1 << (bits - 1) => Interval { lo: 0, hi: x.hi },
                _ => Interval::FULL,
            },
            Imul => match (x.as_constant(), y.as_constant()) {
                (Some(c), _) => y.scale(signed(c, bits)),
                (_, Some(c)) => x.scale(signed(c, bits)),
                _ => x.mul(y),
            },
            Btr => match y.as_constant() {
                Some(c) => {
                    let bit = (c as u32) & (bits - 1);
                    x.and(
                        Interval::constant(Interval::of_bits(bits).hi & !(1i128 << bit)),
                        bits,
                    )
                }
                None => Interval {
                    lo: 0,
                    hi: x.low(bits).hi,
                },
            },
            Bzhi => match y.low(8).as_constant() {
                Some(c) if c < i128::from(bits) => x.and(Interval::of_bits(c as u32), bits),
                _ => Interval {
                    lo: 0,
                    hi: x.low(bits).hi,
                },
            },
            Andn => Interval {
                lo: 0,
                hi: y.low(bits).hi,
            },
            Popcnt => Interval {
                lo: 0,
                hi: i128::from(bits),
            },
            Tzcnt | Lzcnt | Bsf | Bsr => {
                // Rule 4: `bsf` and `bsr` leave the destination as it was when the source is
                // zero, and `tzcnt` is `bsf` on a CPU without BMI1, `lzcnt` `bsr` without LZCNT.
                let found = Interval {
                    lo: 0,
                    hi: i128::from(bits),
                };
                if (mnemonic == Tzcnt && self.has(Features::BMI1))
                    || (mnemonic == Lzcnt && self.has(Features::LZCNT))
                {
                    found
                } else {
                    let Operand::General { register, .. } = self.op.operands[0] else {
                        return false;
                    };
                    let r = usize::from(register);
                    let old = self.number(self.state.value(r));
                    if bits >= 32 {
                        let hull = old.map_or(Interval::FULL, |o| o.hull(found));
                        // A caller's register is data of which nothing is known: see `merge_low`.
                        if self.state.may_be_stack(r) {
                            self.only_data(self.state.value(r));
                        }
                        // The old value may survive whole: no zero extension.
                        self.state.set_register(r, Cell::number(hull.fit(64)));
                        return true;
                    }
                    Interval::FULL
                }
            }
            _ => return false,
        };
        let mut cell = Cell::new(Value::of(n.fit(bits), anchored));
        if bits == 64 && matches!(mnemonic, Add | Sub | Inc | Dec) {
            // "The same unknown value as X plus a constant."
            let related = match (mnemonic, y.as_constant(), x.as_constant()) {
                (Add | Inc, Some(c), _) => Some((a, c as i64)),
                (Sub | Dec, Some(c), _) => Some((a, (c as i64).wrapping_neg())),
                // The first operand becomes the sum, the second stays as it is: now two are related.
                (Add, _, Some(c)) => Some((self.shared_operand(1, b), c as i64)),
                _ => None,
            };
            if let Some((from, c)) = related
                && from.id != 0
            {
                cell.id = from.id;
                cell.delta = from.delta.wrapping_add(c);
            }
        }
        self.result(bits, cell);
        true
    }

    /// Rule 12: the addition of the table's address to its entry.
    fn table_target(&self, mnemonic: Mnemonic, bits: u32, a: Value, b: Value) -> Option<Value> {
        if mnemonic != Add || bits != 64 || self.op.memory_first() {
            return None;
        }
        match (a, b) {
            (Value::TableEntry { table, lo, hi }, Value::Address(t))
            | (Value::Address(t), Value::TableEntry { table, lo, hi })
                if t == table =>
            {
                Some(Value::Target { table, lo, hi })
            }
            _ => None,
        }
    }

    /// Rule 4: `cmpxchg` writes RAX or its destination, never surely zero-extending: hulls of old and new.
    pub(super) fn compare_exchange(&mut self, mnemonic: Mnemonic) -> bool {
        const RAX: usize = 0;
        const RDX: usize = 2;
        let bits = if mnemonic == Cmpxchg8b {
            32
        } else {
            self.bits(0)
        };
        if bits < 32 {
            return false;
        }
        let loaded = match mnemonic {
            Cmpxchg8b => Cell::number(Interval::of_bits(32)),
            _ => self.operand(0, bits),
        };
        let Some(new) = self.number(loaded.value) else {
            return false;
        };
        let mut changed = [(RAX, new), (RDX, new)];
        if mnemonic == Cmpxchg {
            let Some(source) = self
                .operand(1, bits)
                .value
                .number(&|a| self.context.range(a))
            else {
                return false;
            };
            changed[1] = match self.both_registers() {
                Some((r, _)) => (r, source),
                None => (RAX, new),
            };
        }
        if let (Some(m), Place::Frame(offset)) = (self.op.memory, self.place) {
            self.check_readable(offset, m.size);
            self.state.write_bytes(offset, m.size);
        }
        for (r, new) in changed {
            let old = self.number(self.state.value(r)).unwrap_or(Interval::FULL);
            self.state
                .set_register(r, Cell::number(old.hull(new.low(bits))));
        }
        true
    }

    /// A constant shift count; the CPU masks it to 5 or 6 bits.
    fn count(&self, y: Interval, bits: u32) -> Option<u32> {
        let c = (y.low(8).as_constant()? as u32) & if bits == 64 { 63 } else { 31 };
        (c < bits).then_some(c)
    }

    /// `mul` and `div`, whose results are in RDX:RAX.
    pub(super) fn wide(&mut self, mnemonic: Mnemonic) -> bool {
        const RAX: usize = 0;
        const RDX: usize = 2;
        let bits = self.bits(0);
        if bits < 32 {
            return false;
        }
        let source = self.operand(0, bits);
        let (Some(s), Some(a), Some(d)) = (
            self.number(source.value),
            self.number(self.state.value(RAX)),
            self.number(self.state.value(RDX)),
        ) else {
            return false;
        };
        let (s, a, d) = (s.low(bits), a.low(bits), d.low(bits));
        let all = Interval::of_bits(bits);
        let (low, high) = if mnemonic == Mul {
            match a.hi.checked_mul(s.hi) {
                Some(p) => (
                    if p <= all.hi {
                        Interval { lo: 0, hi: p }
                    } else {
                        all
                    },
                    Interval {
                        lo: 0,
                        hi: (p >> bits).min(all.hi),
                    },
                ),
                None => (all, all),
            }
        } else {
            let quotient = if d.hi == 0 {
                Interval { lo: 0, hi: a.hi }
            } else {
                all
            };
            (
                quotient,
                Interval {
                    lo: 0,
                    hi: (s.hi - 1).max(0),
                },
            )
        };
        self.state.set_register(RAX, Cell::number(low));
        self.state.set_register(RDX, Cell::number(high));
        true
    }
}

/// A constant operand of `bits` bits as a signed number.
fn signed(c: i128, bits: u32) -> i128 {
    let half = 1i128 << (bits - 1);
    if c >= half { c - 2 * half } else { c }
}
