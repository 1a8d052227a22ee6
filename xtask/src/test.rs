//! `cargo xtask test`: every test, as steps with a summary.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;

use crate::deps::{self, Need};
use crate::toolchain;
use crate::util::{self, Project, cargo};

/// Options of `test`.
#[derive(Args)]
pub struct Arguments {
    /// Fewer random programs and smaller workloads: under 3 minutes once built.
    #[arg(long)]
    quick: bool,
    /// Only the steps whose name contains one of these (comma separated).
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    only: Vec<String>,
}

struct Step {
    name: &'static str,
    command: Command,
    /// A step that hangs is stopped and has failed; the others go on.
    limit: Duration,
    /// Whether it is one check, not a list of tests.
    check: bool,
}

/// What a step came to.
struct Outcome {
    name: &'static str,
    passed: u64,
    failed: u64,
    took: Duration,
}

/// Builds, runs every step even after a failure, and ends with the line `N passed, N failed`.
pub fn run(project: &Project, arguments: &Arguments, install: bool) -> Result<()> {
    deps::ensure(Need::Test, install)?;
    deps::ensure(Need::Vm, install)?;
    let start = Instant::now();
    toolchain::build(project, install)?;
    println!("           {}", util::seconds(start.elapsed()));
    let logs = project.scratch("test-logs")?;
    let mut outcomes = Vec::new();
    for mut step in steps(project, arguments.quick, install) {
        if !arguments.only.is_empty()
            && !arguments
                .only
                .iter()
                .any(|name| step.name.contains(name.as_str()))
        {
            continue;
        }
        outcomes.push(step.run(&logs)?);
    }
    if outcomes.is_empty() {
        bail!(
            "no step has one of these names: {}",
            arguments.only.join(", ")
        );
    }
    println!(
        "\n{:12} {:>8} {:>8} {:>12}",
        "step", "passed", "failed", "time"
    );
    for outcome in &outcomes {
        let time = util::seconds(outcome.took);
        println!(
            "{:12} {:8} {:8} {time:>12}",
            outcome.name, outcome.passed, outcome.failed
        );
    }
    let passed: u64 = outcomes.iter().map(|o| o.passed).sum();
    let failed: u64 = outcomes.iter().map(|o| o.failed).sum();
    println!("{:30} {:>12}\n", "all", util::seconds(start.elapsed()));
    if failed > 0 {
        // Not an error of its own: the message would follow the line that must be the last.
        println!("{passed} passed, {failed} failed");
        std::process::exit(1);
    }
    println!("{passed} passed, {failed} failed");
    Ok(())
}

fn steps(project: &Project, quick: bool, install: bool) -> Vec<Step> {
    // Always the whole workspace: with other packages selected, cargo builds dependencies a second time for
    // other features. And always --release, as the programs: one build serves all steps.
    let cargo_in = |arguments: &[&str]| {
        let mut command = cargo();
        command.args(arguments).current_dir(&project.root);
        // The end-to-end tests use the toolchain that was just built.
        command.env("PRIVBOX_BIN", project.release());
        if quick {
            command.env("PRIVBOX_TEST_QUICK", "1");
        }
        if install {
            // Fetching a kernel may need new lists of packages.
            command.env("PRIVBOX_TEST_INSTALL", "1");
        }
        command
    };
    let tests = |name: &'static str, minutes: u64, what: &[&str]| {
        let mut command = cargo_in(&["test", "--release", "--workspace", "--no-fail-fast"]);
        command.args(what);
        Step {
            name,
            command,
            limit: Duration::from_secs(minutes * 60),
            check: false,
        }
    };
    let check = |name, command| Step {
        name,
        command,
        limit: Duration::from_secs(15 * 60),
        check: true,
    };
    let mut runtime = Command::new("bash");
    runtime
        .arg(project.root.join("runtime/tests/run.sh"))
        .env("PRIVBOX_BIN", project.release())
        .env("OUT", project.target.join("runtime-tests"))
        .current_dir(&project.root);
    vec![
        check("format", cargo_in(&["fmt", "--all", "--check"])),
        check(
            "clippy",
            cargo_in(&[
                "clippy",
                "--quiet",
                "--release",
                "--workspace",
                "--all-targets",
                "--",
                "--deny",
                "warnings",
            ]),
        ),
        check(
            "build tests",
            cargo_in(&["test", "--quiet", "--release", "--workspace", "--no-run"]),
        ),
        // The tests beside the code of all crates.
        tests("units", 5, &["--lib", "--bins"]),
        tests("verifier", 10, &["--test", "suite"]),
        tests("pass", 5, &["--test", "ir", "--test", "masks"]),
        tests(
            "driver",
            5,
            &["--test", "cli", "--test", "join", "--test", "wrapper"],
        ),
        check("runtime", runtime),
        tests("tools", 5, &["--test", "tools"]),
        tests("features", 20, &["--test", "features"]),
        tests("csmith", 15, &["--test", "csmith"]),
        tests("programs", 15, &["--test", "programs"]),
        // The macro's messages, the crate without the driver, programs and well-known crates in the box.
        tests(
            "rust",
            15,
            &["--test", "ui", "--test", "plain", "--test", "rust"],
        ),
        // A user's workspace; the first compiles the standard library for the box.
        tests("rust cli", 20, &["--test", "rust_cli"]),
        // Fetches kernels and builds the module first.
        tests("vm", 30, &["--test", "vm"]),
    ]
}

impl Step {
    /// Runs the step. Its output goes to a file, and the end of it to the screen if the step fails.
    fn run(&mut self, logs: &Path) -> Result<Outcome> {
        let log = logs.join(format!("{}.log", self.name.replace(' ', "-")));
        print!("{:12}", self.name);
        std::io::stdout().flush()?;
        let start = Instant::now();
        let file =
            File::create(&log).map_err(|error| util::Failure::Unwritable(log.clone(), error))?;
        self.command
            .stdin(Stdio::null())
            .stderr(file.try_clone()?)
            .stdout(file);
        let status = util::within(&mut self.command, self.limit)?;
        let text = fs::read(&log)?;
        let text = String::from_utf8_lossy(&text);
        let (mut passed, mut failed) = count(&text);
        match status {
            // A step that says no numbers is one check; a step without any test is a mistake of ours.
            Some(status) if status.success() && passed == 0 => {
                passed = u64::from(self.check);
                failed += u64::from(!self.check);
            }
            Some(status) if status.success() => {}
            _ => failed = failed.max(1),
        }
        let took = start.elapsed();
        println!(
            " {passed} passed, {failed} failed ({})",
            util::seconds(took)
        );
        if status.is_none() {
            println!(
                "    stopped: it did not end within {}",
                util::seconds(self.limit)
            );
        }
        if failed > 0 {
            explain(&text, &self.command, &log);
        }
        Ok(Outcome {
            name: self.name,
            passed,
            failed,
            took,
        })
    }
}

fn explain(text: &str, command: &Command, log: &Path) {
    println!("    {}", util::show(command));
    for line in util::tail(text, 60).lines() {
        println!("    {line}");
    }
    println!("    all of it: {}", log.display());
}

/// Sums what test runners say: `test result: ok. 12 passed; 0 failed; ...`, or `12 passed, 0 failed`.
fn count(text: &str) -> (u64, u64) {
    let mut sums = (0, 0);
    for line in text.lines() {
        let line = line.trim();
        let Some(line) = line.strip_prefix("test result: ").or_else(|| {
            line.starts_with(|c: char| c.is_ascii_digit())
                .then_some(line)
        }) else {
            continue;
        };
        let words: Vec<&str> = line
            .split([' ', ',', ';'])
            .filter(|word| !word.is_empty())
            .collect();
        for pair in words.windows(2) {
            let Ok(number) = pair[0].parse::<u64>() else {
                continue;
            };
            match pair[1] {
                "passed" => sums.0 += number,
                "failed" => sums.1 += number,
                _ => {}
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn results_are_summed() {
        let text = "running 2 tests\ntest a ... ok\n\
                    test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
                    test result: FAILED. 3 passed; 4 failed; 0 ignored\n5 passed, 1 failed\nsay 9 passed\n";
        assert_eq!(count(text), (10, 5));
        assert_eq!(count(""), (0, 0));
    }
}
