//! What operands hold, and writing results.

use crate::rule::Rule;

use super::cell::Cell;
use super::memory::{self, Place};
use super::op::Operand;
use super::transfer::Step;
use super::value::{Interval, Value};

impl Step<'_, '_, '_, '_> {
    pub(super) fn number(&self, value: Value) -> Option<Interval> {
        value.number(&|a| self.context.range(a))
    }

    pub(super) fn linear(&self, value: Value) -> Option<(Interval, bool)> {
        value.linear(&|a| self.context.range(a))
    }

    /// Width of operand `i` in bits.
    pub(super) fn bits(&self, i: usize) -> u32 {
        match self.op.operands[i] {
            Operand::General { bits, .. } => bits.into(),
            Operand::Vector { bits } => bits.into(),
            Operand::Memory => self
                .op
                .memory
                .map_or(64, |m| m.size.clamp(1, 64) as u32 * 8),
            _ => 64,
        }
    }

    /// What `size` bytes at the access's place hold; may be a value that only moves.
    pub(super) fn load(&mut self, size: i32) -> Cell {
        let bits = (size.clamp(1, 8) as u32) * 8;
        match self.place {
            Place::Frame(offset) if size == 8 && offset % 8 == 0 => {
                if let Some(cell) = self.state.whole_word(offset) {
                    return cell;
                }
                self.check_readable(offset, size);
                Cell::UNKNOWN
            }
            Place::Frame(offset) => {
                self.check_readable(offset, size);
                match self.state.word(offset & !7) {
                    Some(w) if offset % 8 == 0 && size < 8 && w.written == 0xff => {
                        match w.cell.value() {
                            Value::Number(n) => Cell::number(n.low(bits)),
                            _ => Cell::number(Interval::of_bits(bits)),
                        }
                    }
                    _ => Cell::number(Interval::of_bits(bits)),
                }
            }
            Place::Table { table, lo, hi } => Cell::new(Value::TableEntry { table, lo, hi }),
            _ => Cell::number(Interval::of_bits(bits)),
        }
    }

    pub(super) fn check_readable(&mut self, offset: i32, size: i32) {
        if let Err(why) = self.state.readable(offset, size) {
            memory::unreadable(&why, self.sink);
        }
    }

    /// Stores `size` bytes at the access's place.
    pub(super) fn store(&mut self, size: i32, cell: Cell) {
        match self.place {
            Place::Frame(offset) if size == 8 && offset % 8 == 0 => {
                self.state.write_word(offset, cell)
            }
            Place::Frame(offset) => {
                self.only_data(cell.value);
                self.state.write_bytes(offset, size);
            }
            _ => self.only_data(cell.value),
        }
    }

    /// Rule 9: only data leaves the frame.
    pub(super) fn only_data(&mut self, value: Value) {
        if !value.is_data() {
            self.sink.fail(Rule::R4, || {
                (
                    "a stack address, a caller's register or unequal values of two paths would be stored outside whole frame slots".into(),
                    "write the register before storing it",
                )
            });
        }
    }

    /// The 64-bit operand `i`, which was read as `cell`, once more: with an identity, so that what is made
    /// of it can share that.
    pub(super) fn shared_operand(&mut self, i: usize, cell: Cell) -> Cell {
        let shared = match (self.op.operands[i], self.place) {
            (Operand::General { register, .. }, _) => {
                Some(self.state.shared_register(register.into()))
            }
            (Operand::Memory, Place::Frame(offset)) if offset % 8 == 0 => {
                self.state.shared_word(offset)
            }
            _ => None,
        };
        shared.unwrap_or(cell)
    }

    /// The value of operand `i`, `bits` wide. Values that only move come back only from 64-bit
    /// operands.
    pub(super) fn operand(&mut self, i: usize, bits: u32) -> Cell {
        match self.op.operands[i] {
            Operand::General {
                register, bits: 64, ..
            } => self.state.register(register.into()),
            Operand::General { high: true, .. } => Cell::number(Interval::of_bits(8)),
            Operand::General { register, bits, .. } => {
                let known = self
                    .number(self.state.value(register.into()))
                    .unwrap_or(Interval::FULL);
                Cell::number(known.low(bits.into()))
            }
            Operand::Vector { .. } => Cell::number(Interval::of_bits(bits)),
            Operand::Memory => self.load(self.op.memory.map_or(8, |m| m.size)),
            Operand::Immediate => {
                let v = self.op.instruction.immediate(i as u32);
                Cell::number(if bits >= 64 {
                    Interval::constant(i128::from(v as i64))
                } else {
                    Interval::constant(i128::from(v & ((1 << bits) - 1)))
                })
            }
            Operand::None => Cell::UNKNOWN,
        }
    }

    /// Writes a result to operand 0.
    pub(super) fn result(&mut self, bits: u32, cell: Cell) {
        match self.op.operands[0] {
            Operand::Memory => self.store(bits as i32 / 8, cell),
            Operand::General { register, high, .. } => {
                self.write(register.into(), bits, high, cell)
            }
            _ => {}
        }
    }

    /// Writes `bits` bits of a register.
    pub(super) fn write(&mut self, r: usize, bits: u32, high: bool, cell: Cell) {
        let value = match bits {
            64.. => {
                self.state.set_register(r, cell);
                return;
            }
            32 => Value::Number(self.number(cell.value).unwrap_or(Interval::FULL).low(32)),
            _ => self.merge_low(r, if high { 16 } else { bits }),
        };
        self.state.set_register(r, Cell::new(value));
    }

    /// An 8- or 16-bit write changes only its bits (rule 4).
    pub(super) fn merge_low(&mut self, r: usize, bits: u32) -> Value {
        match self.state.value(r) {
            // What a caller's register holds is data, by induction over calls: rule 9 lets no register but RSP
            // hold a stack address at a call, a return address is never in a register, and
            // rule 12's entries leave no kernel data. So the mixture is data, of which nothing is known.
            Value::Entry(_) | Value::Conflict { dirty: false } => Value::UNKNOWN,
            value => match self.number(value) {
                Some(n) => Value::Number(n.replace_low(bits)),
                None => {
                    self.sink.fail(Rule::R4, || {
                        (
                            "part of a safe-stack address is overwritten".into(),
                            "such values may only be moved whole",
                        )
                    });
                    Value::UNKNOWN
                }
            },
        }
    }
}
