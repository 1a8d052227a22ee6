//! A concrete oracle: what the verifier accepts is executed by a hostile machine, which sees whether
//! rules 4, 7, 9 and 11 hold. It knows nothing of intervals, so it finds transfer functions that
//! promise too much.
//!
//! Programs are random; instructions that the verifier refuses are replaced by `nop` until it accepts
//! the rest, so that almost every program runs and every one is at the edge of what is accepted.
//! Each accepted program is run in pairs with the same choices of the attacker, but other stack
//! addresses, return addresses and leavings on the stack: whatever the box shows must be the same.
//! (Entry values are no secret: by rule 9, no register but RSP holds a stack address at a call.)

mod encode;
mod generate;
mod machine;

use iced_x86::{Decoder, DecoderOptions, EncodingKind, FlowControl, Instruction, Mnemonic};
use privbox_verifier::manifest::{Level, Strength};
use privbox_verifier::rule::Rule;

use crate::harness::check;
use crate::harness::layout::{self, Settings, TEXT};
use crate::harness::random::{Random, effort, first_seed};
use machine::{Machine, Stop};

fn decode(code: &[u8]) -> Vec<Instruction> {
    Decoder::with_ip(64, code, TEXT, DecoderOptions::NONE)
        .into_iter()
        .collect()
}

fn blank(code: &mut [u8], i: &Instruction) {
    let at = (i.ip() - TEXT) as usize;
    code[at..at + i.len()].fill(0x90);
}

/// Replaces what is refused until the rest is accepted. `None` if that does not come to an end.
fn repair(mut code: Vec<u8>, settings: Settings) -> Option<Vec<u8>> {
    for round in 0..12 {
        let report = check::report(&layout::function(&code, settings));
        if report.findings.is_empty() {
            return Some(code);
        }
        let instructions = decode(&code);
        let mut progress = false;
        for finding in &report.findings {
            let Some(i) = instructions.iter().find(|i| i.ip() == finding.address) else {
                continue;
            };
            if matches!(i.flow_control(), FlowControl::Next | FlowControl::Call)
                || i.is_jcc_short_or_near()
            {
                blank(&mut code, i);
                progress = true;
            }
        }
        // Rule 15 names the image, not the instruction that needs an undeclared feature.
        if report.findings.iter().any(|f| f.rule == Rule::R15) {
            for i in instructions.iter().filter(|i| needs_feature(i)) {
                blank(&mut code, i);
            }
            progress = true;
        }
        if !progress || round == 5 {
            // A loop may leave the frame unbalanced: straight-line code is left.
            for i in instructions.iter().filter(|i| i.is_jcc_short_or_near()) {
                blank(&mut code, i);
            }
        }
    }
    None
}

fn needs_feature(i: &Instruction) -> bool {
    i.encoding() == EncodingKind::VEX || matches!(i.mnemonic(), Mnemonic::Lzcnt | Mnemonic::Popcnt)
}

struct Run {
    stop: Stop,
    machine: Machine,
    trace: Vec<u64>,
}

fn run(code: &[Instruction], choices: u64, secrets: u64, settings: Settings, flight: bool) -> Run {
    let mut machine = Machine::new(choices, secrets, flight, settings.features);
    let mut ip = TEXT;
    let mut trace = Vec::new();
    let transient = settings.strength == Strength::Transient && flight;
    for _ in 0..3000 {
        let Ok(index) = code.binary_search_by_key(&ip, Instruction::ip) else {
            let stop = Stop::Violation(format!("control reaches {ip:#x}"));
            return Run {
                stop,
                machine,
                trace,
            };
        };
        trace.push(ip);
        match machine.step(&code[index]) {
            Ok(next) => ip = next,
            Err(stop) => {
                return Run {
                    stop,
                    machine,
                    trace,
                };
            }
        }
        if transient && code[index].flow_control() == FlowControl::Call {
            machine.forget_registers();
        }
    }
    Run {
        stop: Stop::Fine,
        machine,
        trace,
    }
}

/// What is wrong with a run of an accepted program, if anything.
fn attack(
    code: &[Instruction],
    choices: u64,
    settings: Settings,
    flight: bool,
) -> Result<u64, String> {
    let a = run(code, choices, choices ^ 0x5555, settings, flight);
    let b = run(code, choices, !choices, settings, flight);
    let t1 = settings.strength == Strength::Transient && flight;
    for one in [&a, &b] {
        match &one.stop {
            // Registers were forgotten in flight: only where accesses go is of interest.
            Stop::Violation(text) if !(t1 && text.contains("at ret")) => {
                return Err(format!("{text}\n  trace {:x?}", tail(&one.trace)));
            }
            _ => {}
        }
    }
    if t1 {
        return Ok(a.trace.len() as u64);
    }
    for (x, y) in a.machine.shown.iter().zip(&b.machine.shown) {
        if x != y {
            return Err(format!(
                "a secret shows: {x:x?} or {y:x?}\n  trace {:x?}",
                tail(&a.trace)
            ));
        }
    }
    Ok(a.trace.len() as u64)
}

fn tail(trace: &[u64]) -> &[u64] {
    &trace[trace.len().saturating_sub(24)..]
}

fn listing(code: &[u8]) -> String {
    use iced_x86::Formatter as _;
    let mut formatter = iced_x86::GasFormatter::new();
    let mut out = String::new();
    for i in decode(code) {
        let mut text = String::new();
        formatter.format(&i, &mut text);
        if text != "nop" {
            out += &format!("  {:x}: {text}\n", i.ip());
        }
    }
    out
}

/// Generates `count` programs and attacks the accepted ones.
fn campaign(first: u64, count: u64, settings: Settings) {
    let (mut accepted, mut steps) = (0, 0);
    let mut unknown = Vec::new();
    for seed in first..first + count {
        let mut random = Random::new(seed);
        let Some(code) = repair(generate::function(&mut random), settings) else {
            continue;
        };
        accepted += 1;
        let instructions = decode(&code);
        for round in 0..12 {
            // Half of the runs go on past faults, as a CPU does for a while.
            match attack(&instructions, random.next(), settings, round % 2 == 1) {
                Ok(n) => steps += n,
                Err(text) => panic!(
                    "seed {seed}: the verifier accepts this, but {text}\n{}  bytes {code:02x?}",
                    listing(&code)
                ),
            }
        }
        let probe = run(&instructions, seed, seed, settings, false);
        if probe.stop == Stop::Unknown {
            unknown.push(probe.trace.last().copied());
        }
    }
    println!("{accepted} of {count} programs accepted, {steps} instructions executed");
    // The oracle must not become vacuous.
    assert!(
        accepted * 2 > count,
        "only {accepted} of {count} random programs are accepted"
    );
    assert!(steps > accepted * 50, "runs are too short: {steps} steps");
    assert!(
        unknown.is_empty(),
        "the machine does not know instructions: {unknown:x?}"
    );
}

#[test]
fn random_programs() {
    campaign(first_seed(), 2500 * effort(), Settings::default());
}

#[test]
fn random_programs_without_features() {
    let settings = Settings {
        features: false,
        ..Settings::default()
    };
    campaign(first_seed() + 1_000_000_000, 1000 * effort(), settings);
}

#[test]
fn random_programs_at_transient_strength() {
    let settings = Settings {
        strength: Strength::Transient,
        ..Settings::default()
    };
    campaign(first_seed() + 2_000_000_000, 1500 * effort(), settings);
}

/// The machine itself, on programs whose outcome is known.
#[test]
fn machine_sees_violations() {
    let settings = Settings {
        level: Level::Mask,
        ..Settings::default()
    };
    let bad: [(&str, &[u8]); 7] = [
        ("mov (%rdi),%rax", &[0x48, 0x8b, 0x07, 0xc3]),
        ("mov (%rsp),%rax", &[0x48, 0x8b, 0x04, 0x24, 0xc3]),
        ("mov %rsp,%rax", &[0x48, 0x89, 0xe0, 0xc3]),
        ("push; ret", &[0x50, 0xc3]),
        ("mov %rdi,%rbx", &[0x48, 0x89, 0xfb, 0xc3]),
        (
            "sub $8,%rsp; mov (%rsp),%rax; add",
            &[
                0x48, 0x83, 0xec, 8, 0x48, 0x8b, 4, 0x24, 0x48, 0x83, 0xc4, 8, 0xc3,
            ],
        ),
        ("cmp %rsp,%rdi", &[0x48, 0x39, 0xe7, 0xc3]),
    ];
    for (name, code) in bad {
        let instructions = decode(code);
        let found = (0..200).any(|seed| attack(&instructions, seed, settings, false).is_err());
        assert!(found, "{name}");
    }
    let good = decode(&[0x53, 0x31, 0xdb, 0x5b, 0xc3]);
    for seed in 0..200 {
        assert_eq!(attack(&good, seed, settings, false).err(), None);
    }
}
