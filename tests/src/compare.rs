//! Native against box: the same program by plain clang and by privbox-cc must behave the same.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::process::{End, Outcome, Run};
use crate::toolchain::Toolchain;

/// One program and one way to build and run it.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// Files compiled by the compiler under test.
    pub sources: Vec<PathBuf>,
    /// Files always compiled by plain clang.
    pub plain: Vec<PathBuf>,
    /// Options of both compilers.
    pub flags: Vec<String>,
    /// Options of privbox-cc.
    pub privbox: Vec<String>,
    /// Options of linking, both.
    pub link: Vec<String>,
    /// Arguments of the program.
    pub args: Vec<String>,
    /// Its standard input.
    pub stdin: Option<PathBuf>,
    /// Whether `PRIVBOX_STATS=1` must report an entry (not for programs that die of a signal).
    pub stats: bool,
    /// Time limit of a run.
    pub limit: Option<Duration>,
}

/// How a comparison ended, when it did not fail.
#[derive(Debug)]
pub enum Verdict {
    /// Equal; this is the native run.
    Equal(Outcome),
    /// The native run exceeded the time limit: nothing to compare with.
    NativeTimeOut,
}

/// Time limit of a compilation: generous, several run at once.
const COMPILE: Duration = Duration::from_secs(240);

/// Builds `program` both ways in `folder`, verifies the box, runs it natively and in the modes
/// user, off and auto, and compares standard output and exit status.
///
/// # Errors
/// The first difference, with the commands that show it.
pub fn compare(tools: &Toolchain, program: &Program, folder: &Path) -> Result<Verdict> {
    let objects = plain_objects(tools, program, folder)?;
    let boxed = folder.join("boxed");
    let expected = native(tools, program, &objects, folder)?;
    if expected.end == End::TimedOut {
        return Ok(Verdict::NativeTimeOut);
    }
    let command = build(
        Run::new(boxing(tools, program), folder),
        program,
        &program.privbox,
        &objects,
        &boxed,
    )?;
    let verify = Run::new(&tools.privbox, folder)
        .arg("verify")
        .arg(&boxed)
        .limit(COMPILE);
    let verdict = verify.run()?;
    if !verdict.ok() {
        bail!(
            "`privbox verify` does not accept the box ({}):\n{}{}\nbuilt by: {command}",
            verdict.end,
            String::from_utf8_lossy(&verdict.stdout),
            verdict.stderr
        );
    }
    // The box may be slower, and `auto` and `off` prove the normal code untouched.
    let limit = expected.time * 20 + Duration::from_secs(20);
    for mode in ["user", "off", "auto"] {
        let mut run = start(&boxed, program, folder, limit).env("PRIVBOX", mode);
        if mode == "user" {
            run = run.env("PRIVBOX_STATS", "1");
        }
        let outcome = run.run()?;
        same(&expected, &outcome)
            .with_context(|| format!("in mode {mode}: {}\nbuilt by: {command}", run.line()))?;
        if mode == "user"
            && program.stats
            && entries(&outcome.stderr).is_none_or(|count| count == 0)
        {
            bail!(
                "PRIVBOX_STATS=1 reports no entry: the box was not used\n{}\nbuilt by: {command}",
                outcome.stderr
            );
        }
    }
    Ok(Verdict::Equal(expected))
}

/// The number of entries that `PRIVBOX_STATS=1` reports on standard error, of all the processes
/// that wrote a line (`privbox: mode=user entries=3 ...`).
pub fn entries(stderr: &str) -> Option<u64> {
    let counts = stderr
        .lines()
        .filter(|line| line.starts_with("privbox: "))
        .filter_map(|line| {
            line.split_whitespace()
                .find_map(|word| word.strip_prefix("entries="))
        })
        .filter_map(|count| count.parse::<u64>().ok());
    counts.reduce(u64::saturating_add)
}

/// The runtime's lines on standard error, of all the processes that wrote one, and the rest.
pub fn statistics(stderr: &str) -> (Vec<&str>, String) {
    let (own, rest): (Vec<&str>, Vec<&str>) = stderr
        .lines()
        .partition(|line| line.starts_with("privbox: mode="));
    (own, rest.join("\n"))
}

/// The native run. Several comparisons want the same one, at other levels of the box: it is
/// remembered.
fn native(
    tools: &Toolchain,
    program: &Program,
    objects: &[PathBuf],
    folder: &Path,
) -> Result<Outcome> {
    type Known = Mutex<HashMap<String, Arc<Mutex<Option<Outcome>>>>>;
    static KNOWN: LazyLock<Known> = LazyLock::new(Known::default);
    let Program {
        sources,
        plain,
        flags,
        link,
        args,
        stdin,
        ..
    } = program;
    let key = format!("{sources:?} {plain:?} {flags:?} {link:?} {args:?} {stdin:?}");
    let slot = KNOWN
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .entry(key)
        .or_default()
        .clone();
    let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = slot.as_ref() {
        return Ok(known.clone());
    }
    let executable = folder.join("native");
    build(
        plainly(tools, program, folder),
        program,
        &[],
        objects,
        &executable,
    )?;
    let limit = program.limit.unwrap_or(Duration::from_secs(5));
    let outcome = start(&executable, program, folder, limit).run()?;
    *slot = Some(outcome.clone());
    Ok(outcome)
}

fn plain_objects(tools: &Toolchain, program: &Program, folder: &Path) -> Result<Vec<PathBuf>> {
    let mut objects = Vec::new();
    for (number, source) in program.plain.iter().enumerate() {
        let object = folder.join(format!("plain{number}.o"));
        let run = Run::new(&tools.clang, folder)
            .args(&program.flags)
            .arg("-Wno-unused-command-line-argument")
            .arg("-c")
            .arg(source)
            .arg("-o")
            .arg(&object)
            .limit(COMPILE);
        let outcome = run.run()?;
        if !outcome.ok() {
            bail!(
                "clang does not compile {}:\n{}\n{}",
                source.display(),
                run.line(),
                outcome.stderr
            );
        }
        objects.push(object);
    }
    Ok(objects)
}

/// Builds `program` once, as it is to run in the box (by plain clang if it has no options of privbox-cc); objects go
/// to `folder`. Returns the command.
///
/// # Errors
/// The compiler's.
pub fn build_boxed(
    tools: &Toolchain,
    program: &Program,
    folder: &Path,
    output: &Path,
) -> Result<String> {
    let objects = plain_objects(tools, program, folder)?;
    let run = if program.privbox.is_empty() {
        plainly(tools, program, folder)
    } else {
        Run::new(boxing(tools, program), folder)
    };
    build(run, program, &program.privbox, &objects, output)
}

fn is_cxx(program: &Program) -> bool {
    program
        .sources
        .iter()
        .any(|source| source.extension().is_some_and(|e| e == "cpp"))
}

/// The wrapper for the program's language.
fn boxing<'a>(tools: &'a Toolchain, program: &Program) -> &'a Path {
    if is_cxx(program) {
        &tools.cxx
    } else {
        &tools.cc
    }
}

/// Plain clang for the program's language.
fn plainly(tools: &Toolchain, program: &Program, folder: &Path) -> Run {
    let run = Run::new(&tools.clang, folder);
    if is_cxx(program) {
        run.arg("--driver-mode=g++")
    } else {
        run
    }
}

/// Compiles and links in one command; returns it as text.
fn build(
    run: Run,
    program: &Program,
    privbox: &[String],
    objects: &[PathBuf],
    output: &Path,
) -> Result<String> {
    let run = run
        .args(&program.flags)
        .args(privbox)
        .args(&program.sources)
        .args(objects)
        .args(&program.link)
        .arg("-o")
        .arg(output)
        .limit(COMPILE);
    let outcome = run.run()?;
    if !outcome.ok() {
        bail!(
            "does not build ({}):\n{}\n{}",
            outcome.end,
            run.line(),
            outcome.stderr
        );
    }
    Ok(run.line())
}

fn start(executable: &Path, program: &Program, folder: &Path, limit: Duration) -> Run {
    let run = Run::new(executable, folder)
        .args(&program.args)
        .limit(limit);
    match &program.stdin {
        Some(file) => run.stdin(file),
        None => run,
    }
}

/// Whether two runs ended in the same way and printed the same.
///
/// # Errors
/// The first difference.
pub fn same(expected: &Outcome, outcome: &Outcome) -> Result<()> {
    if expected.end != outcome.end {
        bail!(
            "native ends with {}, the box with {}\nlast output: {}\nstandard error: {}",
            expected.end,
            outcome.end,
            last_line(&outcome.stdout),
            outcome.stderr
        );
    }
    if expected.stdout != outcome.stdout {
        let native = String::from_utf8_lossy(&expected.stdout);
        let boxed = String::from_utf8_lossy(&outcome.stdout);
        let (mut native, mut boxed) = (native.lines(), boxed.lines());
        let mut number = 0;
        loop {
            number += 1;
            match (native.next(), boxed.next()) {
                (None, None) => bail!("outputs differ in line ends only"),
                (a, b) if a == b => {}
                (a, b) => bail!(
                    "outputs differ in line {number}:\n native: {}\n box:    {}\nstandard error: {}",
                    a.unwrap_or("(ended)"),
                    b.unwrap_or("(ended)"),
                    outcome.stderr
                ),
            }
        }
    }
    Ok(())
}

fn last_line(text: &[u8]) -> String {
    String::from_utf8_lossy(text)
        .lines()
        .last()
        .unwrap_or("(none)")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::entries;

    #[test]
    fn the_count_of_entries_is_that_of_all_processes() {
        let text =
            "privbox: mode=user entries=0 callouts=2\nx\nprivbox: mode=user entries=12 callouts=4";
        assert_eq!(entries(text), Some(12));
        assert_eq!(entries("nothing"), None);
    }
}
