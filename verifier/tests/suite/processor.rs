//! Each instruction form of the allow-list is executed by the processor and by the analysis: what the
//! processor leaves in the registers must lie in what the analysis says.
#![allow(unsafe_code)]

use std::arch::asm;
use std::collections::BTreeSet;

use iced_x86::{Mnemonic, OpKind, Register};
use privbox_verifier::features::Features;
use privbox_verifier::testing::execute;

use crate::harness::random::{Random, effort, first_seed};

/// Where code, registers and scratch memory are: below 2^31, so that the code needs no base register.
const PAGE: usize = 0x2000_0000;
const LENGTH: usize = 0x4000;
const REGISTERS_IN: usize = PAGE + 0x1000;
const REGISTERS_OUT: usize = PAGE + 0x1100;
const FLAGS: usize = PAGE + 0x1200;
const STACK: usize = PAGE + 0x1208;
const SCRATCH: usize = PAGE + 0x2800;
const RCX: usize = 1;
const RSP: usize = 4;
const RSI: usize = 6;
const RDI: usize = 7;

/// Maps the page; false if the system does not want to.
fn map() -> bool {
    let result: isize;
    // SAFETY: mmap of fresh memory at an address where nothing is (MAP_FIXED_NOREPLACE).
    unsafe {
        asm!("syscall", inlateout("rax") 9isize => result, in("rdi") PAGE, in("rsi") LENGTH, in("rdx") 7,
             in("r10") 0x10_0022, in("r8") -1isize, in("r9") 0, lateout("rcx") _, lateout("r11") _);
    }
    result == PAGE as isize
}

/// `mov` between register `r` and the absolute address.
fn mov(code: &mut Vec<u8>, opcode: u8, r: usize, address: usize) {
    code.extend([
        0x48 | ((r as u8 >> 3) << 2),
        opcode,
        0x04 | ((r as u8 & 7) << 3),
        0x25,
    ]);
    code.extend((address as u32).to_le_bytes());
}

/// Executes one instruction. It must not fault, move RSP or write elsewhere than to the scratch memory.
fn run(instruction: &[u8], registers: &[u64; 16], flags: u64) -> [u64; 16] {
    let mut code = vec![
        0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57, 0x9c,
    ];
    mov(&mut code, 0x89, RSP, STACK);
    code.extend([0xff, 0x34, 0x25]); // push FLAGS; popf
    code.extend((FLAGS as u32).to_le_bytes());
    code.push(0x9d);
    for r in (0..16).filter(|r| *r != RSP) {
        mov(&mut code, 0x8b, r, REGISTERS_IN + 8 * r);
    }
    code.extend(instruction);
    for r in (0..16).filter(|r| *r != RSP) {
        mov(&mut code, 0x89, r, REGISTERS_OUT + 8 * r);
    }
    mov(&mut code, 0x8b, RSP, STACK);
    // popf; pop the rest; fninit: the x87 stack is empty for the next one.
    code.extend([
        0x9d, 0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d, 0x41, 0x5c, 0x5d, 0x5b, 0xdb, 0xe3, 0xc3,
    ]);
    // SAFETY: the page is ours; the code keeps the psABI, and clobbers vector registers, which are declared.
    unsafe {
        std::ptr::copy_nonoverlapping(code.as_ptr(), PAGE as *mut u8, code.len());
        std::ptr::copy_nonoverlapping(registers.as_ptr(), REGISTERS_IN as *mut u64, 16);
        *(FLAGS as *mut u64) = flags;
        asm!("call {}", in(reg) PAGE, clobber_abi("C"));
        let mut out = [0; 16];
        std::ptr::copy_nonoverlapping(REGISTERS_OUT as *const u64, out.as_mut_ptr(), 16);
        out
    }
}

/// An interval, and a number in it.
fn input(random: &mut Random) -> ((i128, i128), u64) {
    const EDGES: [i128; 16] = [
        0,
        1,
        2,
        31,
        63,
        64,
        127,
        128,
        255,
        65535,
        0x7fff_ffff,
        0x8000_0000,
        0xffff_ffff,
        0x1_0000_0000,
        0x7fff_ffff_ffff_ffff,
        0x8000_0000_0000_0000,
    ];
    let edge = |random: &mut Random| EDGES[random.below(16) as usize];
    let any = |random: &mut Random| i128::from(random.next() >> random.below(64));
    let (mut a, mut b) = match random.below(6) {
        0 => {
            let e = edge(random);
            (e, e)
        }
        1 => (edge(random), edge(random)),
        2 => (-edge(random), edge(random)),
        3 => (any(random), any(random)),
        4 => (0, (1 << 63) - 1),
        _ => (0, (1 << 64) - 1),
    };
    if a > b {
        (a, b) = (b, a);
    }
    let size = (b - a) as u128 + 1;
    let value = match random.below(3) {
        0 => a,
        1 => b,
        _ => a + (u128::from(random.next()) % size) as i128,
    };
    ((a, b), value as u64)
}

/// Random encodings of every opcode of every map.
fn encodings(random: &mut Random, mut each: impl FnMut(&mut Random, &[u8])) {
    let legacy: [&[u8]; 4] = [&[], &[0x0f], &[0x0f, 0x38], &[0x0f, 0x3a]];
    for opcode in 0..=255u8 {
        for prefix in [None, Some(0x66), Some(0xf2), Some(0xf3)] {
            for map in legacy {
                for rex in [
                    None,
                    Some(0x40),
                    Some(0x48),
                    Some(0x40 | random.below(16) as u8),
                ] {
                    // One-byte opcodes are the arithmetic that proofs are made of.
                    for n in 0..if map.is_empty() { 80 } else { 3 } {
                        let mut bytes: Vec<u8> = prefix.into_iter().chain(rex).collect();
                        bytes.extend(map);
                        bytes.push(opcode);
                        finish(random, &mut bytes, n == 0);
                        each(random, &bytes);
                    }
                }
            }
        }
        for map in 1..=3u8 {
            for pp in 0..4 {
                for w in [0, 0x80] {
                    for n in 0..4 {
                        let top = ((random.below(8) as u8) << 5) | (0x20 * u8::from(n == 0));
                        let vvvv = if random.below(4) == 0 {
                            0x78
                        } else {
                            (random.below(16) as u8) << 3
                        };
                        let mut bytes = vec![
                            0xc4,
                            top | map,
                            w | vvvv | (random.below(2) as u8) << 2 | pp,
                            opcode,
                        ];
                        finish(random, &mut bytes, n == 0);
                        each(random, &bytes);
                    }
                }
            }
        }
    }
}

/// ModRM (two registers, or one and `(%rdi)`), and an immediate.
fn finish(random: &mut Random, bytes: &mut Vec<u8>, memory: bool) {
    let reg = random.below(64) as u8;
    bytes.push(if memory { reg & 0x38 | 7 } else { 0xc0 | reg });
    let immediate = match random.below(3) {
        0 => random.next(),
        1 => random.below(80),
        _ => [
            0,
            1,
            8,
            16,
            31,
            32,
            62,
            63,
            0x7f,
            0x80,
            0xff,
            0x7fff_ffff,
            0x8000_0000,
        ][random.index(13)],
    };
    bytes.extend(immediate.to_le_bytes());
}

/// What would fault, take long, or change how later instructions behave.
fn unsuitable(mnemonic: Mnemonic) -> bool {
    use Mnemonic::*;
    matches!(mnemonic, Div | Idiv | Ldmxcsr | Vldmxcsr | Fldcw | Cpuid)
}

fn features_are_there() -> bool {
    macro_rules! all { ($($f:tt),*) => { $(std::is_x86_feature_detected!($f))&&* } }
    all!(
        "avx2",
        "bmi1",
        "bmi2",
        "lzcnt",
        "popcnt",
        "fma",
        "f16c",
        "aes",
        "pclmulqdq",
        "sha",
        "movbe",
        "adx",
        "vaes",
        "vpclmulqdq"
    )
}

#[test]
fn results_lie_in_what_the_analysis_says() {
    if !features_are_there() || !map() {
        eprintln!("skipped: the processor lacks features, or the address is taken");
        return;
    }
    let mut random = Random::new(first_seed());
    let (mut executed, mut forms) = (0u64, BTreeSet::new());
    let mut one = |random: &mut Random, bytes: &[u8]| {
        for round in 0..3 {
            let (mut intervals, mut registers) = ([(0, 0); 16], [0u64; 16]);
            for r in 0..16 {
                (intervals[r], registers[r]) = input(random);
            }
            // Wherever there is a memory operand, RDI points to it, and for strings RSI and RCX are good too.
            let features = if round == 0 {
                Features::empty()
            } else {
                Features::all()
            };
            let probe = [(0, 0x7fff); 16];
            let Some((instruction, _)) = execute(bytes, &probe, features) else {
                return;
            };
            let memory =
                (0..instruction.op_count()).any(|i| instruction.op_kind(i) == OpKind::Memory);
            if unsuitable(instruction.mnemonic()) || instruction.is_ip_rel_memory_operand() {
                return;
            }
            let lea = matches!(instruction.mnemonic(), Mnemonic::Lea | Mnemonic::Nop);
            if memory
                && !lea
                && (instruction.memory_base() != Register::RDI
                    || instruction.memory_index() != Register::None
                    || instruction.segment_prefix() != Register::None
                    || instruction.memory_displacement64() != 0)
            {
                return;
            }
            if memory && !lea || instruction.is_string_instruction() {
                for r in [RSI, RDI] {
                    intervals[r] = (0, (SCRATCH + 0x1000) as i128);
                    registers[r] = SCRATCH as u64;
                }
            }
            if instruction.is_string_instruction() {
                intervals[RCX] = (0, 7);
                registers[RCX] = random.below(8);
            }
            let bytes = &bytes[..instruction.len()];
            let Some((_, known)) = execute(bytes, &intervals, features) else {
                continue;
            };
            // CF, PF, AF, ZF, SF and OF at random.
            let flags = 0x202 | random.next() & 0x8d5;
            let out = run(bytes, &registers, flags);
            executed += 1;
            forms.insert(instruction.code() as u32);
            for (r, value) in out.iter().enumerate().filter(|(r, _)| *r != RSP) {
                let Some(known) = known[r] else { continue };
                let (lo, hi) = known.bounds;
                let v = i128::from(*value);
                let inside = |v| lo <= v && v <= hi;
                assert!(
                    inside(v) || inside(v - (1 << 64)),
                    "{bytes:02x?} ({:?}): register {r} is {value:#x}, the analysis says [{lo:#x}, {hi:#x}]\n\
                     before: {registers:x?}\nintervals: {intervals:x?}\nflags {flags:#x}",
                    instruction.code()
                );
            }
            for a in 0..16 {
                for b in 0..a {
                    let (Some(x), Some(y)) = (known[a], known[b]) else {
                        continue;
                    };
                    if x.identity.0 != 0 && x.identity.0 == y.identity.0 {
                        let distance = x.identity.1.wrapping_sub(y.identity.1);
                        assert_eq!(
                            out[a].wrapping_sub(out[b]) as i64,
                            distance,
                            "{bytes:02x?}: registers {a} and {b}"
                        );
                    }
                }
            }
        }
    };
    for _ in 0..8 * effort() {
        encodings(&mut random, &mut one);
    }
    println!("{executed} executions of {} forms", forms.len());
    assert!(
        forms.len() > 1000 && executed > 20_000,
        "{executed} executions of {} forms",
        forms.len()
    );
}
