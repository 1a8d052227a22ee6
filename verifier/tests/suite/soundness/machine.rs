//! A machine that is as hostile as the contract's setting allows: user memory holds whatever serves
//! the attacker and changes at any time, branches go either way, what lies below RSP is overwritten
//! between any two instructions, undefined results are arbitrary. No flags are needed for that.

use iced_x86::{Instruction, Mnemonic as M, OpKind, Register};

use crate::harness::random::Random;

/// Addresses at or above are canonical kernel addresses or too near to them (rule 7).
const LIMIT: u64 = 0xff00_0000_0000_0000 - 4096;
/// The lowest address of the unmapped top that rule 7 lets through.
const TOP: u64 = 0u64.wrapping_sub((1 << 21) - (1 << 16));
/// Where the unmapped top begins. Rule 7 keeps 64 KiB away from it, for what is still in flight: after
/// a fault, steps of rule 6 (1 KiB down at most) may go on for a while.
const HOLE: u64 = 0u64.wrapping_sub(1 << 21);
/// Instructions after a fault. With an access at the very limit and steps of 1 KiB, 64 turns of a loop
/// would use the 64 KiB up.
const IN_FLIGHT: u32 = 128;
const LOWEST_USER: u64 = 1 << 16;
const USER_END: u64 = 1 << 47;
/// The frame that rule 9 allows, and room to see what goes wrong beside it.
pub const FRAME: usize = 8192;
const ABOVE: usize = 4096;
const RSP: usize = 4;
const CALLEE_SAVED: [usize; 6] = [3, 5, 12, 13, 14, 15];

/// Why a run ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Stop {
    /// `ret`, a fault, `ud2`, or enough steps.
    Fine,
    /// The contract is violated: the verifier was wrong.
    Violation(String),
    /// An instruction that this machine does not know.
    Unknown,
}

/// What a run shows to the outside: stores, addresses, registers at calls and returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    pub ip: u64,
    pub what: &'static str,
    pub value: u64,
}

pub struct Machine {
    pub registers: [u64; 16],
    vectors: [u128; 16],
    /// Bytes from `top - FRAME` to `top + ABOVE`.
    stack: Vec<u8>,
    /// Address of the return-address slot.
    top: u64,
    entry: [u64; 16],
    /// Choices of the attacker: the same in both runs of a pair.
    choices: Random,
    /// What the attacker does not know: different in both runs.
    secrets: Random,
    pub shown: Vec<Shown>,
    /// A fault does not end the run at once: what follows runs transiently.
    transient: bool,
    /// Steps left after a fault.
    in_flight: Option<u32>,
    ip: u64,
    /// Whether BMI1 and LZCNT are there.
    features: bool,
}

type Step<T> = Result<T, Stop>;

fn violation<T>(text: String) -> Step<T> {
    Err(Stop::Violation(text))
}

fn size_mask(size: usize) -> u64 {
    if size >= 8 {
        u64::MAX
    } else {
        (1 << (size * 8)) - 1
    }
}

fn sign_extend(value: u64, size: usize) -> u64 {
    let shift = 64 - 8 * size as u32;
    (((value << shift) as i64) >> shift) as u64
}

impl Machine {
    pub fn new(choices: u64, secrets: u64, transient: bool, features: bool) -> Self {
        let mut choices = Random::new(choices);
        let mut secrets = Random::new(secrets);
        let top = 0xffff_8880_0000_0000 | (secrets.next() & 0x3fff_ffff_fff0);
        // The safe stack's usable half: bit 21 is 1, with room around.
        let top = (top & !0x3f_ffff) | 0x30_0000 | (top & 0xffff0);
        let mut registers = [0; 16];
        for r in &mut registers {
            *r = hostile(&mut choices);
        }
        registers[RSP] = top;
        let stack = (0..FRAME + ABOVE).map(|_| secrets.next() as u8).collect();
        let mut vectors = [0; 16];
        for v in &mut vectors {
            *v = u128::from(choices.next()) << 64 | u128::from(choices.next());
        }
        Machine {
            registers,
            vectors,
            stack,
            top,
            entry: registers,
            choices,
            secrets,
            shown: Vec::new(),
            transient,
            in_flight: None,
            ip: 0,
            features,
        }
    }

    fn show(&mut self, what: &'static str, value: u64) {
        self.shown.push(Shown {
            ip: self.ip,
            what,
            value,
        });
    }

    // ---- memory

    /// Where in `stack` an address lies, if it is near the safe stack at all.
    fn stack_index(&self, address: u64) -> Option<usize> {
        let bottom = self.top - FRAME as u64 - 0x1_0000;
        if !(bottom..self.top + 0x10_0000).contains(&address) {
            return None;
        }
        // Far from the frame: reported as outside it by the caller's bounds check.
        Some((address.wrapping_sub(self.top - FRAME as u64)) as usize)
    }

    fn stack_bounds(&self, address: u64, size: usize) -> Step<()> {
        let rsp = self.registers[RSP];
        if address < rsp || address + size as u64 > self.top {
            return violation(format!(
                "a safe-stack access of {size} bytes at Stack({}), RSP = Stack({})",
                address.wrapping_sub(self.top) as i64,
                rsp.wrapping_sub(self.top) as i64
            ));
        }
        Ok(())
    }

    fn address(&self, i: &Instruction) -> u64 {
        let register = |r: Register| if r == Register::None { 0 } else { self.get(r) };
        register(i.memory_base())
            .wrapping_add(register(i.memory_index()).wrapping_mul(i.memory_index_scale().into()))
            .wrapping_add(i.memory_displacement64())
    }

    /// Checks an access outside the safe stack. `Err` if it faults and that ends the run.
    fn check_user(&mut self, address: u64) -> Step<()> {
        self.show("address", address);
        let top = if self.in_flight.is_some() { HOLE } else { TOP };
        if (LIMIT..top).contains(&address) {
            return violation(format!("an access at {address:#x}"));
        }
        if !(LOWEST_USER..USER_END).contains(&address) {
            if !self.transient {
                return Err(Stop::Fine);
            }
            self.in_flight.get_or_insert(IN_FLIGHT);
        }
        Ok(())
    }

    fn load_at(&mut self, address: u64, size: usize) -> Step<u128> {
        if let Some(index) = self.stack_index(address) {
            self.stack_bounds(address, size)?;
            let mut bytes = [0; 16];
            bytes[..size].copy_from_slice(&self.stack[index..index + size]);
            return Ok(u128::from_le_bytes(bytes));
        }
        self.check_user(address)?;
        let low = u128::from(hostile(&mut self.choices));
        let value = low | u128::from(self.choices.next()) << 64;
        Ok(if size == 16 {
            value
        } else {
            value & u128::from(size_mask(size))
        })
    }

    fn store_at(&mut self, address: u64, size: usize, value: u128) -> Step<()> {
        if let Some(index) = self.stack_index(address) {
            self.stack_bounds(address, size)?;
            self.stack[index..index + size].copy_from_slice(&value.to_le_bytes()[..size]);
            return Ok(());
        }
        self.check_user(address)?;
        let low = value as u64 & size_mask(size);
        self.show("store", low);
        if size == 16 {
            self.show("store", (value >> 64) as u64);
        }
        Ok(())
    }

    // ---- registers and operands

    fn get(&self, r: Register) -> u64 {
        let full = self.registers[r.full_register().number()];
        match r.size() {
            1 if is_high(r) => full >> 8 & 0xff,
            size => full & size_mask(size),
        }
    }

    fn set(&mut self, r: Register, value: u64) {
        let full = &mut self.registers[r.full_register().number()];
        *full = match r.size() {
            8 => value,
            4 => value & 0xffff_ffff,
            2 => *full & !0xffff | value & 0xffff,
            _ if is_high(r) => *full & !0xff00 | (value & 0xff) << 8,
            _ => *full & !0xff | value & 0xff,
        };
    }

    fn operand_size(i: &Instruction, n: u32) -> usize {
        match i.op_kind(n) {
            OpKind::Register => i.op_register(n).size(),
            OpKind::Memory => i.memory_size().size(),
            _ => 8,
        }
    }

    fn read(&mut self, i: &Instruction, n: u32) -> Step<u64> {
        Ok(match i.op_kind(n) {
            OpKind::Register if i.op_register(n).is_xmm() => {
                self.vectors[i.op_register(n).number()] as u64
            }
            OpKind::Register => self.get(i.op_register(n)),
            OpKind::Memory => {
                let address = self.address(i);
                self.load_at(address, i.memory_size().size())? as u64
            }
            _ => i.immediate(n),
        })
    }

    fn write(&mut self, i: &Instruction, n: u32, value: u64) -> Step<()> {
        match i.op_kind(n) {
            OpKind::Register => self.set(i.op_register(n), value),
            OpKind::Memory => {
                let address = self.address(i);
                self.store_at(address, i.memory_size().size(), value.into())?;
            }
            _ => return Err(Stop::Unknown),
        }
        Ok(())
    }

    /// An arbitrary number below 2^(8*size), from the attacker.
    fn arbitrary(&mut self, size: usize) -> u64 {
        hostile(&mut self.choices) & size_mask(size)
    }

    fn coin(&mut self) -> bool {
        self.choices.one_in(2)
    }

    // ---- execution

    /// One instruction. The next one's address, or why the run is over.
    pub fn step(&mut self, i: &Instruction) -> Step<u64> {
        self.ip = i.ip();
        if let Some(left) = &mut self.in_flight {
            if *left == 0 {
                return Err(Stop::Fine);
            }
            *left -= 1;
        }
        let before = self.registers[RSP];
        let next = self.execute(i)?;
        let after = self.registers[RSP];
        let depth = self.top.wrapping_sub(after);
        if depth > FRAME as u64 {
            return violation(format!("RSP = Stack({})", depth.wrapping_neg() as i64));
        }
        // An interrupt writes below RSP whenever it likes.
        if after > before {
            let from = FRAME - self.top.wrapping_sub(before) as usize;
            let to = FRAME - depth as usize;
            for byte in &mut self.stack[from..to] {
                *byte = self.secrets.next() as u8;
            }
        }
        Ok(next)
    }

    fn execute(&mut self, i: &Instruction) -> Step<u64> {
        let next = i.next_ip();
        let size = if i.op_count() > 0 {
            Self::operand_size(i, 0)
        } else {
            0
        };
        let bits = 8 * size as u64;
        match i.mnemonic() {
            M::Nop | M::Cmp | M::Test | M::Bt if i.mnemonic() == M::Nop => {}
            M::Int3 => {}
            M::Ud2 => return Err(Stop::Fine),
            M::Ret => return self.ret(),
            M::Call => self.call()?,
            M::Jmp => return Ok(i.near_branch_target()),
            _ if i.is_jcc_short_or_near() => {
                return Ok(if self.coin() {
                    i.near_branch_target()
                } else {
                    next
                });
            }
            M::Cmp | M::Test => {
                // What is compared decides flags: the values are shown, except rule 13's test.
                let a = self.read(i, 0)?;
                let b = self.read(i, 1)?;
                if i.mnemonic() != M::Test || i.op0_register() != Register::ESP {
                    self.show("compared", a);
                    self.show("compared", b);
                }
            }
            M::Mov => {
                let value = self.read(i, 1)?;
                self.write(i, 0, value)?;
            }
            M::Movzx => {
                let value = self.read(i, 1)?;
                self.write(i, 0, value)?;
            }
            M::Movsx | M::Movsxd => {
                let from = Self::operand_size(i, 1);
                let value = sign_extend(self.read(i, 1)?, from);
                self.write(i, 0, value)?;
            }
            M::Lea => {
                let value = self.address(i);
                self.write(i, 0, value)?;
            }
            M::Push => {
                let value = self.read(i, 0)?;
                self.push(value)?;
            }
            M::Pop => {
                let value = self.load_at(self.registers[RSP], 8)? as u64;
                self.registers[RSP] = self.registers[RSP].wrapping_add(8);
                self.write(i, 0, value)?;
            }
            M::Add | M::Sub | M::And | M::Or | M::Xor | M::Adc | M::Sbb => {
                let a = self.read(i, 0)?;
                let b = self.read(i, 1)?;
                let carry = u64::from(self.coin());
                let value = match i.mnemonic() {
                    M::Add => a.wrapping_add(b),
                    M::Sub => a.wrapping_sub(b),
                    M::And => a & b,
                    M::Or => a | b,
                    M::Xor => a ^ b,
                    M::Adc => a.wrapping_add(b).wrapping_add(carry),
                    _ => a.wrapping_sub(b).wrapping_sub(carry),
                };
                self.write(i, 0, value)?;
            }
            M::Inc | M::Dec | M::Neg | M::Not => {
                let a = self.read(i, 0)?;
                let value = match i.mnemonic() {
                    M::Inc => a.wrapping_add(1),
                    M::Dec => a.wrapping_sub(1),
                    M::Neg => a.wrapping_neg(),
                    _ => !a,
                };
                self.write(i, 0, value)?;
            }
            M::Shl | M::Sal | M::Shr | M::Sar | M::Rol | M::Ror | M::Rcl | M::Rcr => {
                self.shift(i, size, bits)?;
            }
            M::Shld | M::Shrd => {
                let (a, b) = (self.read(i, 0)?, self.read(i, 1)?);
                let count = self.read(i, 2)? & if size == 8 { 63 } else { 31 };
                let value = if count == 0 {
                    a
                } else if count >= bits {
                    self.arbitrary(size)
                } else if i.mnemonic() == M::Shld {
                    a << count | b >> (bits - count)
                } else {
                    a >> count | b << (bits - count)
                };
                self.write(i, 0, value)?;
            }
            M::Bt | M::Bts | M::Btr | M::Btc => {
                if i.op0_kind() == OpKind::Memory && i.op1_kind() == OpKind::Register {
                    return violation("a bit string in memory".into());
                }
                let a = self.read(i, 0)?;
                let bit = 1 << (self.read(i, 1)? & (bits - 1));
                match i.mnemonic() {
                    M::Bt => {}
                    M::Bts => self.write(i, 0, a | bit)?,
                    M::Btr => self.write(i, 0, a & !bit)?,
                    _ => self.write(i, 0, a ^ bit)?,
                }
            }
            M::Bswap => {
                let a = self.read(i, 0)?;
                let value = a.swap_bytes() >> (64 - bits);
                self.write(i, 0, value)?;
            }
            M::Cdqe => self.registers[0] = sign_extend(self.get(Register::EAX), 4),
            M::Cwde => self.set(Register::EAX, sign_extend(self.get(Register::AX), 2)),
            M::Cbw => self.set(Register::AX, sign_extend(self.get(Register::AL), 1)),
            M::Cqo => self.registers[2] = ((self.registers[0] as i64) >> 63) as u64,
            M::Cdq => {
                let sign = sign_extend(self.get(Register::EAX), 4) >> 32;
                self.set(Register::EDX, sign);
            }
            M::Cwd => {
                let sign = sign_extend(self.get(Register::AX), 2) >> 16;
                self.set(Register::DX, sign);
            }
            M::Xchg => {
                let (a, b) = (self.read(i, 0)?, self.read(i, 1)?);
                if i.op1_kind() == OpKind::Memory {
                    self.write(i, 1, a)?;
                    self.write(i, 0, b)?;
                } else {
                    self.write(i, 0, b)?;
                    self.write(i, 1, a)?;
                }
            }
            M::Xadd => {
                let (a, b) = (self.read(i, 0)?, self.read(i, 1)?);
                if i.op0_kind() == OpKind::Memory {
                    self.write(i, 0, a.wrapping_add(b))?;
                    self.set(i.op_register(1), a);
                } else {
                    // If both are one register, the sum wins (SDM: the destination is last).
                    self.set(i.op_register(1), a);
                    self.write(i, 0, a.wrapping_add(b))?;
                }
            }
            M::Cmpxchg => self.cmpxchg(i, size)?,
            M::Bsf | M::Bsr | M::Tzcnt | M::Lzcnt | M::Popcnt => self.count(i, size, bits)?,
            M::Imul | M::Mul | M::Div | M::Idiv => self.multiply(i, size, bits)?,
            M::Movups | M::Movupd | M::Movaps | M::Movdqu => {
                if i.op0_kind() == OpKind::Memory {
                    let address = self.address(i);
                    let value = self.vectors[i.op1_register().number()];
                    self.store_at(address, 16, value)?;
                } else if i.op1_kind() == OpKind::Memory {
                    let address = self.address(i);
                    let value = self.load_at(address, 16)?;
                    self.vectors[i.op0_register().number()] = value;
                } else {
                    self.vectors[i.op0_register().number()] =
                        self.vectors[i.op1_register().number()];
                }
            }
            M::Movq | M::Movd => {
                let value = self.read(i, 1)?;
                if i.op0_kind() == OpKind::Register && i.op0_register().is_xmm() {
                    self.vectors[i.op0_register().number()] = value.into();
                } else {
                    self.write(i, 0, value)?;
                }
            }
            _ => return self.bmi_or_conditional(i, size, bits).map(|()| next),
        }
        Ok(next)
    }

    fn bmi_or_conditional(&mut self, i: &Instruction, size: usize, bits: u64) -> Step<()> {
        let value = match i.mnemonic() {
            M::Andn => !self.read(i, 1)? & self.read(i, 2)?,
            M::Blsi => {
                let a = self.read(i, 1)?;
                a & a.wrapping_neg()
            }
            M::Blsr => {
                let a = self.read(i, 1)?;
                a & a.wrapping_sub(1)
            }
            M::Blsmsk => {
                let a = self.read(i, 1)?;
                a ^ a.wrapping_sub(1)
            }
            M::Bzhi => {
                let (a, n) = (self.read(i, 1)?, self.read(i, 2)? & 0xff);
                if n < bits { a & ((1 << n) - 1) } else { a }
            }
            M::Bextr => {
                let (a, control) = (self.read(i, 1)?, self.read(i, 2)?);
                let (start, length) = (control & 0xff, control >> 8 & 0xff);
                let shifted = if start < 64 { a >> start } else { 0 };
                if length < 64 {
                    shifted & ((1 << length) - 1)
                } else {
                    shifted
                }
            }
            M::Shlx => self.read(i, 1)? << (self.read(i, 2)? & (bits - 1)),
            M::Shrx => self.read(i, 1)? >> (self.read(i, 2)? & (bits - 1)),
            M::Sarx => {
                let a = sign_extend(self.read(i, 1)?, size) as i64;
                (a >> (self.read(i, 2)? & (bits - 1))) as u64
            }
            M::Rorx => {
                let (a, n) = (self.read(i, 1)?, self.read(i, 2)? & (bits - 1));
                if n == 0 { a } else { a >> n | a << (bits - n) }
            }
            M::Mulx => {
                let factor = if size == 8 {
                    self.registers[2]
                } else {
                    self.get(Register::EDX)
                };
                let product = u128::from(factor) * u128::from(self.read(i, 2)?);
                // The low half first: if both are one register, the high half wins.
                self.set(i.op_register(1), product as u64);
                (product >> bits) as u64
            }
            _ => {
                let name = format!("{:?}", i.mnemonic());
                if name.starts_with("Set") {
                    let value = u64::from(self.coin());
                    return self.write(i, 0, value);
                }
                if !name.starts_with("Cmov") {
                    return Err(Stop::Unknown);
                }
                let (old, new) = (self.read(i, 0)?, self.read(i, 1)?);
                if self.coin() { new } else { old }
            }
        };
        self.write(i, 0, value)
    }

    fn push(&mut self, value: u64) -> Step<()> {
        self.registers[RSP] = self.registers[RSP].wrapping_sub(8);
        if self.top.wrapping_sub(self.registers[RSP]) > FRAME as u64 {
            return violation("a push below the frame's limit".into());
        }
        self.store_at(self.registers[RSP], 8, value.into())
    }

    fn shift(&mut self, i: &Instruction, size: usize, bits: u64) -> Step<()> {
        let a = self.read(i, 0)?;
        let count = self.read(i, 1)? & if size == 8 { 63 } else { 31 };
        let value = match i.mnemonic() {
            M::Shl | M::Sal => a << count,
            M::Shr => a >> count,
            M::Sar => ((sign_extend(a, size) as i64) >> count) as u64,
            M::Rol | M::Ror => {
                let n = count % bits;
                let n = if i.mnemonic() == M::Rol {
                    n
                } else {
                    (bits - n) % bits
                };
                if n == 0 { a } else { a << n | a >> (bits - n) }
            }
            // Through the carry, which is anything: one bit more to rotate.
            _ => {
                let carry = u128::from(self.coin());
                let wide = u128::from(a) | carry << bits;
                let n = count % (bits + 1);
                let n = if i.mnemonic() == M::Rcl {
                    n
                } else {
                    (bits + 1 - n) % (bits + 1)
                };
                (if n == 0 {
                    wide
                } else {
                    wide << n | wide >> (bits + 1 - n)
                }) as u64
            }
        };
        self.write(i, 0, value & size_mask(size))
    }

    fn cmpxchg(&mut self, i: &Instruction, size: usize) -> Step<()> {
        let (old, new) = (self.read(i, 0)?, self.read(i, 1)?);
        let memory = i.op0_kind() == OpKind::Memory;
        let accumulator = match size {
            1 => Register::AL,
            2 => Register::AX,
            4 => Register::EAX,
            _ => Register::RAX,
        };
        self.show("compared", self.get(accumulator));
        let equal = self.get(accumulator) == old;
        // Zero extension of whichever 32-bit register is not written is left open.
        let zero = self.coin();
        if equal {
            self.write(i, 0, new)?;
            if zero && size == 4 {
                self.set(accumulator, old);
            }
        } else {
            if memory || zero && size == 4 {
                self.write(i, 0, old)?;
            }
            self.set(accumulator, old);
        }
        Ok(())
    }

    fn count(&mut self, i: &Instruction, size: usize, bits: u64) -> Step<()> {
        let a = self.read(i, 1)?;
        let lowest = u64::from(a.trailing_zeros()).min(bits);
        let highest = bits.wrapping_sub(1 + u64::from(a.leading_zeros()).wrapping_sub(64 - bits));
        let value = match i.mnemonic() {
            M::Popcnt => u64::from(a.count_ones()),
            M::Tzcnt if self.features => lowest,
            M::Lzcnt if self.features => bits - if a == 0 { 0 } else { highest + 1 },
            _ if a == 0 => {
                // The destination stays, or only its upper half is cleared.
                if size == 4 && self.coin() {
                    let old = self.read(i, 0)?;
                    self.write(i, 0, old)?;
                }
                return Ok(());
            }
            M::Tzcnt | M::Bsf => lowest,
            _ => highest,
        };
        self.write(i, 0, value)
    }

    fn multiply(&mut self, i: &Instruction, size: usize, bits: u64) -> Step<()> {
        if i.mnemonic() == M::Imul && i.op_count() > 1 {
            let n = i.op_count() - 2;
            let (a, b) = (self.read(i, n)?, self.read(i, n + 1)?);
            return self.write(i, 0, a.wrapping_mul(b));
        }
        let b = self.read(i, 0)?;
        let (low, high) = match size {
            1 => (Register::AL, Register::AH),
            2 => (Register::AX, Register::DX),
            4 => (Register::EAX, Register::EDX),
            _ => (Register::RAX, Register::RDX),
        };
        let (a, d) = (self.get(low), self.get(high));
        match i.mnemonic() {
            M::Mul | M::Imul => {
                let signed = i.mnemonic() == M::Imul;
                let wide = |v: u64| {
                    if signed {
                        i128::from(sign_extend(v, size) as i64)
                    } else {
                        i128::from(v)
                    }
                };
                let product = wide(a).wrapping_mul(wide(b));
                self.set(low, product as u64);
                self.set(high, (product >> bits) as u64);
            }
            M::Div => {
                let dividend = u128::from(d) << bits | u128::from(a);
                let quotient = dividend.checked_div(b.into()).ok_or(Stop::Fine)?;
                if quotient > u128::from(size_mask(size)) {
                    return Err(Stop::Fine);
                }
                self.set(low, quotient as u64);
                self.set(high, (dividend % u128::from(b)) as u64);
            }
            _ => {
                // idiv: any result of its width covers it; a division by zero faults.
                if b == 0 {
                    return Err(Stop::Fine);
                }
                self.show("divided", b);
                let (q, r) = (self.arbitrary(size), self.arbitrary(size));
                self.set(low, q);
                self.set(high, r);
            }
        }
        Ok(())
    }

    /// A call of the gate: arguments are seen, caller-saved registers come back as anything.
    fn call(&mut self) -> Step<()> {
        let rsp = self.registers[RSP];
        if self.top.wrapping_sub(rsp) + 8 > FRAME as u64 {
            return violation("a call at the frame's limit".into());
        }
        for r in 0..16 {
            if r == RSP {
                continue;
            }
            let value = self.registers[r];
            if self.stack_index(value).is_some() {
                return violation(format!("a call with a safe-stack address in register {r}"));
            }
            if !CALLEE_SAVED.contains(&r) {
                self.show("register at a call", value);
            }
            if !CALLEE_SAVED.contains(&r) {
                self.registers[r] = hostile(&mut self.choices);
            }
        }
        let end = FRAME - self.top.wrapping_sub(rsp) as usize;
        for byte in &mut self.stack[..end] {
            *byte = self.secrets.next() as u8;
        }
        Ok(())
    }

    /// Registers become anything, as after a mispredicted return (T1). Only addresses matter then.
    pub fn forget_registers(&mut self) {
        for r in 0..16 {
            if r != RSP {
                self.registers[r] = hostile(&mut self.choices);
            }
        }
    }

    fn ret(&mut self) -> Step<u64> {
        if self.registers[RSP] != self.top {
            let k = self.registers[RSP].wrapping_sub(self.top) as i64;
            return violation(format!("ret at Stack({k})"));
        }
        for r in 0..16 {
            let value = self.registers[r];
            if CALLEE_SAVED.contains(&r) {
                if value != self.entry[r] {
                    return violation(format!("register {r} is not restored at ret"));
                }
            } else if r != RSP {
                self.show("register at ret", value);
            }
        }
        Err(Stop::Fine)
    }
}

fn is_high(r: Register) -> bool {
    matches!(r, Register::AH | Register::BH | Register::CH | Register::DH)
}

/// Values that attackers like.
pub fn hostile(random: &mut Random) -> u64 {
    let base = random.pick(&[
        0,
        1 << 31,
        1 << 32,
        1 << 47,
        0x7fff_0000_0000,
        1 << 56,
        1 << 62,
        1 << 63,
        0xff00_0000_0000_0000,
        0xffff_8000_0000_0000,
        0xffff_8880_0000_0000,
        0xffff_ffff_8000_0000,
    ]);
    let wild = random.next();
    match random.below(4) {
        0 => wild,
        1 => base,
        2 => base.wrapping_add(wild & 0xffff),
        _ => base.wrapping_sub(1 + (wild & 0xffff)),
    }
}
