//! The Debian packages that the commands need: which are there, and installing the rest.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Result;

use crate::util::{self, Failure};

/// Why a package is needed; a command asks only for what it uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Building the toolchain and using it.
    Build,
    /// Running the tests as well.
    Test,
    /// Building the module and running it in QEMU; nothing of the others.
    Vm,
}

struct Package {
    name: &'static str,
    need: Need,
    /// What it is good for, said when it is missing.
    purpose: &'static str,
    /// Programs (looked up in PATH) or files (absolute) of it: all must exist.
    evidence: &'static [&'static str],
}

const PACKAGES: &[Package] = &[
    Package {
        name: "clang-22",
        need: Need::Build,
        purpose: "the C and C++ front end of the wrappers",
        evidence: &["clang-22", "clang++-22"],
    },
    Package {
        name: "llvm-22-dev",
        need: Need::Build,
        purpose: "the library that the pass uses; llvm-objcopy, llvm-size",
        evidence: &[
            "LLVM/bin/llvm-config",
            "LLVM/include/llvm-c/Core.h",
            "LLVM/bin/llvm-size",
        ],
    },
    Package {
        name: "lld-22",
        need: Need::Build,
        purpose: "the linker of box objects",
        evidence: &["ld.lld-22"],
    },
    Package {
        name: "libc6-dev",
        need: Need::Build,
        purpose: "the C library's headers",
        evidence: &["/usr/include/stdio.h"],
    },
    Package {
        name: "binutils",
        need: Need::Build,
        purpose: "GNU ld, ar",
        evidence: &["ld.bfd", "ar"],
    },
    Package {
        name: "llvm-22-tools",
        need: Need::Test,
        purpose: "FileCheck, for the tests of the pass",
        evidence: &["LLVM/bin/FileCheck"],
    },
    Package {
        name: "g++",
        need: Need::Test,
        purpose: "the C++ library, for tests in C++",
        evidence: &["g++"],
    },
    Package {
        name: "csmith",
        need: Need::Test,
        purpose: "random programs for the tests",
        evidence: &["csmith"],
    },
    Package {
        name: "libcsmith-dev",
        need: Need::Test,
        purpose: "the headers of random programs",
        evidence: &["/usr/include/csmith/csmith.h"],
    },
    Package {
        name: "qemu-system-x86",
        need: Need::Vm,
        purpose: "the machine that kernels run on",
        evidence: &["qemu-system-x86_64"],
    },
    Package {
        name: "make",
        need: Need::Vm,
        purpose: "building the module",
        evidence: &["make"],
    },
    Package {
        name: "gcc-12",
        need: Need::Vm,
        purpose: "the compiler of Debian's kernels, for the module",
        evidence: &["gcc-12"],
    },
    Package {
        name: "libelf1",
        need: Need::Vm,
        purpose: "for the programs of a module's build",
        evidence: &["/usr/lib/x86_64-linux-gnu/libelf.so.1"],
    },
    Package {
        name: "libc6-dev",
        need: Need::Vm,
        purpose: "the static C library, for the guest's first program",
        evidence: &["/usr/lib/x86_64-linux-gnu/libc.a"],
    },
    Package {
        name: "xz-utils",
        need: Need::Vm,
        purpose: "kernels and their modules are compressed",
        evidence: &["xz"],
    },
    Package {
        name: "zstd",
        need: Need::Vm,
        purpose: "newer kernels are compressed with it",
        evidence: &["zstd"],
    },
];

/// Makes sure that everything needed is there: installs it where that is possible and allowed, and says
/// exactly what is missing otherwise.
pub fn ensure(need: Need, install: bool) -> Result<()> {
    let missing = missing(need);
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = missing.iter().map(|package| package.name).collect();
    if !install {
        return Err(explain(&missing, "not installed, because of --no-install").into());
    }
    if !is_program("apt-get") {
        return Err(explain(&missing, "this system has no apt-get to install them").into());
    }
    if !is_root() {
        return Err(explain(&missing, "only root can install them").into());
    }
    eprintln!("packages  installing {}", names.join(" "));
    apt_get(&["update"]).map_err(|error| explain(&missing, &error.to_string()))?;
    let mut arguments = vec!["install", "--yes", "--no-install-recommends"];
    arguments.extend(&names);
    apt_get(&arguments).map_err(|error| explain(&missing, &error.to_string()))?;
    let still = self::missing(need);
    if !still.is_empty() {
        return Err(explain(
            &still,
            "apt-get installed them, but their files are not where they should be",
        )
        .into());
    }
    Ok(())
}

/// The folder of LLVM 22: `LLVM_SYS_221_PREFIX`, which the pass's build uses too, or Debian's.
pub fn llvm_prefix() -> PathBuf {
    env::var_os("LLVM_SYS_221_PREFIX")
        .filter(|value| !value.is_empty())
        .map_or_else(|| PathBuf::from("/usr/lib/llvm-22"), PathBuf::from)
}

/// Whether a program is in PATH.
pub fn is_program(name: &str) -> bool {
    env::var_os("PATH")
        .is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(name).is_file()))
}

fn missing(need: Need) -> Vec<&'static Package> {
    PACKAGES
        .iter()
        .filter(|package| {
            (package.need == need || (need == Need::Test && package.need == Need::Build))
                && !package.evidence.iter().all(|file| is_there(file))
        })
        .collect()
}

fn is_there(evidence: &str) -> bool {
    match evidence.strip_prefix("LLVM/") {
        Some(file) => llvm_prefix().join(file).exists(),
        None if evidence.starts_with('/') => Path::new(evidence).exists(),
        None => is_program(evidence),
    }
}

fn explain(missing: &[&Package], why: &str) -> Failure {
    let mut text = format!("packages are missing ({why}):");
    for package in missing {
        let files: Vec<String> = package
            .evidence
            .iter()
            .filter(|file| !is_there(file))
            .map(|file| file.replace("LLVM", &llvm_prefix().display().to_string()))
            .collect();
        let files = files.join(", ");
        text.push_str(&format!(
            "\n  {:14} {} ({files})",
            package.name, package.purpose
        ));
    }
    let names: Vec<&str> = missing.iter().map(|package| package.name).collect();
    text.push_str(&format!(
        "\non Debian 12, as root:\n  apt-get update && apt-get install --yes {}",
        names.join(" ")
    ));
    if missing.iter().any(|package| package.need != Need::Vm) {
        text.push_str(
            "\nelsewhere: LLVM, clang and lld of version 22 (LLVM_SYS_221_PREFIX names LLVM's folder; the programs \
             clang-22 and ld.lld-22 must be in PATH)",
        );
    }
    Failure::Packages(text)
}

/// Whether we may install packages.
pub fn is_root() -> bool {
    // "Uid: real effective saved filesystem"
    fs::read_to_string("/proc/self/status").is_ok_and(|status| {
        status
            .lines()
            .any(|line| line.starts_with("Uid:") && line.split_whitespace().nth(2) == Some("0"))
    })
}

/// Runs apt-get without questions.
pub fn apt_get(arguments: &[&str]) -> Result<()> {
    let mut command = Command::new("apt-get");
    command
        .arg("-q")
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null());
    util::capture(&mut command).map(|_| ())
}
