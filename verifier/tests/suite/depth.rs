//! An oracle for rule 13: random images of a few functions that call and jump to each other, some with tests. What the verifier
//! accepts is run by a machine that takes every way it likes, below a usable part of the stack that may end anywhere:
//! RSP must stay in the part of the headroom that `docs/gate-abi.md` leaves to functions.

use iced_x86::{Code, Decoder, DecoderOptions, Instruction, OpKind, Register};

use crate::harness::assemble::Assembled;
use crate::harness::check;
use crate::harness::layout::{self, BASE, Settings, TEXT};
use crate::harness::random::{Random, effort, first_seed};

/// The lowest usable address: bit 21 is set from here on.
const USABLE: u64 = 0x7000_0020_0000;
/// From docs/gate-abi.md (not from the verifier, on purpose): return address, try record, functions.
const LOWEST: u64 = USABLE - 8 - 96 - 16384;
const THUNK: u64 = BASE + 0x140;
const TRY: u64 = BASE + 0x240;
const GATE: [u64; 5] = [0x100, 0x180, 0x1c0, 0x200, 0x280];

/// Frames: small ones, and those that make two or three functions meet the limit.
const FRAMES: [u32; 12] = [0, 8, 8, 64, 1024, 4080, 4096, 5448, 8176, 8184, 8184, 8192];

struct Writer {
    text: Vec<u8>,
    /// Where a distance is to be filled in, and the number of the function that it leads to.
    fixes: Vec<(usize, usize)>,
}

impl Writer {
    /// RSP moves down, or up: by `sub` and `add`, or by `lea`, which leaves the flags alone.
    fn rsp(&mut self, random: &mut Random, down: bool, size: u32) {
        if size == 0 {
            return;
        }
        if random.one_in(3) {
            self.lea(if down { -(size as i32) } else { size as i32 });
        } else {
            let opcode = if down { 0xec } else { 0xc4 };
            self.text.extend_from_slice(&[0x48, 0x81, opcode]);
            self.text.extend_from_slice(&size.to_le_bytes());
        }
    }

    fn lea(&mut self, distance: i32) {
        self.text.extend_from_slice(&[0x48, 0x8d, 0xa4, 0x24]);
        self.text.extend_from_slice(&distance.to_le_bytes());
    }

    /// An instruction that ends in a distance; returns where that is.
    fn branch(&mut self, opcode: &[u8]) -> usize {
        self.text.extend_from_slice(opcode);
        self.text.extend_from_slice(&[0; 4]);
        self.text.len() - 4
    }

    fn fix(&mut self, at: usize, target: u64) {
        let from = TEXT + at as u64 + 4;
        let distance = target.wrapping_sub(from) as u32;
        self.text[at..at + 4].copy_from_slice(&distance.to_le_bytes());
    }

    fn fix_here(&mut self, at: usize) {
        self.fix(at, TEXT + self.text.len() as u64);
    }

    /// To a function, or at times to the gate.
    fn leave(&mut self, random: &mut Random, opcode: &[u8], functions: usize) {
        let at = self.branch(opcode);
        match random.below(16) {
            0 => self.fix(at, THUNK),
            1 if random.one_in(3) => self.fix(at, TRY),
            2 => self.fix(at, BASE + random.pick(&GATE)),
            _ => self.fixes.push((at, random.index(functions))),
        }
    }

    /// A test of the depth, in one of its forms; or what only looks like one.
    fn test(&mut self, random: &mut Random) {
        // testl $0x200000, %esp; jne over; or: btl $21, %esp; jb over
        let (test, set, clear): (&[u8], u8, u8) = if random.one_in(3) {
            (&[0x0f, 0xba, 0xe4, 21], 0x82, 0x83)
        } else {
            (&[0xf7, 0xc4, 0, 0, 0x20, 0], 0x85, 0x84)
        };
        let form = random.below(12);
        if form == 0 {
            // Above a push.
            self.text.extend_from_slice(test);
            self.lea(-8);
            let over = self.branch(&[0x0f, set]);
            self.text.extend_from_slice(&[0x0f, 0x0b]);
            self.fix_here(over);
            self.lea(8);
            return;
        }
        self.text.extend_from_slice(test);
        match form {
            // The flags are others, or the branch is the other one, or it asks for another flag.
            1 => self.text.extend_from_slice(&[0x85, 0xff]),
            2 => {
                let over = self.branch(&[0x0f, clear]);
                self.text.extend_from_slice(&[0x0f, 0x0b]);
                return self.fix_here(over);
            }
            3 => {
                let over = self.branch(&[0x0f, set ^ (0x82 ^ 0x85)]);
                self.text.extend_from_slice(&[0x0f, 0x0b]);
                return self.fix_here(over);
            }
            // To the `ud2` by a branch.
            4..=6 => {
                let stop = self.branch(&[0x0f, clear]);
                let over = self.branch(&[0xe9]);
                self.fix_here(stop);
                self.text.extend_from_slice(&[0x0f, 0x0b]);
                return self.fix_here(over);
            }
            _ => {}
        }
        let over = self.branch(&[0x0f, set]);
        self.text.extend_from_slice(&[0x0f, 0x0b]);
        self.fix_here(over);
    }

    /// A branch that may go either way; returns what to fix.
    fn maybe(&mut self) -> usize {
        self.text.extend_from_slice(&[0x85, 0xff]);
        self.branch(&[0x0f, 0x84])
    }

    fn function(&mut self, random: &mut Random, functions: usize) {
        if random.one_in(6) {
            let over = self.maybe();
            self.text.extend_from_slice(&[0xc3, 0xcc]);
            self.fix_here(over);
        }
        if random.one_in(8) {
            self.test(random);
        }
        let frame = random.pick(&FRAMES);
        self.rsp(random, true, frame);
        if random.one_in(3) {
            self.test(random);
        }
        let top = TEXT + self.text.len() as u64;
        for _ in 0..random.below(4) {
            let skip = random.one_in(2).then(|| self.maybe());
            let more = random.pick(&[0, 0, 0, 8, 4096]).min(8184 - frame.min(8184));
            self.rsp(random, true, more);
            if random.one_in(4) {
                self.test(random);
            }
            if random.one_in(5) {
                // A test that not every path meets.
                let over = self.maybe();
                self.test(random);
                self.fix_here(over);
            }
            if frame + more <= 8184 {
                self.leave(random, &[0xe8], functions);
            }
            self.rsp(random, false, more);
            if let Some(skip) = skip {
                self.fix_here(skip);
            }
            if random.one_in(6) {
                let again = self.maybe();
                self.fix(again, top);
            }
        }
        self.rsp(random, false, frame);
        if random.one_in(8) {
            self.text.extend_from_slice(&[0x85, 0xff]);
            self.leave(random, &[0x0f, 0x85], functions);
        }
        if random.one_in(3) {
            self.leave(random, &[0xe9], functions);
        } else {
            self.text.extend_from_slice(&[0xc3, 0xcc]);
        }
    }
}

fn program(random: &mut Random) -> Assembled {
    let count = 2 + random.index(5);
    let mut writer = Writer {
        text: Vec::new(),
        fixes: Vec::new(),
    };
    let mut functions = Vec::new();
    for _ in 0..count {
        let start = writer.text.len();
        writer.function(random, count);
        functions.push((start as u64, (writer.text.len() - start) as u64));
        let end = writer.text.len().next_multiple_of(16);
        writer.text.resize(end, 0xcc);
    }
    for (at, function) in std::mem::take(&mut writer.fixes) {
        writer.fix(at, TEXT + functions[function].0);
    }
    Assembled {
        text: writer.text,
        functions,
        ..Assembled::default()
    }
}

/// Takes calls and jumps out that are refused, until the rest is accepted. `None`: that does not help.
fn repair(mut code: Assembled) -> Option<Assembled> {
    for _ in 0..20 {
        let image = layout::image(&code, Settings::default()).ok()?;
        let report = check::report(&image);
        if report.findings.is_empty() {
            return Some(code);
        }
        for finding in &report.findings {
            let at = finding.address.checked_sub(TEXT)? as usize;
            let bytes = code.text.get_mut(at..at + 6)?;
            match bytes[0] {
                0xe8 => bytes[..5].fill(0x90),
                0xe9 => bytes[..5].copy_from_slice(&[0xc3, 0xcc, 0xcc, 0xcc, 0xcc]),
                0x0f => bytes.fill(0x90),
                _ => return None,
            }
        }
    }
    None
}

/// What a return address leads to, beside code.
const EXIT: u64 = 0;
const TRY_RETURN: u64 = 1;

/// Runs from some function's start. The lowest RSP is returned; `Err` if control goes astray, which rule 13 is not about.
fn run(code: &Assembled, random: &mut Random) -> Result<u64, String> {
    let start = |random: &mut Random| TEXT + code.functions[random.index(code.functions.len())].0;
    let decode = |ip: u64| -> Result<Instruction, String> {
        let bytes = code
            .text
            .get((ip.wrapping_sub(TEXT)) as usize..)
            .ok_or_else(|| format!("control reaches {ip:#x}"))?;
        Ok(Decoder::with_ip(64, bytes, ip, DecoderOptions::NONE).decode())
    };
    let mut ip = start(random);
    let mut sp = USABLE + random.pick(&[0, 8, 64, 4096, 9000, 20000]) / 8 * 8;
    let mut stack = vec![(sp, EXIT)];
    let mut lowest = sp;
    // ZF and CF, as far as they are known.
    let (mut zero, mut carry) = (None, None);
    // Some runs go down wherever they can, some come back.
    let downwards = random.one_in(2);
    for _ in 0..600 {
        lowest = lowest.min(sp);
        if ip < TEXT {
            (zero, carry) = (None, None);
            // The gate: entered with RSP at a return address.
            if ip == THUNK {
                ip = start(random);
            } else if ip == TRY {
                sp -= 96;
                stack.push((sp, TRY_RETURN));
                ip = start(random);
            } else {
                // Called out, normal code may enter again: where bit 21 is set (docs/kernel-abi.md).
                let below = sp - 304;
                if downwards && below & (1 << 21) != 0 && random.one_in(2) {
                    sp = below;
                    stack.push((sp, BASE + 0x1c0));
                    ip = start(random);
                } else {
                    (sp, ip) = back(&mut stack, sp)?;
                }
            }
            if ip == EXIT {
                return Ok(lowest);
            }
            continue;
        }
        let i = decode(ip)?;
        let next = i.next_ip();
        let sizes = || i.op_count() == 2 && i.op0_register() == Register::RSP;
        ip = match i.code() {
            Code::Sub_rm64_imm32 if sizes() => {
                sp -= u64::from(i.immediate32());
                (zero, carry) = (None, None);
                next
            }
            Code::Add_rm64_imm32 if sizes() => {
                sp += u64::from(i.immediate32());
                (zero, carry) = (None, None);
                next
            }
            Code::Lea_r64_m
                if i.op0_register() == Register::RSP && i.memory_base() == Register::RSP =>
            {
                sp = sp.wrapping_add(i.memory_displacement64());
                next
            }
            Code::Test_rm32_imm32 if i.op0_register() == Register::ESP => {
                (zero, carry) = (Some(sp as u32 & i.immediate32() == 0), Some(false));
                next
            }
            Code::Bt_rm32_imm8 if i.op0_register() == Register::ESP => {
                carry = Some(sp as u32 >> i.immediate8() & 1 != 0);
                next
            }
            Code::Test_rm32_r32 => {
                (zero, carry) = (None, Some(false));
                next
            }
            Code::Jne_rel32_64 | Code::Je_rel32_64 => {
                let zero = *zero.get_or_insert_with(|| random.one_in(2));
                let taken = zero == (i.code() == Code::Je_rel32_64);
                if taken { i.near_branch64() } else { next }
            }
            Code::Jb_rel32_64 | Code::Jae_rel32_64 => {
                let carry = *carry.get_or_insert_with(|| random.one_in(2));
                let taken = carry == (i.code() == Code::Jb_rel32_64);
                if taken { i.near_branch64() } else { next }
            }
            Code::Call_rel32_64 => {
                (zero, carry) = (None, None);
                sp -= 8;
                stack.push((sp, next));
                i.near_branch64()
            }
            Code::Jmp_rel32_64 if i.op0_kind() == OpKind::NearBranch64 => i.near_branch64(),
            Code::Retnq => {
                let (above, to) = back(&mut stack, sp)?;
                sp = above;
                (zero, carry) = (None, None);
                to
            }
            Code::Nopd | Code::Nopw | Code::Nopq => next,
            Code::Ud2 => return Ok(lowest),
            other => return Err(format!("{other:?} at {ip:#x}")),
        };
        if ip == EXIT {
            return Ok(lowest);
        }
    }
    Ok(lowest)
}

/// Where `ret` goes, and RSP there.
fn back(stack: &mut Vec<(u64, u64)>, sp: u64) -> Result<(u64, u64), String> {
    let (slot, to) = stack.pop().ok_or("returned too often")?;
    if slot != sp {
        return Err(format!("ret at {sp:#x} instead of {slot:#x}"));
    }
    match to {
        TRY_RETURN => {
            // `try` returns, too.
            let above = sp + 96;
            let (slot, to) = stack.pop().ok_or("try without a caller")?;
            if slot != above {
                return Err("try's caller is elsewhere".into());
            }
            stack.push((slot, to));
            back(stack, above)
        }
        // Normal code returns from the call-out that it entered from.
        to if to == BASE + 0x1c0 => back(stack, sp + 304),
        EXIT => Ok((sp, EXIT)),
        to => Ok((sp + 8, to)),
    }
}

fn listing(code: &Assembled) -> String {
    use iced_x86::Formatter as _;
    let mut formatter = iced_x86::GasFormatter::new();
    let mut out = String::new();
    for i in &mut Decoder::with_ip(64, &code.text, TEXT, DecoderOptions::NONE) {
        let mut text = String::new();
        formatter.format(&i, &mut text);
        if text != "int3" {
            out += &format!("  {:x}: {text}\n", i.ip());
        }
    }
    out
}

#[test]
fn chains_stay_in_the_headroom() {
    let count = 4000 * effort();
    let first = first_seed() + 3_000_000_000;
    // Programs that were accepted as they were, that needed repair, and of the latter: those that do go too deep.
    let (mut as_they_were, mut repaired, mut too_deep) = (0u64, 0u64, 0u64);
    // The deepest that accepted programs came, below the first unusable byte.
    let mut deepest = 0;
    for seed in first..first + count {
        let mut random = Random::new(seed);
        let original = program(&mut random);
        let Some(code) = repair(original.clone()) else {
            continue;
        };
        let changed = code.text != original.text;
        as_they_were += u64::from(!changed);
        repaired += u64::from(changed);
        for _ in 0..60 {
            match run(&code, &mut random) {
                Ok(lowest) => {
                    assert!(
                        lowest >= LOWEST,
                        "seed {seed}: the verifier accepts this, but RSP came to {lowest:#x}, {} bytes too low\n{}",
                        LOWEST - lowest,
                        listing(&code)
                    );
                    deepest = deepest.max(USABLE.saturating_sub(lowest));
                }
                Err(text) => panic!("seed {seed}: {text}\n{}", listing(&code)),
            }
        }
        if changed {
            too_deep +=
                u64::from((0..60).any(|_| run(&original, &mut random).is_ok_and(|l| l < LOWEST)));
        }
    }
    println!(
        "{as_they_were} accepted, {repaired} after repair ({too_deep} of them went too deep before), deepest {deepest}"
    );
    // The oracle must not become vacuous.
    assert!(as_they_were * 10 > count, "{as_they_were} of {count}");
    assert!(too_deep * 5 > repaired, "{too_deep} of {repaired}");
    // Findings say where the call is, so repair works: nearly always.
    let all = as_they_were + repaired;
    assert!(all * 20 > count * 19, "{all} of {count}");
    assert!(deepest > 16000, "{deepest}");
}

/// As many functions as a large program has, each calling the next: nothing recurses, and it takes no time.
fn long_chain(count: usize, last_calls_first: bool) -> Assembled {
    let mut writer = Writer {
        text: Vec::new(),
        fixes: Vec::new(),
    };
    let mut functions = Vec::new();
    for n in 0..count {
        functions.push((writer.text.len() as u64, 16));
        writer.text.push(0x50);
        if n + 1 < count || last_calls_first {
            let at = writer.branch(&[0xe8]);
            writer.fixes.push((at, (n + 1) % count));
        }
        writer.text.extend_from_slice(&[0x59, 0xc3]);
        writer.text.resize(functions.len() * 16, 0xcc);
    }
    for (at, function) in std::mem::take(&mut writer.fixes) {
        writer.fix(at, TEXT + functions[function].0);
    }
    Assembled {
        text: writer.text,
        functions,
        ..Assembled::default()
    }
}

#[test]
fn long_chains_and_cycles() {
    const COUNT: usize = 100_000;
    let findings = |count: usize, cycle: bool| {
        let image = layout::image(&long_chain(count, cycle), Settings::default());
        let report = check::report(&image.expect("it has no symbols"));
        for finding in &report.findings {
            // Behind a push of one byte.
            assert_eq!(Some(finding.address - 1), finding.function);
            assert!(
                finding.instruction.starts_with("call"),
                "{}",
                finding.instruction
            );
        }
        (report.findings.len(), report.needs)
    };
    // 8 bytes and a return address each; the last one has 8 bytes alone.
    let (wrong, needs) = findings(1024, false);
    assert_eq!((wrong, needs.first().copied()), (0, Some(16384 - 8)));
    let (wrong, needs) = findings(1025, false);
    assert_eq!(wrong, 1);
    assert!(needs.iter().all(|n| *n <= 16384));
    // A missing test is reported once: the chain begins anew behind it.
    let (wrong, _) = findings(COUNT, false);
    assert_eq!(wrong, (COUNT - 1) / 1024);
    let (wrong, _) = findings(COUNT, true);
    assert_eq!(wrong, COUNT);
}
