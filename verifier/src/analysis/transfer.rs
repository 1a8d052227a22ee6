//! What each instruction does to the state.

use alloc::format;

use iced_x86::{Mnemonic, Mnemonic::*, OpKind, Register};

use crate::features::Features;
use crate::gate::SAFE_STACK_BIT;
use crate::rule::Rule;

use super::allow::zero_extends;
use super::context::{Context, Sink};
use super::memory::{self, Place};
use super::op::{Op, Written, X87, general, is_high_byte};
use super::stack;
use super::state::{Cell, RSP, State};
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
    let alive = step.execute();
    if alive
        && !step.sink.failed
        && let Place::Ordinary(Some(anchor)) = place
    {
        memory::apply(step.state, &anchor, step.sink);
    }
    alive
}

impl Step<'_, '_, '_, '_> {
    fn execute(&mut self) -> bool {
        let op = self.op;
        let mnemonic = op.mnemonic();
        if op.instruction.is_string_instruction() {
            return self.string();
        }
        if op.writes.iter().any(|w| usize::from(w.register) == RSP) {
            return stack::moves_sp(self);
        }
        match mnemonic {
            Nop | Endbr64 => true,
            Mov => self.mov(),
            Lea => self.lea(),
            Xchg if self.both_registers() => self.exchange(),
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

    fn both_registers(&self) -> bool {
        (0..2).all(|i| self.op.instruction.op_kind(i) == OpKind::Register)
    }

    pub(super) fn number(&self, value: Value) -> Option<Interval> {
        value.number(&|a| self.context.range(a))
    }

    pub(super) fn linear(&self, value: Value) -> Option<(Interval, bool)> {
        value.linear(&|a| self.context.range(a))
    }

    /// Width of operand `i` in bits.
    fn bits(&self, i: u32) -> u32 {
        match self.op.instruction.op_kind(i) {
            OpKind::Register => self.op.instruction.op_register(i).size() as u32 * 8,
            OpKind::Memory => self
                .op
                .memory
                .map_or(64, |m| m.size.clamp(1, 64) as u32 * 8),
            _ => 64,
        }
    }

    /// Rule 4: the operands read are data.
    fn reads_data(&mut self) -> bool {
        if self.zero_idiom() {
            return true;
        }
        for r in 0..16 {
            if self.op.reads & (1 << r) != 0 && !self.state.registers[r].value.is_data() {
                let stack = self.state.registers[r].value.may_be_stack();
                self.sink.fail(Rule::R4, || {
                    (
                        if stack {
                            "a safe-stack address is an operand".into()
                        } else {
                            "a caller's register, or unequal values of two paths, is an operand"
                                .into()
                        },
                        "such values may only be moved whole; write the register before using it",
                    )
                });
                return false;
            }
        }
        true
    }

    /// `xor r,r`, `sub r,r`, `sbb r,r`: the result does not depend on the register.
    fn zero_idiom(&self) -> bool {
        matches!(self.op.mnemonic(), Xor | Sub | Sbb)
            && self.both_registers()
            && self.op.instruction.op0_register() == self.op.instruction.op1_register()
    }

    /// Rule 13's test, `test $0x200000, %esp` or `bt $21, %esp`, at the present RSP.
    fn depth_test(&self) -> Option<(i32, bool)> {
        let i = &self.op.instruction;
        if i.op_count() != 2
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
        match i.mnemonic() {
            Test if immediate == 1 << SAFE_STACK_BIT => Some((self.state.sp(), false)),
            Bt if immediate == u64::from(SAFE_STACK_BIT) => Some((self.state.sp(), true)),
            _ => None,
        }
    }

    /// What `size` bytes at the access's place hold; may be a value that only moves.
    pub(super) fn load(&mut self, size: i32) -> Cell {
        let bits = (size.clamp(1, 8) as u32) * 8;
        match self.place {
            Place::Frame(offset) if size == 8 && offset % 8 == 0 => {
                if let Some(cell) = self.state.shared_word(offset) {
                    return cell;
                }
                self.check_readable(offset, size);
                Cell::UNKNOWN
            }
            Place::Frame(offset) => {
                self.check_readable(offset, size);
                match self.state.word(offset & !7) {
                    Some(w) if offset % 8 == 0 && size < 8 && w.written == 0xff => {
                        match w.cell.value {
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

    fn check_readable(&mut self, offset: i32, size: i32) {
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

    /// The value of operand `i`, `bits` wide. Values that only move come back only from 64-bit
    /// operands.
    fn operand(&mut self, i: u32, bits: u32) -> Cell {
        let instruction = &self.op.instruction;
        match instruction.op_kind(i) {
            OpKind::Register => {
                let register = instruction.op_register(i);
                let Some(r) = general(register).map(usize::from) else {
                    return Cell::number(Interval::of_bits(bits));
                };
                if register.size() == 8 {
                    return self.state.shared_register(r);
                }
                if is_high_byte(register) {
                    return Cell::number(Interval::of_bits(8));
                }
                let bits = register.size() as u32 * 8;
                let known = self
                    .number(self.state.registers[r].value)
                    .unwrap_or(Interval::FULL);
                Cell::number(known.low(bits))
            }
            OpKind::Memory => self.load(self.op.memory.map_or(8, |m| m.size)),
            OpKind::Immediate8
            | OpKind::Immediate16
            | OpKind::Immediate32
            | OpKind::Immediate64
            | OpKind::Immediate8to16
            | OpKind::Immediate8to32
            | OpKind::Immediate8to64
            | OpKind::Immediate32to64 => {
                let v = instruction.immediate(i);
                Cell::number(if bits >= 64 {
                    Interval::constant(i128::from(v as i64))
                } else {
                    Interval::constant(i128::from(v & ((1 << bits) - 1)))
                })
            }
            _ => Cell::UNKNOWN,
        }
    }

    /// Writes a result to operand 0.
    fn result(&mut self, bits: u32, cell: Cell) {
        let instruction = &self.op.instruction;
        if instruction.op0_kind() == OpKind::Memory {
            self.store(bits as i32 / 8, cell);
        } else if let Some(r) = general(instruction.op0_register()) {
            let high = is_high_byte(instruction.op0_register());
            self.write(usize::from(r), bits, high, cell);
        }
    }

    /// Writes `bits` bits of a register.
    pub(super) fn write(&mut self, r: usize, bits: u32, high: bool, cell: Cell) {
        let value = match bits {
            64.. => {
                self.state.registers[r] = cell;
                return;
            }
            32 => Value::Number(self.number(cell.value).unwrap_or(Interval::FULL).low(32)),
            _ => self.merge_low(r, if high { 16 } else { bits }),
        };
        self.state.registers[r] = Cell::new(value);
    }

    /// An 8- or 16-bit write changes only its bits (rule 4).
    fn merge_low(&mut self, r: usize, bits: u32) -> Value {
        match self.state.registers[r].value {
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

    fn mov(&mut self) -> bool {
        let bits = self.bits(0);
        let source = self.op.instruction.op1_kind();
        if bits < 64 && source == OpKind::Register && !self.reads_data() {
            self.clobber();
            return true;
        }
        let cell = self.operand(1, bits);
        if bits == 64
            && source == OpKind::Register
            && self.op.memory_first()
            && !matches!(self.place, Place::Frame(o) if o % 8 == 0)
        {
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
            match self.linear(self.state.registers[r].value) {
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
        let (a, b) = (
            self.op.instruction.op0_register(),
            self.op.instruction.op1_register(),
        );
        let (Some(x), Some(y)) = (general(a).map(usize::from), general(b).map(usize::from)) else {
            self.generic();
            return true;
        };
        if a.size() == 8 {
            self.state.registers.swap(x, y);
            return true;
        }
        if !self.reads_data() || a.size() != 4 {
            self.generic();
            return true;
        }
        let number = |v: Value| self.number(v).unwrap_or(Interval::FULL);
        let (old_x, old_y) = (
            number(self.state.registers[x].value),
            number(self.state.registers[y].value),
        );
        if x == y {
            // `xchg %eax, %eax` may be a nop that keeps the upper half: the hull of old and new.
            self.state.registers[x] = Cell::number(old_x.hull(old_x.low(32)));
        } else {
            self.state.registers[x] = Cell::number(old_y.low(32));
            self.state.registers[y] = Cell::number(old_x.low(32));
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
                self.number(self.state.registers[r].value)
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
        } in &self.op.writes
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
            self.state.registers[r] = Cell::new(value);
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
        for r in 0..16 {
            if self.op.reads & (1 << r) != 0 && !self.state.registers[r].value.is_data() {
                self.sink.fail(Rule::R10, || {
                    (
                        "a string instruction reads a value that may only be moved".into(),
                        "string instructions take masked user addresses",
                    )
                });
                return false;
            }
        }
        true
    }

    /// Whether the image's CPUs have `feature`.
    fn has(&self, feature: Features) -> bool {
        self.context.image.features.contains(feature)
    }
}

mod arithmetic {
    use super::*;

    impl Step<'_, '_, '_, '_> {
        /// Arithmetic with one result in operand 0. False: not modelled in this form.
        pub(super) fn arithmetic(&mut self, mnemonic: Mnemonic) -> bool {
            let count = self.op.instruction.op_count();
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
                        let Some(r) = general(self.op.instruction.op0_register()).map(usize::from)
                        else {
                            return false;
                        };
                        let old = self.number(self.state.registers[r].value);
                        if bits >= 32 {
                            let hull = old.map_or(Interval::FULL, |o| o.hull(found));
                            // A caller's register is data of which nothing is known: see `merge_low`.
                            if self.state.registers[r].value.may_be_stack() {
                                self.only_data(self.state.registers[r].value);
                            }
                            // The old value may survive whole: no zero extension.
                            self.state.registers[r] = Cell::number(hull.fit(64));
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
                let related = match (mnemonic, a, y.as_constant(), b, x.as_constant()) {
                    (Add | Inc, a, Some(c), _, _) => Some((a, c as i64)),
                    (Sub | Dec, a, Some(c), _, _) => Some((a, (c as i64).wrapping_neg())),
                    (Add, _, _, b, Some(c)) => Some((b, c as i64)),
                    _ => None,
                };
                if let Some((from, c)) = related {
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
                changed[1] = match general(self.op.instruction.op0_register()) {
                    Some(r) if self.both_registers() => (usize::from(r), source),
                    _ => (RAX, new),
                };
            }
            if let (Some(m), Place::Frame(offset)) = (self.op.memory, self.place) {
                self.check_readable(offset, m.size);
                self.state.write_bytes(offset, m.size);
            }
            for (r, new) in changed {
                let old = self
                    .number(self.state.registers[r].value)
                    .unwrap_or(Interval::FULL);
                self.state.registers[r] = Cell::number(old.hull(new.low(bits)));
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
                self.number(self.state.registers[RAX].value),
                self.number(self.state.registers[RDX].value),
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
            self.state.registers[RAX] = Cell::number(low);
            self.state.registers[RDX] = Cell::number(high);
            true
        }
    }

    /// A constant operand of `bits` bits as a signed number.
    fn signed(c: i128, bits: u32) -> i128 {
        let half = 1i128 << (bits - 1);
        if c >= half { c - 2 * half } else { c }
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
