//! Short cuts through `transfer` for the instructions that programs mostly consist of, on values as states
//! keep them. Each does what [`Step::execute`](super::transfer::Step) does, or leaves it to that.

use iced_x86::{Mnemonic, Mnemonic::*};

use super::cell::Packed;
use super::memory::Place;
use super::op::{Form, Operand};
use super::transfer::Step;
use super::value::Natural;

/// Which short cut there is for an instruction, whatever its immediates and displacement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Quick {
    No,
    /// It writes no general register: `cmp`, `test`, stores, vector instructions.
    Reads,
    /// A whole register is copied.
    Copy {
        to: u8,
        from: u8,
    },
    /// A register receives memory, zero-extended.
    Load {
        to: u8,
    },
    /// A register receives an immediate, or zero.
    Constant {
        to: u8,
    },
    /// 32 or 64 bits of a register are computed from it and another operand, or copied from there.
    Compute {
        to: u8,
        wide: bool,
        work: Work,
    },
    /// The sum of an address's parts.
    Sum {
        to: u8,
        wide: bool,
    },
}

/// What is computed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Work {
    Move,
    Add,
    Sub,
    And,
    Or,
    Xor,
    Shl,
    Shr,
    /// A bit is cleared: what masks addresses.
    Clear,
    /// The low 8 or 16 bits.
    Extend,
}

impl Work {
    fn of(mnemonic: Mnemonic) -> Option<Work> {
        Some(match mnemonic {
            Mov => Work::Move,
            Add | Inc => Work::Add,
            Sub | Dec => Work::Sub,
            And => Work::And,
            Or => Work::Or,
            Xor => Work::Xor,
            Shl => Work::Shl,
            Shr => Work::Shr,
            Btr => Work::Clear,
            Movzx => Work::Extend,
            _ => return None,
        })
    }
}

impl Quick {
    /// The short cut for an instruction that is described otherwise.
    pub(super) fn of(op: &Form) -> Quick {
        let mnemonic = op.mnemonic();
        if op.string || op.writes_sp || matches!(mnemonic, Nop | Endbr64) {
            return Quick::No;
        }
        if op.writes().is_empty() {
            return Quick::Reads;
        }
        let [first, second, third] = op.operands;
        let Operand::General {
            register: to,
            bits: bits @ (32 | 64),
            ..
        } = first
        else {
            return Quick::No;
        };
        let wide = bits == 64;
        let zero = matches!(mnemonic, Xor | Sub) && first == second;
        match second {
            Operand::Memory if matches!(mnemonic, Mov | Movzx) && op.reads == 0 => {
                Quick::Load { to }
            }
            Operand::Memory if mnemonic == Lea => Quick::Sum { to, wide },
            Operand::General { register: from, .. } if mnemonic == Mov && wide => {
                Quick::Copy { to, from }
            }
            Operand::Immediate if mnemonic == Mov => Quick::Constant { to },
            Operand::General { .. } if zero => Quick::Constant { to },
            // `inc`, `dec`; other instructions have two operands.
            Operand::None if !matches!(mnemonic, Inc | Dec) => Quick::No,
            _ if third == Operand::None => match Work::of(mnemonic) {
                Some(work) => Quick::Compute { to, wide, work },
                None => Quick::No,
            },
            _ => Quick::No,
        }
    }
}

/// What the low bits of a number are, 64 or 32 of them.
fn low(n: Natural, wide: bool) -> Natural {
    if wide { n } else { n.low(32) }
}

impl Step<'_, '_, '_, '_> {
    /// Executes the instruction if it is simple, and so is what it works on. False: nothing was done.
    #[inline(always)]
    pub(super) fn quick(&mut self) -> bool {
        let result = match self.op.quick {
            Quick::No => return false,
            Quick::Reads => {
                return !matches!(self.place, Place::Frame(_)) && self.only_moves().is_none();
            }
            Quick::Copy { to, from } => {
                self.state.copy_register(to.into(), from.into());
                return true;
            }
            Quick::Load { to } => self.quick_load().map(|n| (to, n)),
            Quick::Constant { to } => self.quick_constant().map(|n| (to, n)),
            Quick::Compute { to, wide, work } => return self.quick_work(to, wide, work),
            Quick::Sum { to, wide } => self.quick_sum(wide).map(|n| (to, n)),
        };
        let Some((to, n)) = result else {
            return false;
        };
        self.state.set_packed(to.into(), Packed::natural_number(n));
        true
    }

    fn quick_load(&self) -> Option<Natural> {
        let size = self.op.memory?.size;
        let plain = matches!(
            self.place,
            Place::Ordinary(_) | Place::Elsewhere | Place::Nothing
        );
        (plain && matches!(size, 1 | 2 | 4 | 8)).then(|| Natural {
            lo: 0,
            hi: u64::MAX >> (64 - 8 * size),
        })
    }

    fn quick_constant(&self) -> Option<Natural> {
        let [first, second, _] = self.op.operands;
        if first == second {
            return Some(Natural::constant(0));
        }
        let v = self.op.instruction.immediate(1);
        match first {
            Operand::General { bits: 32, .. } => Some(low(Natural::constant(v), false)),
            _ => i64::try_from(v).ok().map(|_| Natural::constant(v)),
        }
    }

    /// The sum of two terms at most, if both are registers that are no negative numbers.
    fn quick_sum(&mut self, wide: bool) -> Option<Natural> {
        let m = self.op.memory?;
        let natural = |r: u8| self.state.packed(r.into()).natural();
        // With a base alone, the result is related to it: not so simple.
        let index = natural(m.index?)?;
        let base = match m.base {
            Some(r) => natural(r)?,
            None => Natural::constant(0),
        };
        if m.fixed {
            return None;
        }
        let end = |base: u64, index: u64| {
            let product = index.checked_mul(m.scale.into())?;
            base.checked_add(product)?
                .checked_add_signed(m.displacement)
        };
        let sum = Natural {
            lo: end(base.lo, index.lo)?,
            hi: end(base.hi, index.hi)?,
        };
        Some(low(sum, wide))
    }

    fn quick_work(&mut self, to: u8, wide: bool, work: Work) -> bool {
        let a = self.state.packed(to.into());
        let y = match self.op.operands[1] {
            Operand::General {
                register,
                bits,
                high: false,
            } => match (bits, self.state.packed(register.into()).natural()) {
                (32 | 64, Some(n)) => low(n, wide),
                (8 | 16, Some(n)) if work == Work::Extend => n.low(bits.into()),
                _ => return false,
            },
            Operand::Immediate => {
                let v = self.op.instruction.immediate(1);
                // A negative number is itself in bits only.
                if wide && v >> 63 != 0 && work != Work::And {
                    return false;
                }
                low(Natural::constant(v), wide)
            }
            Operand::Memory => match self.quick_load() {
                Some(n) => n,
                None => return false,
            },
            Operand::None => Natural::constant(1),
            _ => return false,
        };
        let x = match a.natural() {
            _ if matches!(work, Work::Move | Work::Extend) => y,
            Some(x) => low(x, wide),
            None => return false,
        };
        let Some(n) = work.out(x, y, wide) else {
            return false;
        };
        let mut cell = Packed::natural_number(low(n, wide));
        if wide && matches!(work, Work::Add | Work::Sub) {
            // "The same unknown value as X plus a constant."
            let c = y.lo as i64;
            if y.lo != y.hi {
                if work == Work::Add && x.lo == x.hi {
                    return false;
                }
            } else if a.id() != 0 {
                let c = if work == Work::Add {
                    c
                } else {
                    c.wrapping_neg()
                };
                cell.set_identity(a.id(), a.delta().wrapping_add(c));
            }
        }
        self.state.set_packed(to.into(), cell);
        true
    }
}

impl Work {
    /// The result, of which the low bits count; `None`: it is not known to be no negative number, or needs more bits.
    fn out(self, x: Natural, y: Natural, wide: bool) -> Option<Natural> {
        let count = || {
            let c = (y.lo & 0xff) & if wide { 63 } else { 31 };
            (y.lo == y.hi).then_some(c as u32)
        };
        Some(match self {
            Work::Move | Work::Extend => y,
            Work::Add => Natural {
                lo: x.lo.checked_add(y.lo)?,
                hi: x.hi.checked_add(y.hi)?,
            },
            Work::Sub => Natural {
                lo: x.lo.checked_sub(y.hi)?,
                hi: x.hi - y.lo,
            },
            Work::And => Natural {
                lo: 0,
                hi: x.hi.min(y.hi),
            },
            Work::Or => Natural {
                lo: x.lo.max(y.lo),
                hi: ones(x.hi | y.hi),
            },
            Work::Xor => Natural {
                lo: 0,
                hi: ones(x.hi | y.hi),
            },
            Work::Clear => {
                let (all, last) = if wide {
                    (u64::MAX, 63)
                } else {
                    (u32::MAX.into(), 31)
                };
                let bit = (y.lo == y.hi).then_some(y.lo & last)?;
                Natural {
                    lo: 0,
                    hi: x.hi.min(all & !(1 << bit)),
                }
            }
            Work::Shl => {
                let c = count()?;
                Natural {
                    lo: x.lo.checked_mul(1 << c)?,
                    hi: x.hi.checked_mul(1 << c)?,
                }
            }
            Work::Shr => {
                let c = count()?;
                Natural {
                    lo: x.lo >> c,
                    hi: x.hi >> c,
                }
            }
        })
    }
}

/// The smallest 2^n - 1 that is at least `v`.
fn ones(v: u64) -> u64 {
    u64::MAX.checked_shr(v.leading_zeros()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use iced_x86::{Decoder, DecoderOptions, FlowControl, InstructionInfoFactory};

    use super::super::cell::Cell;
    use super::super::context::Sink;
    use super::super::identity::Classes;
    use super::super::state::{RSP, State};
    use super::super::testing::{self, Random};
    use super::super::value::{Interval, Value};
    use super::super::{allow, memory, op};
    use super::*;
    use crate::features::Features;
    use crate::image::Function;

    impl Random {
        /// Near the ends of 32 and 64 bits, of either sign; small mostly.
        fn bound(&mut self) -> i128 {
            let base = [0, 0, 0, 1 << 31, 1 << 32, 1 << 63, u64::MAX];
            let base = i128::from(base[self.below(7) as usize]);
            let n = base + i128::from(self.below(200)) - 20;
            n.clamp(-(1 << 63), u64::MAX.into())
        }

        fn value(&mut self) -> Value {
            let (a, b) = (self.bound(), self.bound());
            let interval = Interval::new(a.min(b), a.max(b));
            match self.below(16) {
                0 => Value::Address(0x40_5000),
                1 => Value::Entry(3),
                2 => Value::Stack(-16),
                3 => Value::Conflict { dirty: false },
                4 => Value::of(interval, true),
                5 => Value::UNKNOWN,
                6..9 => Value::Number(Interval::constant(a)),
                _ => Value::Number(interval),
            }
        }

        fn state(&mut self) -> State {
            let mut state = State::entry();
            state.move_sp(-32);
            state.write_word(-16, Cell::new(self.value()));
            for r in (0..16).filter(|r| *r != RSP) {
                if self.below(4) == 0 {
                    state.copy_register(r, (r + 1) % 16);
                } else {
                    state.set_register(r, Cell::new(self.value()));
                }
            }
            state.canonicalize(&mut Classes::default());
            state
        }

        /// Often an instruction for which there is a short cut.
        fn code(&mut self) -> [u8; 16] {
            let mut code = [0; 16];
            code[..8].copy_from_slice(&self.next().to_le_bytes());
            code[8..].copy_from_slice(&self.next().to_le_bytes());
            let ops = [
                0x01, 0x03, 0x09, 0x21, 0x29, 0x2b, 0x31, 0x33, 0x39, 0x81, 0x83, 0x83, 0x85, 0x89,
                0x8b, 0x8d, 0x8d, 0xb8, 0xc1, 0xc7, 0xd1, 0xd3, 0xf7, 0xff, 0x0f, 0x0f,
            ];
            if self.below(8) != 0 {
                let at = self.below(2) as usize;
                code[0] = 0x40 | self.below(16) as u8;
                code[at] = ops[self.below(ops.len() as u64) as usize];
                if code[at] == 0x0f {
                    // Bits, `movzx`.
                    code[at + 1] = [0xb3, 0xb6, 0xb7, 0xba][self.below(4) as usize];
                    code[at + 2] |= 0xf0;
                }
                match self.below(4) {
                    _ if code[at] == 0x0f => {}
                    0 | 1 => code[at + 1] |= 0xc0,
                    // An address with an index.
                    2 => code[at + 1] = code[at + 1] & 0x38 | 0x44,
                    _ => {}
                }
            }
            code
        }
    }

    /// A short cut does what the long way does.
    #[test]
    fn as_the_long_way() {
        let image = testing::empty_image(Features::all());
        let context = testing::context(&image);
        let function = Function { start: 0, size: 0 };
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let mut factory = InstructionInfoFactory::new();
        let mut taken = [0; 8];
        for _ in 0..200_000 {
            let code = random.code();
            let mut decoder = Decoder::with_ip(64, &code, 0x40_4000, DecoderOptions::NONE);
            let instruction = decoder.decode();
            if instruction.is_invalid()
                || instruction.flow_control() != FlowControl::Next
                || allow::check(&instruction, &code[..instruction.len()]).is_err()
            {
                continue;
            }
            let Ok(op) = op::describe(&mut factory, &instruction) else {
                continue;
            };
            let before = random.state();
            let run = |quick: bool| {
                let mut state = before.clone();
                let mut sink = Sink::new(&function, None);
                let place = memory::access(&context, &state, &op, &mut sink);
                sink.failed = false;
                let mut step = Step {
                    context: &context,
                    state: &mut state,
                    op: &op,
                    sink: &mut sink,
                    place,
                };
                let done = if quick { step.quick() } else { step.execute() };
                state.canonicalize(&mut Classes::default());
                (done, sink.failed, state)
            };
            let (done, failed, state) = run(true);
            if !done {
                assert!(!failed && state.registers == before.registers, "{op:?}");
                continue;
            }
            let (alive, refused, long) = run(false);
            assert!(alive && !refused && !failed, "{op:?} in {before:?}");
            let equal = state.registers == long.registers && *state.frame == *long.frame;
            assert!(equal, "{op:?} in {before:?}: {state:?}, not {long:?}");
            taken[match op.quick {
                Quick::No => 0,
                Quick::Reads => 1,
                Quick::Copy { .. } => 2,
                Quick::Load { .. } => 3,
                Quick::Constant { .. } => 4,
                Quick::Compute { wide, .. } => 5 + usize::from(wide),
                Quick::Sum { .. } => 7,
            }] += 1;
        }
        assert!(
            taken[0] == 0 && taken[1..].iter().all(|&n| n > 200),
            "{taken:?}"
        );
    }
}
