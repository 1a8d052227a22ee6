//! Rules 2 and 3: which instructions, operands and prefixes box code may consist of.
//!
//! The list names what is allowed; whatever is not on it is refused. It is by mnemonic, and a
//! mnemonic's forms are narrowed by their operands (no segment, control, debug, mask or MMX
//! register), their encoding (legacy or VEX) and their prefixes.

use iced_x86::{
    Code, EncodingKind, Instruction, MandatoryPrefix, Mnemonic, Mnemonic::*, OpKind, Register,
};

use super::allow_vector;

/// Why an instruction is refused.
pub(super) type Refusal = &'static str;

/// Checks one decoded instruction, whose bytes are `bytes`.
pub(super) fn check(instruction: &Instruction, bytes: &[u8]) -> Result<(), Refusal> {
    let mnemonic = instruction.mnemonic();
    if instruction.is_string_instruction() {
        if !matches!(
            mnemonic,
            Movsb
                | Movsw
                | Movsd
                | Movsq
                | Stosb
                | Stosw
                | Stosd
                | Stosq
                | Lodsb
                | Lodsw
                | Lodsd
                | Lodsq
                | Scasb
                | Scasw
                | Scasd
                | Scasq
                | Cmpsb
                | Cmpsw
                | Cmpsd
                | Cmpsq
        ) {
            return Err("port input and output is privileged");
        }
    } else if !scalar(mnemonic) && !x87(mnemonic) && !allow_vector::allowed(mnemonic) {
        return Err("the instruction is not on the allow-list");
    }
    if undocumented(instruction.code()) {
        return Err("an undocumented encoding");
    }
    let form = instruction.op_code();
    match form.encoding() {
        EncodingKind::Legacy | EncodingKind::VEX => {}
        _ => return Err("only legacy and VEX encodings are allowed"),
    }
    for i in 0..instruction.op_count() {
        if instruction.op_kind(i) == OpKind::Register && !register(instruction.op_register(i)) {
            return Err("operand register of a kind that is not allowed");
        }
        if matches!(
            instruction.op_kind(i),
            OpKind::FarBranch16 | OpKind::FarBranch32
        ) {
            return Err("far transfers are not allowed");
        }
    }
    match mnemonic {
        Ret if instruction.op_count() != 0 => return Err("ret with an immediate moves RSP"),
        // A far jump or call through memory has no far-branch operand: its memory operand is wider.
        Jmp | Call
            if instruction.is_jmp_far()
                || instruction.is_jmp_far_indirect()
                || instruction.is_call_far()
                || instruction.is_call_far_indirect() =>
        {
            return Err("far transfers are not allowed");
        }
        Bt | Bts | Btr | Btc
            if instruction.op0_kind() == OpKind::Memory
                && instruction.op1_kind() == OpKind::Register =>
        {
            return Err("the bit index reaches outside the operand's address");
        }
        _ => {}
    }
    prefixes(instruction, bytes)
}

/// Whether there is no prefix at all, or only REX before what is no VEX: then [`prefixes`] has nothing to
/// look for.
fn plain(bytes: &[u8]) -> bool {
    let opcode = match bytes {
        [0x40..=0x4f, 0xc4 | 0xc5, ..] => return false,
        [0x40..=0x4f, opcode, ..] | [opcode, ..] => opcode,
        [] => return false,
    };
    !is_prefix(*opcode)
}

/// REX and the legacy prefixes.
fn is_prefix(byte: u8) -> bool {
    matches!(
        byte,
        0x40..=0x4f | 0x66 | 0x67 | 0xf0 | 0xf2 | 0xf3 | 0x26 | 0x2e | 0x36 | 0x3e | 0x64 | 0x65
    )
}

/// Encodings that manuals leave out or call undefined, of mnemonics that are allowed.
fn undocumented(code: Code) -> bool {
    matches!(
        code,
        Code::Bswap_r16
            | Code::Test_rm8_imm8_F6r1
            | Code::Test_rm16_imm16_F7r1
            | Code::Test_rm32_imm32_F7r1
            | Code::Test_rm64_imm32_F7r1
            | Code::Fcom_st0_sti_DCD0
            | Code::Fcomp_st0_sti_DCD8
            | Code::Fcomp_st0_sti_DED0
            | Code::Fstp_sti_DFD0
            | Code::Fstp_sti_DFD8
            | Code::Fxch_st0_sti_DDC8
            | Code::Fxch_st0_sti_DFC8
            // Vendors differ in its operand's width.
            | Code::Movsxd_r16_rm16
            | Code::Movsxd_r32_rm32
            // 0F 0D: only /1 is defined everywhere.
            | Code::Prefetchreserved3_m8
            | Code::Prefetchreserved4_m8
            | Code::Prefetchreserved5_m8
            | Code::Prefetchreserved6_m8
            | Code::Prefetchreserved7_m8
    )
}

fn register(register: Register) -> bool {
    register.is_gpr() || register.is_xmm() || register.is_ymm() || register.is_st()
}

/// Prefixes: each at most once and with a defined meaning; `nop` ignores 0x66 and segments.
fn prefixes(instruction: &Instruction, bytes: &[u8]) -> Result<(), Refusal> {
    if plain(bytes) {
        return Ok(());
    }
    let form = instruction.op_code();
    let nop = instruction.mnemonic() == Nop;
    let vex = form.encoding() == EncodingKind::VEX;
    let (mut p66, mut rep, mut repne, mut lock, mut segments) = (0, 0, 0, 0, 0);
    let mut rex = false;
    for &b in bytes {
        if rex && is_prefix(b) {
            return Err("a prefix follows REX, which is ignored then");
        }
        match b {
            0x66 => p66 += 1,
            0x67 => return Err("32-bit addressing (prefix 0x67) is not allowed"),
            0xf0 => lock += 1,
            0xf2 => repne += 1,
            0xf3 => rep += 1,
            0x64 => segments += 1,
            0x26 | 0x2e | 0x36 | 0x3e if nop => {}
            0x26 | 0x2e | 0x36 | 0x3e => return Err("segment override other than fs:"),
            0x65 => return Err("gs: is the kernel's"),
            0x40..=0x4f => rex = true,
            _ => break,
        }
    }
    if rex && instruction.mnemonic() == Pause {
        // F3 41 90 is `pause` or `xchg %rax, %r8`, depending on whom one asks.
        return Err("pause with a REX prefix");
    }
    if nop {
        // Multi-byte padding: 66 and cs, any number. F3 0F 1E and the like decode as other mnemonics.
        return if lock + rep + repne + segments == 0 {
            Ok(())
        } else {
            Err("prefix without a meaning")
        };
    }
    if vex && (p66 + rep + repne + lock != 0 || rex) {
        return Err("legacy prefix before VEX");
    }
    if p66 > 1 || rep > 1 || repne > 1 || lock > 1 || segments > 1 || (rep == 1 && repne == 1) {
        return Err("repeated or conflicting prefixes");
    }
    if lock == 1
        && (!instruction.has_lock_prefix()
            || !form.can_use_lock_prefix()
            || instruction.op0_kind() != OpKind::Memory)
    {
        return Err("lock is undefined here");
    }
    if segments == 1
        && !(0..instruction.op_count()).any(|i| instruction.op_kind(i) == OpKind::Memory)
    {
        return Err("segment override without a memory operand");
    }
    let mandatory = form.mandatory_prefix();
    let string = instruction.is_string_instruction();
    let f3 = mandatory == MandatoryPrefix::PF3
        || matches!(instruction.mnemonic(), Pause | Endbr64)
        || (string && form.can_use_rep_prefix());
    let f2 = mandatory == MandatoryPrefix::PF2 || (string && form.can_use_repne_prefix());
    if (rep == 1 && !f3) || (repne == 1 && !f2) {
        return Err("prefix F2 or F3 without a meaning here");
    }
    let width = form.operand_size() == 16
        || mandatory == MandatoryPrefix::P66
        || (string && form.operand_size() == 16);
    if p66 == 1 && !width {
        return Err("prefix 0x66 without a meaning here");
    }
    if p66 == 1
        && (instruction.is_jcc_short_or_near()
            || matches!(
                instruction.mnemonic(),
                Jmp | Call | Ret | Push | Pop | Leave
            ))
    {
        return Err("prefix 0x66 on a branch or a stack instruction");
    }
    Ok(())
}

fn scalar(mnemonic: Mnemonic) -> bool {
    matches!(
        mnemonic,
        // moves
        Mov | Movzx | Movsx | Movsxd | Lea | Xchg | Bswap | Movbe | Movnti | Push | Pop | Leave
        | Cbw | Cwde | Cdqe | Cwd | Cdq | Cqo
        | Cmova | Cmovae | Cmovb | Cmovbe | Cmove | Cmovg | Cmovge | Cmovl | Cmovle | Cmovne | Cmovno
        | Cmovnp | Cmovns | Cmovo | Cmovp | Cmovs
        | Seta | Setae | Setb | Setbe | Sete | Setg | Setge | Setl | Setle | Setne | Setno | Setnp
        | Setns | Seto | Setp | Sets
        // arithmetic
        | Add | Adc | Sub | Sbb | And | Or | Xor | Not | Neg | Inc | Dec | Cmp | Test
        | Mul | Imul | Div | Idiv | Shl | Shr | Sar | Rol | Ror | Rcl | Rcr | Shld | Shrd
        | Bt | Bts | Btr | Btc | Bsf | Bsr | Clc | Stc | Cmc | Cld | Lahf | Sahf
        | Cmpxchg | Cmpxchg8b | Cmpxchg16b | Xadd
        // extensions
        | Popcnt | Lzcnt | Tzcnt | Crc32 | Adcx | Adox
        | Andn | Bextr | Blsi | Blsmsk | Blsr | Bzhi | Mulx | Pdep | Pext | Rorx | Sarx | Shlx | Shrx
        // control
        | Jmp | Call | Ret | Ja | Jae | Jb | Jbe | Je | Jg | Jge | Jl | Jle | Jne | Jno | Jnp | Jns | Jo
        | Jp | Js | Jrcxz | Ud2 | Int3
        // the rest
        | Nop | Endbr64 | Pause | Lfence | Mfence | Sfence | Rdtsc | Cpuid
        | Prefetchnta | Prefetcht0 | Prefetcht1 | Prefetcht2 | Prefetchw
        | Clflush | Clflushopt | Clwb
    )
}

/// x87 without what stores or loads its whole environment.
pub(super) fn x87(mnemonic: Mnemonic) -> bool {
    matches!(
        mnemonic,
        F2xm1
            | Fabs
            | Fadd
            | Faddp
            | Fchs
            | Fnclex
            | Fcom
            | Fcomp
            | Fcompp
            | Fdecstp
            | Fdiv
            | Fdivp
            | Fdivr
            | Fdivrp
            | Ffree
            | Fiadd
            | Ficom
            | Ficomp
            | Fidiv
            | Fidivr
            | Fild
            | Fimul
            | Fincstp
            | Fist
            | Fistp
            | Fisttp
            | Fisub
            | Fisubr
            | Fld
            | Fld1
            | Fldcw
            | Fldl2e
            | Fldl2t
            | Fldlg2
            | Fldln2
            | Fldpi
            | Fldz
            | Fmul
            | Fmulp
            | Fnop
            | Fnstcw
            | Fnstsw
            | Fpatan
            | Fprem
            | Fprem1
            | Fptan
            | Frndint
            | Fscale
            | Fsqrt
            | Fst
            | Fstp
            | Fsub
            | Fsubp
            | Fsubr
            | Fsubrp
            | Ftst
            | Fucom
            | Fucomp
            | Fucompp
            | Fxam
            | Fxch
            | Fxtract
            | Fyl2x
            | Fyl2xp1
            | Fcos
            | Fsin
            | Fsincos
            | Wait
            | Fcmovb
            | Fcmovbe
            | Fcmove
            | Fcmovnb
            | Fcmovnbe
            | Fcmovne
            | Fcmovnu
            | Fcmovu
            | Fcomi
            | Fcomip
            | Fucomi
            | Fucomip
    )
}

/// Rule 4: 32-bit results of these are zero-extended on every CPU and every path. Not among them:
/// `bsf`, `bsr` (`tzcnt`, `lzcnt` where they decode as those), `cmpxchg`, `cmpxchg8b`, `xchg`.
pub(super) fn zero_extends(mnemonic: Mnemonic) -> bool {
    matches!(
        mnemonic,
        Mov | Movzx
            | Movsx
            | Movsxd
            | Lea
            | Movbe
            | Bswap
            | Cwde
            | Add
            | Adc
            | Sub
            | Sbb
            | And
            | Or
            | Xor
            | Not
            | Neg
            | Inc
            | Dec
            | Imul
            | Shl
            | Shr
            | Sar
            | Rol
            | Ror
            | Rcl
            | Rcr
            | Shld
            | Shrd
            | Popcnt
            | Crc32
            | Cmova
            | Cmovae
            | Cmovb
            | Cmovbe
            | Cmove
            | Cmovg
            | Cmovge
            | Cmovl
            | Cmovle
            | Cmovne
            | Cmovno
            | Cmovnp
            | Cmovns
            | Cmovo
            | Cmovp
            | Cmovs
            | Andn
            | Bextr
            | Blsi
            | Blsmsk
            | Blsr
            | Bzhi
            | Pdep
            | Pext
            | Rorx
            | Sarx
            | Shlx
            | Shrx
            | Movd
            | Vmovd
            | Pextrb
            | Pextrd
            | Pextrw
            | Vpextrb
            | Vpextrd
            | Vpextrw
            | Extractps
            | Vextractps
            | Pmovmskb
            | Vpmovmskb
            | Movmskps
            | Movmskpd
            | Vmovmskps
            | Vmovmskpd
            | Cvtsd2si
            | Cvttsd2si
            | Cvtss2si
            | Cvttss2si
            | Vcvtsd2si
            | Vcvttsd2si
            | Vcvtss2si
            | Vcvttss2si
            | Bts
            | Btr
            | Btc
    )
}
