//! The installed rustc, and whether its LLVM is one that we can read.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// The major version of the LLVM that the pass is linked with.
pub const LLVM: u32 = 22;

/// What rustc says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toolchain {
    /// `1.95.0`
    pub release: String,
    /// `22.1.2`
    pub llvm: String,
    /// `x86_64-unknown-linux-gnu`
    pub host: String,
}

impl Toolchain {
    /// Asks `rustc -vV`.
    pub fn of(rustc: &OsStr) -> Result<Self> {
        let shown = rustc.to_string_lossy();
        let output = Command::new(rustc)
            .arg("-vV")
            .output()
            .with_context(|| format!("cannot run '{shown}': install Rust, or set RUSTC"))?;
        if !output.status.success() {
            bail!(
                "'{shown} -vV' failed:\n{}",
                String::from_utf8_lossy(&output.stderr).trim_end()
            );
        }
        Self::parse(&String::from_utf8_lossy(&output.stdout))
            .with_context(|| format!("'{shown} -vV' does not look like rustc's"))
    }

    fn parse(text: &str) -> Option<Self> {
        let field = |name: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
                .map(|value| value.trim().to_owned())
        };
        Some(Self {
            release: field("release")?,
            llvm: field("LLVM version")?,
            host: field("host")?,
        })
    }

    /// The box is made from rustc's bitcode: an LLVM reads what an older one of its major version wrote, and no newer one.
    pub fn check(&self) -> Result<()> {
        let major = self
            .llvm
            .split('.')
            .next()
            .and_then(|m| m.parse::<u32>().ok());
        if major != Some(LLVM) {
            bail!(
                "rustc {} has LLVM {}, and privbox has LLVM {LLVM}: the two must have the same major version\n\
                 note: install a Rust with LLVM {LLVM} (`rustup toolchain install 1.95.0`) and use it: `cargo +1.95.0 privbox ...`,\n\
                 note: or build privbox with the LLVM of your Rust",
                self.release,
                self.llvm
            );
        }
        Ok(())
    }
}

/// `rustc --print sysroot`.
pub fn sysroot(rustc: &OsStr) -> Result<PathBuf> {
    let output = Command::new(rustc)
        .args(["--print", "sysroot"])
        .output()
        .with_context(|| format!("cannot run '{}'", rustc.to_string_lossy()))?;
    let text = String::from_utf8(output.stdout).context("the sysroot's path is not valid UTF-8")?;
    Ok(text.trim_end().into())
}

/// Where the standard library is.
pub fn libraries(rustc: &OsStr) -> Result<PathBuf> {
    Ok(sysroot(rustc)?.join("lib/rustlib/x86_64-unknown-linux-gnu/lib"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        let text = "rustc 1.95.0 (5 2026)\nbinary: rustc\nhost: x86_64-unknown-linux-gnu\n\
                    release: 1.95.0\nLLVM version: 22.1.2\n";
        let toolchain = Toolchain::parse(text).unwrap();
        assert!(toolchain.check().is_ok());
        let old = Toolchain {
            llvm: "21.1.0".into(),
            ..toolchain
        };
        let message = old.check().unwrap_err().to_string();
        assert!(message.contains("LLVM 21.1.0") && message.contains("rustup toolchain install"));
        assert!(Toolchain::parse("gcc").is_none());
    }
}
