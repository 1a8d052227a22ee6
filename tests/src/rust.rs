//! Packages of Rust, compiled by cargo and by `cargo privbox`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

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
    )
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

/// Builds all programs of a package for release, natively or with a box of this level; returns the folder that they are in.
///
/// # Errors
/// They do not build.
pub fn build(
    tools: &Toolchain,
    package: &Path,
    target: &Path,
    level: Option<&str>,
) -> Result<PathBuf> {
    let option = level.map(|level| format!("-fprivbox-level={level}"));
    let options = option.as_ref().map(|option| [option.as_str()]);
    let mut command = cargo(tools, package, "build", options.as_ref().map(|o| &o[..]));
    command
        .args(["--release", "--bins", "--locked", "--target-dir"])
        .arg(target);
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
