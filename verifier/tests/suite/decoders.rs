//! What the verifier accepts must mean the same to two decoders that were written independently:
//! iced-x86, which the verifier uses, and yaxpeax-x86. Where they differ in length, operation or
//! operands, nobody knows what a CPU does, and the verifier must refuse the bytes, or the
//! difference stands in a list here with its reason.

use std::collections::BTreeMap;

use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, OpKind, Register};
use privbox_verifier::image::{Function, Image};
use yaxpeax_x86::long_mode::{InstDecoder, Operand, RegSpec};

use crate::harness::check;
use crate::harness::layout::{self, Settings, TEXT};
use crate::harness::random::{Random, effort};

/// An operand, as far as both decoders can tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Register(String),
    Memory {
        base: String,
        index: String,
        scale: u8,
        displacement: i64,
        segment: bool,
        size: u32,
    },
    Immediate(i64),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Decoded {
    length: usize,
    name: String,
    parts: Vec<Part>,
}

fn iced(bytes: &[u8]) -> Option<(Decoded, Instruction)> {
    let i = Decoder::with_ip(64, bytes, 0, DecoderOptions::NONE).decode();
    if i.is_invalid() {
        return None;
    }
    let name = format!("{:?}", i.mnemonic()).to_lowercase();
    let register = |r: Register| match format!("{r:?}").to_lowercase() {
        name if name == "none" => String::new(),
        // r8l is r8b elsewhere.
        name if name.starts_with('r') && name.ends_with('l') => name.replace('l', "b"),
        name => name,
    };
    let mut parts = Vec::new();
    for n in 0..i.op_count() {
        parts.push(match i.op_kind(n) {
            OpKind::Register => Part::Register(register(i.op_register(n))),
            OpKind::Memory => {
                let rip = i.is_ip_rel_memory_operand();
                let absolute = i.ip_rel_memory_address() as i64 - i.len() as i64;
                Part::Memory {
                    base: register(i.memory_base()),
                    index: register(i.memory_index()),
                    scale: if i.memory_index() == Register::None {
                        1
                    } else {
                        i.memory_index_scale() as u8
                    },
                    displacement: if rip {
                        absolute
                    } else {
                        i.memory_displacement64() as i64
                    },
                    segment: i.segment_prefix() == Register::FS,
                    size: i.memory_size().size() as u32,
                }
            }
            OpKind::NearBranch64 => Part::Immediate(i.near_branch64() as i64 - i.len() as i64),
            OpKind::Immediate8 | OpKind::Immediate8_2nd => {
                Part::Immediate(i.immediate(n) as i8 as i64)
            }
            OpKind::Immediate16 => Part::Immediate(i.immediate(n) as i16 as i64),
            OpKind::Immediate32 => Part::Immediate(i.immediate(n) as i32 as i64),
            OpKind::Immediate8to16 => Part::Immediate(i.immediate8to16() as i64),
            OpKind::Immediate8to32 => Part::Immediate(i.immediate8to32() as i64),
            OpKind::Immediate8to64 => Part::Immediate(i.immediate8to64()),
            OpKind::Immediate32to64 => Part::Immediate(i.immediate32to64()),
            OpKind::Immediate64 => Part::Immediate(i.immediate64() as i64),
            // String operands: both name them, each in its own way; the registers are fixed.
            _ => continue,
        });
    }
    Some((
        Decoded {
            length: i.len(),
            name,
            parts,
        },
        i,
    ))
}

fn yaxpeax(bytes: &[u8]) -> Option<Decoded> {
    use yaxpeax_arch::{AddressBase as _, LengthedInstruction as _};
    let i = InstDecoder::default().decode_slice(bytes).ok()?;
    let size = i
        .mem_size()
        .and_then(|s| s.bytes_size())
        .map_or(0, u32::from);
    let register = |r: RegSpec| r.name().replace(['(', ')'], "");
    let memory = |base: Option<RegSpec>,
                  index: Option<RegSpec>,
                  scale: u8,
                  displacement: i64,
                  segment: bool| {
        Part::Memory {
            base: base.map(register).unwrap_or_default(),
            index: index.map(register).unwrap_or_default(),
            scale,
            displacement,
            segment,
            size,
        }
    };
    let mut parts = Vec::new();
    for n in 0..i.operand_count() {
        let fs = i.segment_override_for_op(n) == Some(yaxpeax_x86::long_mode::Segment::FS);
        parts.push(match i.operand(n) {
            Operand::ImmediateI8 { imm } => Part::Immediate(imm.into()),
            Operand::ImmediateU8 { imm } => Part::Immediate((imm as i8).into()),
            Operand::ImmediateI16 { imm } => Part::Immediate(imm.into()),
            Operand::ImmediateU16 { imm } => Part::Immediate((imm as i16).into()),
            Operand::ImmediateI32 { imm } => Part::Immediate(imm.into()),
            Operand::ImmediateU32 { imm } => Part::Immediate((imm as i32).into()),
            Operand::ImmediateI64 { imm } => Part::Immediate(imm),
            Operand::ImmediateU64 { imm } => Part::Immediate(imm as i64),
            Operand::Register { reg } => Part::Register(register(reg)),
            Operand::AbsoluteU32 { addr } => memory(None, None, 1, (addr as i32).into(), fs),
            Operand::AbsoluteU64 { addr } => memory(None, None, 1, addr as i64, fs),
            Operand::MemDeref { base } => memory(Some(base), None, 1, 0, fs),
            Operand::Disp { base, disp } => memory(Some(base), None, 1, disp.into(), fs),
            Operand::MemIndexScale { index, scale } => memory(None, Some(index), scale, 0, fs),
            Operand::MemIndexScaleDisp { index, scale, disp } => {
                memory(None, Some(index), scale, disp.into(), fs)
            }
            Operand::MemBaseIndexScale { base, index, scale } => {
                memory(Some(base), Some(index), scale, 0, fs)
            }
            Operand::MemBaseIndexScaleDisp {
                base,
                index,
                scale,
                disp,
            } => memory(Some(base), Some(index), scale, disp.into(), fs),
            _ => return None,
        });
    }
    let name = i.opcode().to_string().to_lowercase();
    Some(Decoded {
        length: 0u64.wrapping_offset(i.len()).to_linear(),
        name,
        parts,
    })
}

/// Byte sequences to try: opcodes of all maps with all kinds of prefixes and operands, VEX, noise.
fn candidates() -> Vec<Vec<u8>> {
    const PREFIXES: [&[u8]; 24] = [
        &[],
        &[0x66],
        &[0xf2],
        &[0xf3],
        &[0x48],
        &[0x41],
        &[0x44],
        &[0x4d],
        &[0x40],
        &[0x66, 0x48],
        &[0xf3, 0x48],
        &[0xf2, 0x48],
        &[0xf0],
        &[0xf0, 0x48],
        &[0x2e],
        &[0x3e],
        &[0x64],
        &[0x65],
        &[0x67],
        &[0x66, 0xf2],
        &[0x66, 0xf3],
        &[0xf3, 0x66],
        &[0x48, 0x66],
        &[0x66, 0x66],
    ];
    const MAPS: [&[u8]; 4] = [&[], &[0x0f], &[0x0f, 0x38], &[0x0f, 0x3a]];
    let mut random = Random::new(7);
    let mut out = Vec::new();
    let mut add = |head: &[&[u8]], modrm: &[u8]| {
        let mut bytes: Vec<u8> = head.concat();
        bytes.extend_from_slice(modrm);
        bytes.extend([0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x08, 0x19]);
        out.push(bytes);
    };
    // Registers, [rdi], [rsi+disp8], [rsp+8], [rdi+rcx*2], RIP-relative into the data, disp32.
    let operands = |reg: u8| -> Vec<Vec<u8>> {
        let r = reg << 3;
        vec![
            vec![0xc1 | r],
            vec![0xc6 | r],
            vec![0x07 | r],
            vec![0x46 | r, 0x10],
            vec![0x44 | r, 0x24, 0x08],
            vec![0x04 | r, 0x4f],
            vec![0x80 | r, 0x00, 0x01, 0x00, 0x00],
            vec![0x05 | r, 0x00, 0x90, 0x1f, 0x00],
            vec![0x04 | r, 0x25, 0x00, 0x00, 0x60, 0x00],
        ]
    };
    for prefix in PREFIXES {
        for map in MAPS {
            for opcode in 0..=255u8 {
                for reg in 0..8 {
                    for operand in operands(reg) {
                        if random.one_in((24 / effort()).max(1)) {
                            add(&[prefix, map, &[opcode]], &operand);
                        }
                    }
                }
            }
        }
    }
    for map in 1..4u8 {
        for opcode in 0..=255u8 {
            for variant in 0..16u8 {
                for v in [0xf, 0x8] {
                    let (wide, low) = (variant >> 3, variant & 7);
                    let third = wide << 7 | v << 3 | low;
                    let reg = random.below(8) as u8;
                    let operand = &operands(reg)[random.index(8)];
                    add(&[&[0xc4, 0xe0 | map, third, opcode]], operand);
                    if map == 1 {
                        add(&[&[0xc5, 0x80 | v << 3 | low, opcode]], operand);
                    }
                }
            }
        }
    }
    for _ in 0..20_000 * effort() {
        let mut bytes: Vec<u8> = (0..16).map(|_| random.next() as u8).collect();
        if random.one_in(2) {
            bytes[0] = random.pick(&[
                0x0f, 0x48, 0x66, 0xf3, 0x41, 0x0f, 0xc4, 0xc5, 0x8f, 0x62, 0xd5,
            ]);
        }
        out.push(bytes);
    }
    out
}

/// Saves all registers, bounds them, gives the frame written slots; then comes the instruction.
fn prologue() -> Vec<u8> {
    let mut code = vec![0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57];
    code.extend([0x48, 0x83, 0xec, 0x40]); // sub $64, %rsp
    for slot in 0..8 {
        code.extend([0x48, 0xc7, 0x44, 0x24, slot * 8, 0, 0, 0, 0]); // movq $0, slot(%rsp)
    }
    code.extend([0x89, 0xc0]); // mov %eax, %eax
    for r in (1..16).filter(|r| *r != 4) {
        let rex = if r >= 8 { 0x41 } else { 0x40 };
        code.extend([rex, 0x89, 0xc0 | (r & 7)]); // mov %eax, r32
    }
    code
}

const EPILOGUE: [u8; 16] = [
    0x48, 0x83, 0xc4, 0x40, 0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d, 0x41, 0x5c, 0x5d, 0x5b, 0xc3, 0xcc,
];

/// Which of the instructions are accepted, each in a function of its own of one image.
fn accepted(instructions: &[Vec<u8>]) -> Vec<bool> {
    let prologue = prologue();
    let mut text = Vec::new();
    let mut starts = Vec::new();
    let mut functions = Vec::new();
    for code in instructions {
        text.resize(text.len().next_multiple_of(16), 0xcc);
        let start = TEXT + text.len() as u64;
        starts.push(start);
        text.extend_from_slice(&prologue);
        text.extend_from_slice(code);
        text.extend_from_slice(&EPILOGUE);
        functions.push(Function {
            start,
            size: TEXT + text.len() as u64 - start,
        });
    }
    let mut image: Image = layout::function(&text, Settings::default());
    image.functions = functions;
    let report = check::report(&image);
    let mut good = vec![true; instructions.len()];
    for finding in &report.findings {
        let address = finding.function.unwrap_or(finding.address);
        if let Some(n) = starts.partition_point(|s| *s <= address).checked_sub(1) {
            good[n] = false;
        }
    }
    good
}

/// The same, but for words, or for a known mistake.
fn explained(a: &Decoded, b: &Decoded) -> bool {
    if a.length != b.length {
        return false;
    }
    KNOWN
        .iter()
        .any(|(name, other, _)| a.name == *name && b.name == *other)
        || same_operation(&a.name, &b.name) && same_parts(a, b)
}

/// Differences of the same length that are mistakes of yaxpeax-x86 2.2 by both makers' manuals, or
/// mean the same: iced's name, the other name, the reason.
const KNOWN: &[(&str, &str, &str)] = &[
    (
        "bswap",
        "bswap",
        "without REX.W the register is 32 bits wide; yaxpeax says 64 with any REX",
    ),
    (
        "bt",
        "bt",
        "0F BA without REX.W is 32 bits wide; yaxpeax says 64",
    ),
    ("bts", "bts", "the same"),
    ("btr", "btr", "the same"),
    ("btc", "btc", "the same"),
    (
        "clflush",
        "clflush",
        "a line of 64 bytes, of which iced names one",
    ),
    (
        "crc32",
        "crc32",
        "with REX.W the source is 64 bits wide; yaxpeax says 32",
    ),
    (
        "cvtdq2pd",
        "cvtdq2pd",
        "the memory operand is 8 bytes; yaxpeax says 16",
    ),
    ("movd", "movq", "66 0F 6E without REX.W is 4 bytes"),
    (
        "movmskpd",
        "movmskpd",
        "with REX.W the upper half is zero all the same",
    ),
    ("movmskps", "movmskps", "the same"),
    ("pmovmskb", "pmovmskb", "the same"),
    (
        "pcmpestri64",
        "pcmpestri",
        "REX.W: RAX and RDX instead of EAX and EDX are the lengths",
    ),
    ("pcmpestrm64", "pcmpestrm", "the same"),
    ("vpmovmskb", "vpmovmskb", "the same"),
    ("vmovmskpd", "vmovmskpd", "the same"),
    ("vmovmskps", "vmovmskps", "the same"),
    ("vextractps", "vextractps", "the same"),
    ("vpextrb", "vpextrb", "the same"),
    ("vpextrw", "vpextrw", "the same"),
    ("pextrw", "pextrw", "the same"),
    (
        "vpinsrb",
        "vpinsrb",
        "with VEX.W, 64 bits are named and 8 read",
    ),
    (
        "vpinsrw",
        "vpinsrw",
        "with VEX.W, 64 bits are named and 16 read",
    ),
    (
        "vpshufd",
        "vpshufd",
        "with VEX.L the memory operand is 32 bytes; yaxpeax says 16",
    ),
    ("vpshufhw", "vpshufhw", "the same"),
    ("vpshuflw", "vpshuflw", "the same"),
    ("vroundpd", "vroundpd", "the same"),
    ("vroundps", "vroundps", "the same"),
    ("vpcmpestri64", "vpcmpestri", "as above"),
    ("vpcmpestrm64", "vpcmpestrm", "as above"),
    (
        "pextrb",
        "pextrb",
        "the register is 32 bits wide; yaxpeax says 16",
    ),
    ("pextrd", "pextrd", "the same"),
    (
        "pinsrb",
        "pinsrb",
        "the source is a general register; yaxpeax says a vector register",
    ),
    ("pinsrd", "pinsrd", "the same"),
    (
        "pinsrw",
        "pinsrw",
        "with REX.W, 64 bits are named and 16 read",
    ),
    (
        "prefetchnta",
        "prefetchnta",
        "a line of 64 bytes, of which iced names one",
    ),
    ("prefetcht0", "prefetcht0", "the same"),
    ("prefetcht1", "prefetcht1", "the same"),
    ("prefetcht2", "prefetcht2", "the same"),
    (
        "prefetchw",
        "nop",
        "yaxpeax does not know it by this name; neither touches memory",
    ),
    (
        "vcvtps2ph",
        "vcvtps2ph",
        "from an xmm register 8 bytes are stored; yaxpeax says 16",
    ),
    (
        "vfmadd213sd",
        "vfmadd231sd",
        "A9 is the 213 form; the operands are the same",
    ),
    ("vfmadd213ss", "vfmadd231ss", "the same"),
    (
        "vfmsub213sd",
        "vfmsub231sd",
        "AB is the 213 form; the operands are the same",
    ),
    ("vfmsub213ss", "vfmsub231ss", "the same"),
    ("int3", "int", "CC, whose operand yaxpeax writes out"),
    ("pause", "nop", "F3 90"),
];

/// Two spellings of one operation.
fn same_operation(iced: &str, other: &str) -> bool {
    const CONDITIONS: [(&str, &str); 16] = [
        ("ae", "nb"),
        ("ae", "nc"),
        ("e", "z"),
        ("ne", "nz"),
        ("be", "na"),
        ("a", "nbe"),
        ("b", "c"),
        ("ge", "nl"),
        ("le", "ng"),
        ("g", "nle"),
        ("l", "nge"),
        ("p", "pe"),
        ("np", "po"),
        ("b", "nae"),
        ("a", "a"),
        ("e", "e"),
    ];
    if iced == other {
        return true;
    }
    for prefix in ["j", "set", "cmov"] {
        if let (Some(x), Some(y)) = (iced.strip_prefix(prefix), other.strip_prefix(prefix)) {
            return CONDITIONS.contains(&(x, y));
        }
    }
    const SPELLINGS: [(&str, &str); 12] = [
        ("shl", "sal"),
        ("movsxd", "movsx"),
        ("movsx", "movsxd"),
        ("ret", "retn"),
        ("wait", "fwait"),
        ("cmpsd", "cmps"),
        ("movsd", "movs"),
        ("stosd", "stos"),
        ("xlatb", "xlat"),
        ("movabs", "mov"),
        ("fstpnce", "fstp"),
        ("cwde", "cbw"),
    ];
    if SPELLINGS.contains(&(iced, other)) {
        return true;
    }
    // String instructions without their width.
    let string = ["movs", "stos", "lods", "scas", "cmps"];
    string
        .iter()
        .any(|s| iced.starts_with(s) && other.starts_with(s))
}

fn same_parts(a: &Decoded, b: &Decoded) -> bool {
    let string = ["movs", "stos", "lods", "scas", "cmps"];
    let has_memory = a.parts.iter().any(|p| matches!(p, Part::Memory { .. }));
    let vector = a
        .parts
        .iter()
        .any(|p| matches!(p, Part::Register(r) if r.contains("mm")));
    if string
        .iter()
        .any(|s| a.name.starts_with(s) && !has_memory && !vector && a.parts.len() <= 1)
    {
        return true;
    }
    if a.name == "nop" {
        return true; // its operand means nothing
    }
    if a.name == "xchg" && a.parts.len() == 2 && b.parts.len() == 2 {
        // In either order.
        return a.parts == b.parts || (a.parts[0] == b.parts[1] && a.parts[1] == b.parts[0]);
    }
    if a.name.starts_with('f') {
        // x87: whether ST(0) is written out is a matter of taste.
        let top = Part::Register("st0".into());
        let named = |d: &Decoded| {
            d.parts
                .iter()
                .filter(|p| **p != top)
                .cloned()
                .collect::<Vec<_>>()
        };
        return named(a) == named(b);
    }
    a.parts.len() == b.parts.len()
        && a.parts.iter().zip(&b.parts).all(|(x, y)| match (x, y) {
            (
                Part::Memory {
                    base,
                    index,
                    scale,
                    displacement,
                    segment,
                    size,
                },
                Part::Memory {
                    base: b2,
                    index: i2,
                    scale: s2,
                    displacement: d2,
                    segment: g2,
                    size: z2,
                },
            ) => {
                // lea has no access, so no size. For vector loads of 4 or 8 bytes yaxpeax often names
                // the whole register: it loads more than the makers' manuals say.
                let load = matches!(&a.parts[0], Part::Register(r) if r.contains("mm"));
                (base, index, scale, displacement, segment) == (b2, i2, s2, d2, g2)
                    && (size == z2 || a.name == "lea" || load && size < z2)
            }
            _ => x == y,
        })
}

#[test]
fn two_decoders_agree_on_what_is_accepted() {
    let mut sequences = Vec::new();
    for bytes in candidates() {
        let Some((decoded, instruction)) = iced(&bytes) else {
            continue;
        };
        // Branches need a target; the corpus has them.
        if matches!(
            instruction.flow_control(),
            FlowControl::Next | FlowControl::Interrupt | FlowControl::Exception
        ) {
            sequences.push(bytes[..decoded.length].to_vec());
        }
    }
    sequences.sort();
    sequences.dedup();
    let mut different: BTreeMap<String, (usize, String)> = BTreeMap::new();
    let mut agreed = 0;
    let mut names = std::collections::BTreeSet::new();
    for batch in sequences.chunks(2000) {
        for (bytes, good) in batch.iter().zip(accepted(batch)) {
            if !good {
                continue;
            }
            let Some((a, _)) = iced(bytes) else { continue };
            names.insert(a.name.clone());
            // Bytes behind it must not matter.
            let mut longer = bytes.clone();
            longer.extend([0x90; 15]);
            let b = yaxpeax(&longer);
            // yaxpeax does not know VPCLMULQDQ on 32 bytes, nor that VEX.W is ignored by VPEXTRB: a
            // CPU that does not either faults.
            let lacking = b.is_none() && matches!(a.name.as_str(), "vpclmulqdq" | "vpextrb");
            if lacking || b.as_ref().is_some_and(|b| explained(&a, b)) {
                agreed += 1;
                continue;
            }
            let key = format!(
                "{} / {}",
                a.name,
                b.as_ref().map_or("does not decode", |b| &b.name)
            );
            let entry = different.entry(key).or_default();
            entry.0 += 1;
            entry.1 = format!("{bytes:02x?}\n    {a:?}\n    {b:?}");
        }
    }
    println!(
        "{} sequences, {agreed} accepted and agreed on, {} operations",
        sequences.len(),
        names.len()
    );
    assert!(agreed > 5000, "only {agreed} sequences are accepted");
    let list: String = different
        .iter()
        .map(|(k, (n, e))| format!("  {k}: {n} times, such as {e}\n"))
        .collect();
    assert!(
        list.is_empty(),
        "the verifier accepts what decoders do not agree on:\n{list}"
    );
}
