//! What each instruction does to the state.

use alloc::format;

use iced_x86::{Mnemonic, Mnemonic::*, OpKind, Register};

use crate::features::Features;
use crate::gate::SAFE_STACK_BIT;
use crate::rule::Rule;

use super::allow::zero_extends;
use super::cell::Cell;
use super::context::{Context, Sink};
use super::memory::{self, Place};
use super::op::{Op, Operand, Written, X87};
use super::stack;
use super::state::State;
use super::value::{Interval, Value};

/// One instruction at work.
pub(super) struct Step<'c, 's, 'i, 'f> {
    pub(super) context: &'c Context<'c>,
    pub(super) state: &'s mut State,
    pub(super) op: &'i Op,
    pub(super) sink: &'s mut Sink<'f>,
    pub(super) place: Place,
}

/// Executes `op` unless it transfers control. False: nothing is known after it, so the path ends
/// (with a finding).
pub(super) fn step(context: &Context<'_>, state: &mut State, op: &Op, sink: &mut Sink<'_>) -> bool {
    match op.x87 {
        X87::None | X87::Ignores => {}
        X87::Waits | X87::Stores => state.settle_pending(),
        X87::Clears => state.forget_pending(),
    }
    let place = memory::access(context, state, op, sink);
    let mut step = Step {
        context,
        state,
        op,
        sink,
        place,
    };
    let test = step.depth_test();
    if op.flags {
        step.state.flags = test;
    }
    if test.is_some() {
        return true;
    }
    let alive = step.quick() || step.execute();
    if alive
        && !step.sink.failed
        && let Place::Ordinary(Some(anchor)) = place
        // What the access showed is of the register's value before the instruction.
        && (anchor.id != 0 || op.writes().iter().all(|w| usize::from(w.register) != anchor.register))
    {
        let proved = step.state.re_anchor(&anchor);
        step.sink.stats.proved_by_access += u64::from(proved);
    }
    alive
}

impl Step<'_, '_, '_, '_> {
    pub(super) fn execute(&mut self) -> bool {
        let op = self.op;
        let mnemonic = op.mnemonic();
        if op.string {
            return self.string();
        }
        if op.writes_sp {
            return stack::moves_sp(self);
        }
        match mnemonic {
            Nop | Endbr64 => true,
            Mov => self.mov(),
            Lea => self.lea(),
            Xchg if self.both_registers().is_some() => self.exchange(),
            _ if !self.reads_data() => {
                // A value that may only be moved was an operand: refused, and the result is unknown.
                self.clobber();
                true
            }
            Movzx | Movsx | Movsxd | Cbw | Cwde | Cdqe => self.extend(mnemonic),
            Add | Sub | Adc | Sbb | And | Or | Xor | Inc | Dec | Neg | Not | Shl | Shr | Sar
            | Imul | Btr | Bzhi | Andn | Shrx | Popcnt | Lzcnt | Tzcnt | Bsf | Bsr
                if self.arithmetic(mnemonic) =>
            {
                true
            }
            Mul | Div if self.wide(mnemonic) => true,
            Cmpxchg | Cmpxchg8b if self.compare_exchange(mnemonic) => true,
            Cmova | Cmovae | Cmovb | Cmovbe | Cmove | Cmovg | Cmovge | Cmovl | Cmovle | Cmovne
            | Cmovno | Cmovnp | Cmovns | Cmovo | Cmovp | Cmovs => self.conditional_move(),
            _ => {
                self.generic();
                true
            }
        }
    }

    /// The registers, if both operands are general ones.
    pub(super) fn both_registers(&self) -> Option<(usize, usize)> {
        match (self.op.operands[0], self.op.operands[1]) {
            (Operand::General { register: a, .. }, Operand::General { register: b, .. }) => {
                Some((a.into(), b.into()))
            }
            _ => None,
        }
    }

    /// Rule 4: the operands read are data.
    fn reads_data(&mut self) -> bool {
        if self.zero_idiom() {
            return true;
        }
        let Some(r) = self.only_moves() else {
            return true;
        };
        let stack = self.state.may_be_stack(r);
        self.sink.fail(Rule::R4, || {
            (
                if stack {
                    "a safe-stack address is an operand".into()
                } else {
                    "a caller's register, or unequal values of two paths, is an operand".into()
                },
                "such values may only be moved whole; write the register before using it",
            )
        });
        false
    }

    /// The first register read that holds no data.
    pub(super) fn only_moves(&self) -> Option<usize> {
        let mut left = self.op.reads;
        while left != 0 {
            let r = left.trailing_zeros() as usize;
            if !self.state.is_data(r) {
                return Some(r);
            }
            left &= left - 1;
        }
        None
    }

    /// `xor r,r`, `sub r,r`, `sbb r,r`: the result does not depend on the register.
    pub(super) fn zero_idiom(&self) -> bool {
        matches!(self.op.mnemonic(), Xor | Sub | Sbb)
            && matches!(self.op.operands[0], Operand::General { .. })
            && self.op.operands[0] == self.op.operands[1]
    }

    /// Rule 13's test, `test $0x200000, %esp` or `bt $21, %esp`, at the present RSP.
    fn depth_test(&self) -> Option<(i32, bool)> {
        let i = &self.op.instruction;
        if !matches!(self.op.mnemonic(), Test | Bt)
            || i.op0_kind() != OpKind::Register
            || !matches!(i.op0_register(), Register::ESP | Register::RSP)
        {
            return None;
        }
        let immediate = matches!(
            i.op1_kind(),
            OpKind::Immediate8
                | OpKind::Immediate32
                | OpKind::Immediate32to64
                | OpKind::Immediate8to32
                | OpKind::Immediate8to64
        )
        .then(|| i.immediate(1))?;
        match self.op.mnemonic() {
            Test if immediate == 1 << SAFE_STACK_BIT => Some((self.state.sp(), false)),
            Bt if immediate == u64::from(SAFE_STACK_BIT) => Some((self.state.sp(), true)),
            _ => None,
        }
    }

    fn mov(&mut self) -> bool {
        let bits = self.bits(0);
        let register = matches!(
            self.op.operands[1],
            Operand::General { .. } | Operand::Vector { .. }
        );
        if bits < 64 && register && !self.reads_data() {
            self.clobber();
            return true;
        }
        // What goes elsewhere than into a register or a frame's word is not kept.
        let kept = !self.op.memory_first() || matches!(self.place, Place::Frame(o) if o % 8 == 0);
        let mut cell = self.operand(1, bits);
        if kept && bits == 64 {
            cell = self.shared_operand(1, cell);
        }
        if bits == 64 && register && !kept {
            self.only_data(cell.value);
        }
        self.result(bits, cell);
        true
    }

    /// The address that `lea` computes.
    pub(super) fn effective(&mut self) -> Cell {
        let Some(m) = self.op.memory else {
            return Cell::UNKNOWN;
        };
        if m.fixed {
            return Cell::new(Value::Address(m.displacement as u64));
        }
        let d = i128::from(m.displacement);
        if let (Some(base), None) = (m.base.map(usize::from), m.index) {
            let cell = self.state.shared_register(base);
            return match cell.value {
                Value::Stack(k) => {
                    stack::displaced(k, d).map_or(Cell::UNKNOWN, |k| Cell::new(Value::Stack(k)))
                }
                Value::Number(n) | Value::Anchored(n) => Cell {
                    value: Value::of(
                        n.add(Interval { lo: d, hi: d }).fit(64),
                        matches!(cell.value, Value::Anchored(_)),
                    ),
                    id: cell.id,
                    delta: cell.delta.wrapping_add(m.displacement),
                },
                _ if d == 0 => cell,
                other => match self.number(other) {
                    Some(n) => Cell::number(n.add(Interval { lo: d, hi: d }).fit(64)),
                    None => self.refuse_address(),
                },
            };
        }
        let mut sum = Interval { lo: d, hi: d };
        let mut anchored = false;
        for (r, scale) in [(m.base, 1), (m.index, m.scale)] {
            let Some(r) = r.map(usize::from) else {
                continue;
            };
            match self.linear(self.state.value(r)) {
                Some((n, false)) => sum = sum.add(n.scale(i128::from(scale))),
                // Two anchored terms or a multiple would enlarge what rule 6 leaves open.
                Some((n, true)) if scale == 1 && !anchored => {
                    sum = sum.add(n);
                    anchored = true;
                }
                Some(_) => return Cell::UNKNOWN,
                None => return self.refuse_address(),
            }
        }
        Cell::new(Value::of(sum.fit(64), anchored))
    }

    fn refuse_address(&mut self) -> Cell {
        self.sink.fail(Rule::R4, || {
            (
                "a stack address or a caller's register takes part in address arithmetic".into(),
                "only constants may be added to it",
            )
        });
        Cell::UNKNOWN
    }

    fn lea(&mut self) -> bool {
        let bits = self.bits(0);
        let cell = self.effective();
        if bits < 64 && !cell.value.is_data() {
            self.sink.fail(Rule::R4, || {
                (
                    "part of a stack address is computed".into(),
                    "use 64-bit lea",
                )
            });
        }
        self.result(bits, cell);
        true
    }

    fn exchange(&mut self) -> bool {
        let bits = self.bits(0);
        let Some((x, y)) = self.both_registers() else {
            self.generic();
            return true;
        };
        if bits == 64 {
            self.state.swap_registers(x, y);
            return true;
        }
        if !self.reads_data() || bits != 32 {
            self.generic();
            return true;
        }
        let number = |v: Value| self.number(v).unwrap_or(Interval::FULL);
        let (old_x, old_y) = (number(self.state.value(x)), number(self.state.value(y)));
        if x == y {
            // `xchg %eax, %eax` may be a nop that keeps the upper half: the hull of old and new.
            self.state
                .set_register(x, Cell::number(old_x.hull(old_x.low(32))));
        } else {
            self.state.set_register(x, Cell::number(old_y.low(32)));
            self.state.set_register(y, Cell::number(old_x.low(32)));
        }
        true
    }

    fn extend(&mut self, mnemonic: Mnemonic) -> bool {
        let (from, to, r) = match mnemonic {
            Cbw => (8, 16, Some(0)),
            Cwde => (16, 32, Some(0)),
            Cdqe => (32, 64, Some(0)),
            _ => (self.bits(1), self.bits(0), None),
        };
        let source = match r {
            Some(r) => Cell::number(
                self.number(self.state.value(r))
                    .unwrap_or(Interval::FULL)
                    .low(from),
            ),
            None => self.operand(1, from),
        };
        if to == 64 && matches!(source.value, Value::TableEntry { .. }) && mnemonic == Movsxd {
            self.result(64, source);
            return true;
        }
        let number = self.number(source.value).unwrap_or(Interval::FULL);
        let number = if mnemonic == Movzx {
            number.low(from)
        } else {
            number.sign_extend(from)
        };
        let cell = Cell::number(number.fit(to));
        match r {
            Some(r) => self.write(r, to, false, cell),
            None => self.result(to, cell),
        }
        true
    }

    fn conditional_move(&mut self) -> bool {
        let bits = self.bits(0);
        let (a, b) = (self.operand(0, bits), self.operand(1, bits));
        let (Some(x), Some(y)) = (self.number(a.value), self.number(b.value)) else {
            self.only_data(b.value);
            self.clobber();
            return true;
        };
        let mut cell = Cell::number(x.hull(y).fit(bits));
        if let (64, Some((x, p)), Some((y, q))) = (bits, self.linear(a.value), self.linear(b.value))
        {
            cell = Cell::new(Value::of(x.hull(y), p || q));
        }
        if a == b {
            cell = a;
        }
        self.result(bits, cell);
        true
    }

    /// Everything without a model of its own: what is written is unknown.
    pub(super) fn generic(&mut self) {
        let op_stores_x87 = self.op.x87 == X87::Stores;
        if let (Some(m), Place::Frame(offset)) = (self.op.memory, self.place) {
            if m.read {
                self.check_readable(offset, m.size);
            }
            if m.write && op_stores_x87 {
                self.state.write_pending(offset, m.size);
            } else if m.write {
                self.state.write_bytes(offset, m.size);
            }
        }
        self.clobber();
    }

    /// Every register that the instruction writes is unknown, but for what its width says.
    pub(super) fn clobber(&mut self) {
        for &Written {
            register,
            bytes,
            high,
        } in self.op.writes()
        {
            let r = usize::from(register);
            let value = match bytes {
                1 | 2 => self.merge_low(r, if high { 16 } else { u32::from(bytes) * 8 }),
                4 if zero_extends(self.op.mnemonic()) => Value::Number(Interval::of_bits(32)),
                // Their results are 32 bits each, zero-extended.
                _ if matches!(self.op.mnemonic(), Cpuid | Rdtsc) => {
                    Value::Number(Interval::of_bits(32))
                }
                _ => Value::UNKNOWN,
            };
            self.state.set_register(r, Cell::new(value));
        }
    }

    /// Rule 10.
    fn string(&mut self) -> bool {
        let mnemonic = self.op.mnemonic();
        let (source, destination, write) = match mnemonic {
            Movsb | Movsw | Movsd | Movsq => (true, true, true),
            Stosb | Stosw | Stosd | Stosq => (false, true, true),
            Lodsb | Lodsw | Lodsd | Lodsq => (true, false, false),
            Scasb | Scasw | Scasd | Scasq => (false, true, false),
            _ => (true, true, false),
        };
        if self.op.instruction.segment_prefix() != Register::None {
            self.sink.fail(Rule::R10, || {
                (
                    "a string instruction with a segment override".into(),
                    "use plain string instructions",
                )
            });
        }
        if !self.reads_string_data() {
            self.clobber();
            return true;
        }
        const RSI: usize = 6;
        const RDI: usize = 7;
        if source {
            memory::string_address(self.context, self.state, RSI, false, self.sink);
        }
        if destination {
            memory::string_address(self.context, self.state, RDI, write, self.sink);
        }
        self.clobber();
        true
    }

    fn reads_string_data(&mut self) -> bool {
        if self.only_moves().is_none() {
            return true;
        }
        self.sink.fail(Rule::R10, || {
            (
                "a string instruction reads a value that may only be moved".into(),
                "string instructions take masked user addresses",
            )
        });
        false
    }

    /// Whether the image's CPUs have `feature`.
    pub(super) fn has(&self, feature: Features) -> bool {
        self.context.image.features.contains(feature)
    }
}

/// The text of a failed access to RSP, shared with `stack.rs`.
pub(super) fn rsp_written(sink: &mut Sink<'_>) {
    sink.fail(Rule::R9, || {
        (
            format!(
                "RSP is changed other than by 64-bit constants within the frame of {} bytes",
                stack::FRAME
            ),
            "address-taken and variable-sized locals belong on the unsafe stack",
        )
    });
}
