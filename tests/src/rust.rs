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
    let mut command;
    let folder = match level {
        None => {
            command = Command::new("cargo");
            command.arg("build");
            target.join("release")
        }
        Some(level) => {
            command = Command::new(tools.privbox.with_file_name("cargo-privbox"));
            command.args(["privbox", "build"]);
            command.arg(format!("-fprivbox-level={level}"));
            target.join("x86_64-unknown-linux-gnu/release")
        }
    };
    command
        .args(["--release", "--locked", "--target-dir"])
        .arg(target);
    command.current_dir(package);
    // A user's package: what this test was run with is not its.
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
