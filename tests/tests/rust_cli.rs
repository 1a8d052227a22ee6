//! `cargo privbox` and `privbox-rustc` on a user's workspace: a copy of `tests/rust/cli`, which is built, edited and built
//! again; and the commands of docs/rust.md, word by word.
//!
//! The tests share the copy, so that its dependencies are compiled once: each puts it back first, and one runs at a time.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use libtest_mimic::{Failed, Trial};
use privbox_tests::process::{End, Outcome, Run};
use privbox_tests::rust::NOT_THE_PACKAGES;
use privbox_tests::suite;
use privbox_tests::toolchain::{Toolchain, tests_folder, workspace};

#[path = "rust_cli/build.rs"]
mod build;
#[path = "rust_cli/cache.rs"]
mod cache;
#[path = "rust_cli/rebuild.rs"]
mod rebuild;
#[path = "rust_cli/refuse.rs"]
mod refuse;
#[path = "rust_cli/run.rs"]
mod run;

/// What a test is: a function on the workspace.
type Body = fn(&Package) -> Result<()>;

const TARGET: &str = "x86_64-unknown-linux-gnu";

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn main() {
    suite::main(trials, || {});
}

fn trials(tools: &Toolchain) -> Result<Vec<Trial>> {
    let groups = [
        build::TESTS,
        cache::TESTS,
        rebuild::TESTS,
        refuse::TESTS,
        run::TESTS,
    ];
    let trials = groups.into_iter().flatten().map(|(name, body)| {
        let tools = tools.clone();
        Trial::test(*name, move || {
            let _lock = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
            Package::new(&tools)
                .and_then(|package| body(&package))
                .map_err(|error| Failed::from(format!("{error:#}")))
        })
    });
    Ok(trials.collect())
}

/// The user's workspace.
struct Package {
    tools: Toolchain,
    folder: PathBuf,
}

impl Package {
    /// The copy, as it is in the repository. What has not changed is not written: cargo looks at the time.
    fn new(tools: &Toolchain) -> Result<Self> {
        let folder = workspace().join("target/test-rust-cli/workspace");
        let package = Self {
            tools: tools.clone(),
            folder,
        };
        package.put_back(&tests_folder().join("rust/cli"), Path::new(""))?;
        Ok(package)
    }

    fn put_back(&self, original: &Path, inside: &Path) -> Result<()> {
        fs::create_dir_all(self.folder.join(inside))?;
        for entry in fs::read_dir(original)? {
            let entry = entry?;
            let name = inside.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                self.put_back(&entry.path(), &name)?;
                continue;
            }
            let text = fs::read_to_string(entry.path())?;
            let runtime = workspace().join("runtime");
            self.write(
                &name,
                &text.replace("../../../../runtime", &runtime.to_string_lossy()),
            )?;
        }
        Ok(())
    }

    /// Writes a file if that changes it.
    fn write(&self, name: impl AsRef<Path>, text: &str) -> Result<()> {
        let path = self.folder.join(name);
        if fs::read_to_string(&path).is_ok_and(|old| old == text) {
            return Ok(());
        }
        fs::write(&path, text).with_context(|| path.display().to_string())
    }

    /// Edits a file; what is replaced must be there.
    fn edit(&self, name: &str, from: &str, to: &str) -> Result<()> {
        let text = fs::read_to_string(self.folder.join(name))?;
        ensure!(text.contains(from), "{name} holds no '{from}'");
        self.write(name, &text.replace(from, to))
    }

    /// `cargo WORDS`, as a user types it: the commands are in `PATH`, and nothing of how this test was run is in the environment.
    fn cargo(&self, words: &str) -> Run {
        cargo(&self.tools, &self.folder, words)
    }

    /// The folder of what `cargo privbox` builds without options of the box.
    fn target(&self, profile: &str) -> PathBuf {
        self.folder
            .join("target/privbox")
            .join(TARGET)
            .join(profile)
    }
}

fn cargo(tools: &Toolchain, folder: &Path, words: &str) -> Run {
    Run::new("cargo", folder)
        .args(words.split_whitespace())
        .without(NOT_THE_PACKAGES)
        .without(["RUST_BACKTRACE", "EXPECT_BOX"])
        .env("PATH", &path(tools).to_string_lossy())
        .limit(Duration::from_secs(600))
}

/// `PATH` with the built commands first.
fn path(tools: &Toolchain) -> OsString {
    let own = tools.privbox.parent().unwrap_or(Path::new("."));
    let mut path = own.as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    path
}

/// It succeeds; returns its standard output.
fn succeeds(run: &Run) -> Result<String> {
    let outcome = run.run()?;
    ensure!(outcome.ok(), "{}: {}", run.line(), shown(&outcome));
    Ok(String::from_utf8_lossy(&outcome.stdout).into_owned())
}

/// It fails with this code and says all of these; returns its standard error.
fn fails(run: &Run, code: i32, says: &[&str]) -> Result<String> {
    let outcome = run.run()?;
    let text = outcome.stderr.clone();
    ensure!(
        outcome.end == End::Code(code),
        "{}: not exit code {code}: {}",
        run.line(),
        shown(&outcome)
    );
    for word in says {
        ensure!(
            text.contains(word),
            "{}: does not say '{word}': {}",
            run.line(),
            shown(&outcome)
        );
    }
    Ok(text)
}

fn shown(outcome: &Outcome) -> String {
    format!(
        "{}\n--- stdout\n{}--- stderr\n{}",
        outcome.end,
        String::from_utf8_lossy(&outcome.stdout),
        outcome.stderr
    )
}

/// Whether an ELF file has any section of the box.
fn has_box(file: &Path) -> Result<bool> {
    let bytes = fs::read(file).with_context(|| file.display().to_string())?;
    // The section names' table.
    Ok(bytes.windows(14).any(|name| name == b".privbox.text\0"))
}

/// Files of a folder whose names begin and end so.
fn files(folder: &Path, start: &str, end: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(start) && name.ends_with(end) && entry.file_type()?.is_file() {
            found.push(entry.path());
        }
    }
    Ok(found)
}
