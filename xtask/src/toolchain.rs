//! `cargo xtask build`: packages, then the Rust programs, then the runtime that they link into boxes.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::deps::{self, Need};
use crate::install;
use crate::runtime;
use crate::util::{self, Project, cargo};

/// The programs that are built.
pub const PROGRAMS: &[&str] = &["privbox-cc", "privbox", "privbox-rustc", "cargo-privbox"];

/// Other names of programs, which behave by the name they are called by.
pub const ALIASES: &[(&str, &str)] = &[("privbox-c++", "privbox-cc")];

/// A built toolchain.
pub struct Toolchain {
    /// Its `lib/privbox`.
    pub resources: PathBuf,
}

/// Builds what is not up to date. Installs missing packages first if `install` allows it.
pub fn build(project: &Project, install: bool) -> Result<Toolchain> {
    deps::ensure(Need::Build, install)?;
    println!(
        "build      the toolchain, in {}",
        project.release().display()
    );
    let mut command = cargo();
    // cargo prints what it compiles, and nothing else.
    command
        .args([
            "build",
            "--release",
            "--quiet",
            "--package",
            "privbox-driver",
        ])
        .current_dir(&project.root);
    util::run(&mut command).context("the toolchain does not build")?;
    for (alias, name) in ALIASES {
        install::link(name, &project.tool(alias))?;
    }
    let resources = runtime::build(project).context("the runtime does not build")?;
    Ok(Toolchain { resources })
}
