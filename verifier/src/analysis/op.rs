//! One decoded instruction with what the analysis asks of it at every visit.

use iced_x86::{
    FlowControl, Instruction, InstructionInfoFactory, Mnemonic, Mnemonic::*, OpAccess, OpKind,
    Register,
};

use super::quick::Quick;

/// The explicit memory operand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Memory {
    pub(super) base: Option<u8>,
    pub(super) index: Option<u8>,
    pub(super) scale: u8,
    pub(super) displacement: i64,
    /// RIP-relative: `displacement` is the address.
    pub(super) fixed: bool,
    pub(super) fs: bool,
    pub(super) size: i32,
    pub(super) read: bool,
    pub(super) write: bool,
    /// The write happens whenever the instruction completes.
    pub(super) certain_write: bool,
}

/// A general register that the instruction writes, and how many of its bytes (0: the generic answer,
/// nothing is known of the result).
#[derive(Clone, Copy, Debug)]
pub(super) struct Written {
    pub(super) register: u8,
    pub(super) bytes: u8,
    pub(super) high: bool,
}

/// What an operand is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Operand {
    /// A general register, or part of one: so many bits.
    General {
        register: u8,
        bits: u8,
        high: bool,
    },
    /// Another register, of so many bits.
    Vector {
        bits: u16,
    },
    Memory,
    Immediate,
    /// There is none, or it is of no interest.
    None,
}

/// An instruction and what the analysis asks of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Op {
    pub(super) instruction: Instruction,
    pub(super) form: Form,
}

impl core::ops::Deref for Op {
    type Target = Form;

    fn deref(&self) -> &Form {
        &self.form
    }
}

/// What is asked of an instruction; all but the displacement is the same for all of a kind (`shape`).
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    pub(super) memory: Option<Memory>,
    /// The first three; no instruction with a model of its own has more.
    pub(super) operands: [Operand; 3],
    pub(super) mnemonic: Mnemonic,
    pub(super) flow: FlowControl,
    /// General registers read as operands (not for addressing).
    pub(super) reads: u16,
    writes: [Written; MAX_WRITES],
    writes_len: u8,
    pub(super) writes_sp: bool,
    pub(super) string: bool,
    /// Flags change.
    pub(super) flags: bool,
    pub(super) x87: X87,
    pub(super) quick: Quick,
}

/// `cpuid` writes four general registers.
const MAX_WRITES: usize = 4;

/// What an instruction has to do with pending x87 exceptions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum X87 {
    /// It is no x87 instruction.
    None,
    /// It faults if one is pending, before anything else.
    Waits,
    /// The same; and it stores to memory, unless it raises an unmasked exception itself.
    Stores,
    /// It does not look at them.
    Ignores,
    /// It clears them.
    Clears,
}

fn x87(mnemonic: Mnemonic) -> X87 {
    match mnemonic {
        Fst | Fstp | Fist | Fistp | Fisttp => X87::Stores,
        Fnstcw | Fnstsw => X87::Ignores,
        Fnclex => X87::Clears,
        other if super::allow::x87(other) => X87::Waits,
        _ => X87::None,
    }
}

impl Form {
    pub(super) fn mnemonic(&self) -> Mnemonic {
        self.mnemonic
    }

    /// The general registers that it writes.
    pub(super) fn writes(&self) -> &[Written] {
        self.writes.get(..self.writes_len.into()).unwrap_or(&[])
    }

    /// Whether the explicit operands before the memory operand end at it: operand 0 is memory.
    pub(super) fn memory_first(&self) -> bool {
        self.operands[0] == Operand::Memory
    }

    /// With an instruction of this form.
    #[inline]
    pub(super) fn of(&self, instruction: &Instruction) -> Op {
        let mut op = Op {
            instruction: *instruction,
            form: *self,
        };
        if let Some(m) = op.form.memory.as_mut() {
            m.displacement = instruction.memory_displacement64() as i64;
        }
        op
    }
}

impl Op {
    /// How many operands it has.
    pub(super) fn count(&self) -> u32 {
        self.instruction.op_count()
    }

    pub(super) fn address(&self) -> u64 {
        self.instruction.ip()
    }
}

/// The number of a general register's 64-bit parent.
pub(super) fn general(register: Register) -> Option<u8> {
    let full = register.full_register();
    (Register::RAX..=Register::R15)
        .contains(&full)
        .then(|| (full as u32 - Register::RAX as u32) as u8)
}

pub(super) fn is_high_byte(register: Register) -> bool {
    matches!(
        register,
        Register::AH | Register::BH | Register::CH | Register::DH
    )
}

fn operand(instruction: &Instruction, i: u32) -> Operand {
    if i >= instruction.op_count() {
        return Operand::None;
    }
    match instruction.op_kind(i) {
        OpKind::Register => {
            let register = instruction.op_register(i);
            let bits = register.size() * 8;
            match general(register) {
                Some(number) => Operand::General {
                    register: number,
                    bits: bits as u8,
                    high: is_high_byte(register),
                },
                None => Operand::Vector { bits: bits as u16 },
            }
        }
        OpKind::Memory => Operand::Memory,
        OpKind::Immediate8
        | OpKind::Immediate16
        | OpKind::Immediate32
        | OpKind::Immediate64
        | OpKind::Immediate8to16
        | OpKind::Immediate8to32
        | OpKind::Immediate8to64
        | OpKind::Immediate32to64 => Operand::Immediate,
        _ => Operand::None,
    }
}

fn reads(access: OpAccess) -> bool {
    matches!(
        access,
        OpAccess::Read | OpAccess::CondRead | OpAccess::ReadWrite | OpAccess::ReadCondWrite
    )
}

fn writes(access: OpAccess) -> bool {
    matches!(
        access,
        OpAccess::Write | OpAccess::CondWrite | OpAccess::ReadWrite | OpAccess::ReadCondWrite
    )
}

/// Describes `instruction`. An error names what the analysis has no model of.
pub(super) fn describe(
    factory: &mut InstructionInfoFactory,
    instruction: &Instruction,
) -> Result<Op, &'static str> {
    let mnemonic = instruction.mnemonic();
    let addressing_only = matches!(mnemonic, Lea | Nop);
    let string = instruction.is_string_instruction();
    let stack = matches!(mnemonic, Push | Pop | Call | Ret | Leave);
    let info = factory.info(instruction);

    let mut memory = None;
    if (0..instruction.op_count()).any(|i| instruction.op_kind(i) == OpKind::Memory) {
        let base = instruction.memory_base();
        let index = instruction.memory_index();
        let fixed = instruction.is_ip_rel_memory_operand();
        memory = Some(Memory {
            base: if fixed { None } else { general(base) },
            index: general(index),
            scale: instruction.memory_index_scale() as u8,
            displacement: instruction.memory_displacement64() as i64,
            fixed,
            fs: instruction.segment_prefix() == Register::FS,
            size: i32::try_from(instruction.memory_size().size()).unwrap_or(0),
            read: false,
            write: false,
            certain_write: false,
        });
        if !fixed && base != Register::None && (general(base).is_none() || base.size() != 8) {
            return Err("address from a register that is not 64 bits wide");
        }
        if index != Register::None && (general(index).is_none() || index.size() != 8) {
            return Err("address from an index that is no 64-bit register");
        }
    }
    if stack {
        // The stack's own part is the stack rules' (`stack.rs`); the operand is plain.
        if let Some(m) = memory.as_mut() {
            m.write = mnemonic == Pop;
            m.certain_write = m.write;
            m.read = !m.write;
        }
    } else if hint(mnemonic) {
        // Rule 10: no access, but the address must be safe.
        if let Some(m) = memory.as_mut() {
            m.read = true;
            m.size = m.size.max(1);
        }
    } else if !addressing_only && !string {
        let mut explicit = 0;
        for used in info.used_memory() {
            if matches!(used.access(), OpAccess::None | OpAccess::NoMemAccess) {
                continue;
            }
            explicit += 1;
            let Some(m) = memory.as_mut() else {
                return Err("implicit memory operand");
            };
            m.read |= reads(used.access());
            m.write |= writes(used.access());
            m.certain_write |= matches!(used.access(), OpAccess::Write | OpAccess::ReadWrite);
        }
        if explicit > 1 {
            return Err("more than one memory operand");
        }
        if memory.is_some_and(|m| (m.read || m.write) && m.size <= 0) {
            return Err("memory operand of unknown size");
        }
    }

    let mut read_mask = 0u16;
    for i in 0..instruction.op_count() {
        // What a conditional write leaves alone survives it (`cmov`, `bsf`, `rep lods`): the old value is
        // an operand.
        if instruction.op_kind(i) == OpKind::Register
            && (reads(info.op_access(i)) || info.op_access(i) == OpAccess::CondWrite)
            && let Some(r) = general(instruction.op_register(i))
        {
            read_mask |= 1 << r;
        }
    }
    for used in info.used_registers() {
        // Implicit operands. What only addresses is no operand, but a register may do both
        // (`mul (%rax)`); RSP is rule 9's.
        if (reads(used.access()) || used.access() == OpAccess::CondWrite)
            && let Some(r) = general(used.register())
            && usize::from(r) != super::state::RSP
            && (implicit_operands(instruction)
                || !memory.is_some_and(|m| m.base == Some(r) || m.index == Some(r)))
            && !addressing_only
            && !stack
            && !matches!(mnemonic, Mov | Xchg)
        {
            read_mask |= 1 << r;
        }
    }

    let none = Written {
        register: 0,
        bytes: 0,
        high: false,
    };
    let (mut writes_to, mut len) = ([none; MAX_WRITES], 0);
    for used in info.used_registers() {
        if !writes(used.access()) {
            continue;
        }
        let Some(register) = general(used.register()) else {
            continue;
        };
        if let Some(w) = writes_to[..len].iter_mut().find(|w| w.register == register) {
            // Two parts of one register (`mulx %rax, %rax`, `xadd %al, %ah`): nothing is known.
            w.bytes = 0;
            continue;
        }
        // iced reports the 64-bit register where a 32-bit write clears the upper half; the operand
        // says how wide the instruction's own result is.
        let mut bytes = used.register().size() as u8;
        let mut high = is_high_byte(used.register());
        for i in 0..instruction.op_count() {
            if instruction.op_kind(i) == OpKind::Register {
                let r = instruction.op_register(i);
                if general(r) == Some(register) && writes(info.op_access(i)) {
                    bytes = r.size() as u8;
                    high = is_high_byte(r);
                }
            }
        }
        let Some(next) = writes_to.get_mut(len) else {
            return Err("more results than any instruction has that is known");
        };
        *next = Written {
            register,
            bytes,
            high,
        };
        len += 1;
    }
    let writes = &writes_to[..len];
    let mut form = Form {
        memory,
        operands: [0, 1, 2].map(|i| operand(instruction, i)),
        mnemonic,
        flow: instruction.flow_control(),
        reads: read_mask,
        writes_sp: writes
            .iter()
            .any(|w| usize::from(w.register) == super::state::RSP),
        writes: writes_to,
        writes_len: len as u8,
        string,
        flags: instruction.rflags_modified() != 0,
        x87: x87(mnemonic),
        quick: Quick::No,
    };
    form.quick = Quick::of(&form);
    Ok(Op {
        instruction: *instruction,
        form,
    })
}

/// Prefetches and cache-line instructions.
pub(super) fn hint(mnemonic: Mnemonic) -> bool {
    matches!(
        mnemonic,
        Prefetchnta
            | Prefetcht0
            | Prefetcht1
            | Prefetcht2
            | Prefetchw
            | Clflush
            | Clflushopt
            | Clwb
    )
}

/// Moves under a mask: they need not access.
pub(super) fn masked_move(mnemonic: Mnemonic) -> bool {
    matches!(mnemonic, Vmaskmovps | Vmaskmovpd | Vpmaskmovd | Vpmaskmovq)
}

/// Instructions that read general registers which are not operands.
fn implicit_operands(instruction: &Instruction) -> bool {
    matches!(
        instruction.mnemonic(),
        Cmpxchg
            | Cmpxchg8b
            | Cmpxchg16b
            | Mul
            | Div
            | Idiv
            | Mulx
            | Cbw
            | Cwde
            | Cdqe
            | Cwd
            | Cdq
            | Cqo
            | Lahf
            | Sahf
            | Cpuid
            | Jrcxz
            | Pcmpestri
            | Pcmpestri64
            | Pcmpestrm
            | Pcmpestrm64
            | Vpcmpestri
            | Vpcmpestri64
            | Vpcmpestrm
            | Vpcmpestrm64
    ) || (instruction.mnemonic() == Imul && instruction.op_count() == 1)
        || instruction.is_string_instruction()
}
