//! The programs of `tests/rust/programs`. What they print and how they end is the same natively, with the box off, and in
//! the box; in the box they do enter it.
//!
//! A program runs once, or once for each line `// RUN: ARGUMENTS => exit code N` (or `signal N`) of it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use libtest_mimic::Trial;
use privbox_tests::process::{End, Run};
use privbox_tests::rust;
use privbox_tests::suite::trial;
use privbox_tests::toolchain::{Toolchain, quick, workspace};

use super::{Once, entered, folder, program, statistics};

/// Levels at which all programs are built; the quick run does without the others than the first.
const LEVELS: [&str; 2] = ["mask", "spap"];

/// The folders of the built programs.
static NATIVE: Once<PathBuf> = Once::new();
static BOXED: [Once<PathBuf>; 2] = [const { Once::new() }; 2];

/// One way to run a program.
#[derive(Clone)]
struct Case {
    name: String,
    arguments: Vec<String>,
    end: String,
}

pub fn trials(tools: &Toolchain) -> Result<Vec<Trial>> {
    let mut trials = Vec::new();
    for case in cases()? {
        let levels = if quick() { &LEVELS[..1] } else { &LEVELS[..] };
        for (number, level) in levels.iter().enumerate() {
            let mut name = format!("programs/{}", case.name);
            for argument in &case.arguments {
                name.push_str(&format!("/{argument}"));
            }
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

/// The folder of the programs' package.
pub fn package() -> PathBuf {
    workspace().join("tests/rust/programs")
}

fn cases() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for entry in fs::read_dir(package().join("src/bin"))? {
        let path = entry?.path();
        let name = path.file_stem().context("no name")?.to_string_lossy();
        let source = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let mut runs = Vec::new();
        for line in source.lines() {
            let Some(run) = line.strip_prefix("// RUN: ") else {
                continue;
            };
            let (arguments, end) = run
                .split_once(" => ")
                .with_context(|| format!("{}: no ` => ` in `{line}`", path.display()))?;
            runs.push((arguments.split(' ').map(str::to_owned).collect(), end));
        }
        if runs.is_empty() {
            runs.push((Vec::new(), "exit code 0"));
        }
        cases.extend(runs.into_iter().map(|(arguments, end)| Case {
            name: name.clone().into_owned(),
            arguments,
            end: end.to_owned(),
        }));
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    ensure!(!cases.is_empty(), "no programs in tests/rust/programs");
    Ok(cases)
}

/// Builds all programs; returns the folder they are in.
fn build(tools: &Toolchain, level: Option<&'static str>) -> Result<PathBuf> {
    let target = folder(tools).join(level.unwrap_or("native"));
    rust::build(tools, &package(), &target, level)
}

fn run(case: &Case, folder: &Path, scratch: &Path, mode: &str) -> Run {
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

fn compare(case: &Case, native: &Path, boxed: &Path, scratch: &Path) -> Result<()> {
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
