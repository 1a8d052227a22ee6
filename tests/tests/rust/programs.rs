//! The programs of `tests/rust/programs`. What they print and how they end is the same natively, with the box off, and in
//! the box; in the box they do enter it. (In kernel mode: `tests/vm.rs`.)

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use libtest_mimic::Trial;
use privbox_tests::process::{End, Run};
use privbox_tests::rust::Program;
use privbox_tests::suite::trial;
use privbox_tests::toolchain::{Toolchain, quick};

use super::{Once, entered, folder, program, statistics};

/// Levels, and a strength, at which all programs are built; the quick run does without the others than the first. As C's
/// tests: what a level leaves to the processor in kernel mode is not asked for in user mode.
const LEVELS: [&str; 4] = ["mask", "spap", "pks", "transient"];

/// The folders of the built programs.
static NATIVE: Once<PathBuf> = Once::new();
static BOXED: [Once<PathBuf>; LEVELS.len()] = [const { Once::new() }; LEVELS.len()];

pub fn trials(tools: &Toolchain) -> Result<Vec<Trial>> {
    let mut trials = Vec::new();
    for case in Program::all()? {
        let levels = if quick() { &LEVELS[..1] } else { &LEVELS[..] };
        for (number, level) in levels.iter().enumerate() {
            if !case.has(level) {
                continue;
            }
            let name = format!("programs/{}", case.title());
            let (case, tools) = (case.clone(), tools.clone());
            trials.push(trial(format!("{name}/{level}"), move |scratch| {
                let native = NATIVE.get(|| build(&tools, None))?;
                let boxed = BOXED[number].get(|| build(&tools, Some(level)))?;
                compare(&case, native, boxed, scratch)
            }));
        }
    }
    Ok(trials)
}

/// Builds all programs; returns the folder they are in.
fn build(tools: &Toolchain, level: Option<&'static str>) -> Result<PathBuf> {
    let target = folder(tools).join(level.unwrap_or("native"));
    Program::build(tools, &target, level)
}

fn run(case: &Program, folder: &Path, scratch: &Path, mode: &str) -> Run {
    program(&folder.join(&case.name), scratch, mode)
        .args(&case.arguments)
        .env("PRIVBOX_TEST_WORD", "a word")
}

/// Standard error without the number of the thread that panics.
fn anonymous(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let numbered = line.split_once("' (").and_then(|(before, after)| {
            let (number, after) = after.split_once(") panicked")?;
            number.parse::<u32>().ok()?;
            Some(format!("{before}' panicked{after}"))
        });
        lines.push(numbered.unwrap_or_else(|| line.to_owned()));
    }
    lines.join("\n")
}

fn compare(case: &Program, native: &Path, boxed: &Path, scratch: &Path) -> Result<()> {
    let expected = run(case, native, scratch, "off").run()?;
    ensure!(
        expected.end.to_string() == case.end && !expected.stdout.is_empty(),
        "natively it ends with {}:\n{}",
        expected.end,
        expected.stderr
    );
    let killed = matches!(expected.end, End::Signal(_));
    for mode in ["off", "user"] {
        let run = run(case, boxed, scratch, mode);
        let got = run.run()?;
        let (line, errors) = statistics(&got);
        ensure!(
            got.end == expected.end,
            "{}: ends with {}, natively with {}\n{}",
            run.line(),
            got.end,
            expected.end,
            got.stderr
        );
        if got.stdout != expected.stdout {
            bail!(
                "{}: prints\n{}\nnatively\n{}",
                run.line(),
                String::from_utf8_lossy(&got.stdout),
                String::from_utf8_lossy(&expected.stdout)
            );
        }
        if killed {
            // No statistics, and a backtrace that is another one: the program checks its mode itself.
            continue;
        }
        ensure!(
            anonymous(&errors) == anonymous(&expected.stderr),
            "{}: says\n{errors}\nnatively\n{}",
            run.line(),
            expected.stderr
        );
        let line = line.context("no statistics: it was linked without the runtime")?;
        ensure!(
            line.contains(&format!("mode={mode} ")) && entered(line) == (mode == "user"),
            "PRIVBOX={mode}: {line}"
        );
    }
    Ok(())
}
