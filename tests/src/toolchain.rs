//! Where the commands under test are.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

/// The built commands, and the compiler they are compared with.
#[derive(Clone, Debug)]
pub struct Toolchain {
    /// `privbox-cc`.
    pub cc: PathBuf,
    /// `privbox-c++`.
    pub cxx: PathBuf,
    /// `privbox`.
    pub privbox: PathBuf,
    /// Plain clang: the native side of every comparison.
    pub clang: PathBuf,
}

impl Toolchain {
    /// The toolchain in `$PRIVBOX_BIN`, else in `target/release` of the workspace.
    ///
    /// # Errors
    /// Names what is missing and the command that builds it.
    pub fn find() -> Result<Self> {
        let folder = match std::env::var_os("PRIVBOX_BIN") {
            Some(folder) => PathBuf::from(folder),
            None => workspace().join("target/release"),
        };
        let found = Self {
            cc: folder.join("privbox-cc"),
            cxx: folder.join("privbox-c++"),
            privbox: folder.join("privbox"),
            clang: PathBuf::from(std::env::var_os("PRIVBOX_CLANG").unwrap_or("clang-22".into())),
        };
        for command in [&found.cc, &found.privbox] {
            if !command.is_file() {
                bail!(
                    "{} does not exist: build the toolchain with `cargo xtask build`, or name its folder in PRIVBOX_BIN",
                    command.display()
                );
            }
        }
        if Command::new(&found.clang)
            .arg("--version")
            .output()
            .is_err()
        {
            bail!(
                "{} cannot be run: install it with `apt install clang-22`",
                found.clang.display()
            );
        }
        Ok(found)
    }
}

/// The workspace's root.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map_or_else(PathBuf::new, Path::to_path_buf)
}

/// This crate's folder, where the programs are.
pub fn tests_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Whether only the quick subset is wanted.
pub fn quick() -> bool {
    std::env::var_os("PRIVBOX_TEST_QUICK").is_some_and(|value| !value.is_empty() && value != "0")
}

/// Whether this CPU has the features that `-march=x86-64-v3` uses.
pub fn cpu_has_v3() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        std::arch::is_x86_feature_detected!("avx2")
            && std::arch::is_x86_feature_detected!("bmi2")
            && std::arch::is_x86_feature_detected!("fma")
            && std::arch::is_x86_feature_detected!("lzcnt")
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        false
    }
}
