//! Rust: programs, small packages, and well-known crates' own tests, compiled by cargo and by `cargo privbox`.
//!
//! What is built is in `rust-tests` of the folder of the commands under test, and is built by the first test that needs it.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Result, bail};
use privbox_tests::compare;
use privbox_tests::process::{Outcome, Run};
use privbox_tests::suite;
use privbox_tests::toolchain::Toolchain;

#[path = "rust/crates.rs"]
mod crates;
#[path = "rust/packages.rs"]
mod packages;
#[path = "rust/programs.rs"]
mod programs;

fn main() {
    suite::main(
        |tools| {
            let mut trials = programs::trials(tools)?;
            trials.extend(packages::trials(tools));
            trials.extend(crates::trials(tools));
            Ok(trials)
        },
        || {},
    );
}

/// Where everything of these tests is built.
fn folder(tools: &Toolchain) -> PathBuf {
    tools.privbox.with_file_name("rust-tests")
}

/// Something built once, by whoever needs it first.
struct Once<T>(OnceLock<Result<T, String>>);

impl<T> Once<T> {
    const fn new() -> Self {
        Self(OnceLock::new())
    }

    fn get(&self, make: impl FnOnce() -> Result<T>) -> Result<&T> {
        let made = self
            .0
            .get_or_init(|| make().map_err(|error| format!("{error:#}")));
        match made {
            Ok(value) => Ok(value),
            Err(message) => bail!("{message}"),
        }
    }
}

/// A program of these tests, to be run in a mode.
fn program(path: &Path, folder: &Path, mode: &str) -> Run {
    Run::new(path, folder)
        .env("PRIVBOX", mode)
        .env("PRIVBOX_STATS", "1")
        .env("RUST_BACKTRACE", "0")
        .limit(std::time::Duration::from_secs(300))
}

/// The runtime's line on standard error, and the rest.
fn statistics(outcome: &Outcome) -> (Option<&str>, String) {
    let (own, rest) = compare::statistics(&outcome.stderr);
    (own.first().copied(), rest)
}

/// Does the runtime say that the box was entered, in user mode?
fn entered(line: &str) -> bool {
    line.contains("mode=user ") && line.contains(" entries=") && !line.contains(" entries=0 ")
}
