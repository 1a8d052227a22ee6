//! Rust: the programs of `tests/rust/programs`, compiled by cargo and by `cargo privbox`. What they print and how they end
//! is the same natively, with the box off, and in the box; in the box they do enter it.
//!
//! Ignored unless cargo and rustc with the right LLVM are there: `cargo privbox` says so itself.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, Result, bail, ensure};
use libtest_mimic::{Arguments, Failed, Trial};
use privbox_tests::toolchain::{Toolchain, workspace};

/// Levels at which all programs are built.
const LEVELS: [&str; 2] = ["mask", "spap"];

fn main() {
    let arguments = Arguments::from_args();
    let trials = match trials(&arguments) {
        Ok(trials) => trials,
        Err(error) => {
            let message = format!("{error:#}");
            vec![Trial::test("rust/build", move || {
                Err(Failed::from(message))
            })]
        }
    };
    libtest_mimic::run(&arguments, trials).exit();
}

fn trials(arguments: &Arguments) -> Result<Vec<Trial>> {
    let names = names()?;
    if arguments.list {
        return Ok(LEVELS
            .iter()
            .flat_map(|level| {
                names
                    .iter()
                    .map(move |name| Trial::test(format!("rust/{name}/{level}"), || Ok(())))
            })
            .collect());
    }
    let folder = workspace().join("target/test-rust");
    let native = build(&folder.join("native"), None)?;
    let mut trials = Vec::new();
    for level in LEVELS {
        let boxed = build(&folder.join(level), Some(level))?;
        for name in &names {
            let pair = (native.join(name), boxed.join(name));
            trials.push(Trial::test(format!("rust/{name}/{level}"), move || {
                compare(&pair.0, &pair.1).map_err(|error| Failed::from(format!("{error:#}")))
            }));
        }
    }
    Ok(trials)
}

fn package() -> PathBuf {
    workspace().join("tests/rust/programs")
}

fn names() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(package().join("src/bin"))? {
        let path = entry?.path();
        if let Some(name) = path.file_stem() {
            names.push(name.to_string_lossy().into_owned());
        }
    }
    names.sort();
    ensure!(!names.is_empty(), "no programs in tests/rust/programs");
    Ok(names)
}

/// Builds all programs; returns the folder they are in.
fn build(target: &Path, level: Option<&str>) -> Result<PathBuf> {
    let mut command;
    let folder = match level {
        None => {
            command = Command::new("cargo");
            command.arg("build");
            target.join("release")
        }
        Some(level) => {
            let tools = Toolchain::find()?;
            command = Command::new(tools.privbox.with_file_name("cargo-privbox"));
            command.args(["privbox", "build"]);
            command.arg(format!("-fprivbox-level={level}"));
            target.join("x86_64-unknown-linux-gnu/release")
        }
    };
    command
        .args(["--release", "--locked", "--target-dir"])
        .arg(target);
    command.current_dir(package());
    // The programs are a user's package: what this test was run with is not theirs.
    for name in [
        "RUSTFLAGS",
        "CARGO_TARGET_DIR",
        "RUSTC_WRAPPER",
        "CARGO_MANIFEST_DIR",
    ] {
        command.env_remove(name);
    }
    let output = command.output().context("cannot run cargo")?;
    if !output.status.success() {
        bail!(
            "{command:?} failed:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(folder)
}

fn run(program: &Path, mode: &str) -> Result<Output> {
    Command::new("timeout")
        .arg("120")
        .arg(program)
        .env("PRIVBOX", mode)
        .env("PRIVBOX_STATS", "1")
        .env("PRIVBOX_TEST_WORD", "a word")
        .env_remove("RUST_BACKTRACE")
        .output()
        .with_context(|| format!("cannot run {}", program.display()))
}

/// The runtime's line on standard error, and the rest.
fn split(stderr: &[u8]) -> (Option<String>, String) {
    let text = String::from_utf8_lossy(stderr);
    let (stats, rest): (Vec<&str>, Vec<&str>) = text
        .lines()
        .partition(|line| line.starts_with("privbox: mode="));
    (
        stats.first().map(|line| (*line).to_owned()),
        rest.join("\n"),
    )
}

fn compare(native: &Path, boxed: &Path) -> Result<()> {
    let expected = run(native, "off")?;
    ensure!(
        expected.status.success() && !expected.stdout.is_empty(),
        "natively it ends with {}:\n{}",
        expected.status,
        String::from_utf8_lossy(&expected.stderr)
    );
    for mode in ["off", "user"] {
        let got = run(boxed, mode)?;
        let (stats, errors) = split(&got.stderr);
        ensure!(
            got.status.code() == expected.status.code(),
            "PRIVBOX={mode}: ends with {}, natively with {}\n{errors}",
            got.status,
            expected.status
        );
        if got.stdout != expected.stdout {
            bail!(
                "PRIVBOX={mode}: prints\n{}\nnatively\n{}",
                String::from_utf8_lossy(&got.stdout),
                String::from_utf8_lossy(&expected.stdout)
            );
        }
        let stats = stats.context("no statistics: it was linked without the runtime")?;
        let entered = !stats.contains(" entries=0 ");
        ensure!(
            stats.contains(&format!("mode={mode} ")) && entered == (mode == "user"),
            "PRIVBOX={mode}: {stats}"
        );
    }
    Ok(())
}
