//! Packages of Rust, compiled by cargo and by `cargo privbox`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::toolchain::{Toolchain, workspace};

/// The programs of `examples/rust`.
pub const EXAMPLES: [&str; 3] = ["file-copy", "http-hello", "kv-server"];

/// Builds the programs of `examples/rust`, natively or with a box of this level; returns the folder that they are in.
///
/// # Errors
/// They do not build.
pub fn examples(tools: &Toolchain, level: Option<&str>) -> Result<PathBuf> {
    let name = format!("target/test-rust/examples-{}", level.unwrap_or("native"));
    build(
        tools,
        &workspace().join("examples/rust"),
        &workspace().join(name),
        level,
        &EXAMPLES.map(str::to_owned),
    )
}

/// The folder of the package `tests/rust/programs`.
#[must_use]
pub fn programs() -> PathBuf {
    workspace().join("tests/rust/programs")
}

/// One way to run a program of `tests/rust/programs`: once, or once for each line `// RUN: ARGUMENTS => exit code N` (or
/// `signal N`) of it. `// WITHOUT: LEVEL: why` says that it cannot be built at a level.
#[derive(Clone, Debug)]
pub struct Program {
    /// The program's file.
    pub name: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// How it ends, as [`crate::process::End`] says it.
    pub end: String,
    /// Levels that are not for it.
    without: Vec<String>,
}

impl Program {
    /// For tests: the program's name and its arguments.
    #[must_use]
    pub fn title(&self) -> String {
        let mut title = self.name.clone();
        for argument in &self.arguments {
            title.push('/');
            title.push_str(argument);
        }
        title
    }

    /// Can it be built at a level?
    #[must_use]
    pub fn has(&self, level: &str) -> bool {
        !self.without.iter().any(|without| without == level)
    }

    /// Builds all that can be at a level, or natively; returns their folder.
    ///
    /// # Errors
    /// They do not build.
    pub fn build(tools: &Toolchain, target: &Path, level: Option<&str>) -> Result<PathBuf> {
        let mut names: Vec<String> = Self::all()?
            .into_iter()
            .filter(|program| level.is_none_or(|level| program.has(level)))
            .map(|program| program.name)
            .collect();
        names.dedup();
        build(tools, &programs(), target, level, &names)
    }

    /// All of them.
    ///
    /// # Errors
    /// There are none, or a line `RUN` is wrong.
    pub fn all() -> Result<Vec<Self>> {
        let mut all = Vec::new();
        for entry in fs::read_dir(programs().join("src/bin"))? {
            let path = entry?.path();
            let name = path.file_stem().context("no name")?.to_string_lossy();
            let source = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            let (mut runs, mut without) = (Vec::new(), Vec::new());
            for line in source.lines() {
                if let Some(level) = line.strip_prefix("// WITHOUT: ") {
                    without.extend(level.split_once(": ").map(|(level, _)| level.to_owned()));
                }
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
            all.extend(runs.into_iter().map(|(arguments, end)| Self {
                name: name.clone().into_owned(),
                arguments,
                end: end.to_owned(),
                without: without.clone(),
            }));
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        ensure!(!all.is_empty(), "no programs in tests/rust/programs");
        Ok(all)
    }
}

/// What of this test's environment is not for a user's package.
pub const NOT_THE_PACKAGES: [&str; 9] = [
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_TARGET_DIR",
    "CARGO_INCREMENTAL",
    "RUSTC_WRAPPER",
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    "PRIVBOX_FLAGS",
    "PRIVBOX",
];

/// Builds these programs of a package for release, natively or with a box of this level (`transient`: that strength, at level
/// `mask`); returns the folder that they are in.
///
/// # Errors
/// They do not build.
pub fn build(
    tools: &Toolchain,
    package: &Path,
    target: &Path,
    level: Option<&str>,
    programs: &[String],
) -> Result<PathBuf> {
    let option = level.map(|level| match level {
        "transient" => "-fprivbox-strength=transient".to_owned(),
        level => format!("-fprivbox-level={level}"),
    });
    let options = option.as_ref().map(|option| [option.as_str()]);
    let mut command = cargo(tools, package, "build", options.as_ref().map(|o| &o[..]));
    command
        .args(["--release", "--locked", "--target-dir"])
        .arg(target);
    for name in programs {
        command.args(["--bin", name]);
    }
    succeed(&mut command)?;
    Ok(target.join(match level {
        None => "release",
        Some(_) => "x86_64-unknown-linux-gnu/release",
    }))
}

/// cargo, or `cargo privbox` with options of the box, for a package that is none of this workspace: what this test was run
/// with is not the package's.
pub fn cargo(tools: &Toolchain, package: &Path, command: &str, boxed: Option<&[&str]>) -> Command {
    let mut cargo;
    match boxed {
        None => {
            cargo = Command::new("cargo");
            cargo.arg(command);
        }
        Some(options) => {
            cargo = Command::new(tools.privbox.with_file_name("cargo-privbox"));
            cargo.args(["privbox", command]).args(options);
        }
    }
    cargo.current_dir(package);
    for name in NOT_THE_PACKAGES {
        cargo.env_remove(name);
    }
    cargo
}

/// Its standard output.
///
/// # Errors
/// It fails: what it said.
pub fn succeed(command: &mut Command) -> Result<Vec<u8>> {
    let output = command
        .output()
        .with_context(|| format!("cannot run {command:?}"))?;
    if !output.status.success() {
        bail!(
            "{command:?} ends with {}:\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(output.stdout)
}
