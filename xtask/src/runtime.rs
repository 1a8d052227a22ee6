//! Compiles the runtime (runtime/build.md) into `target/release/lib/privbox`: what cargo cannot build.
//!
//! The gate and the entry code are normal code, compiled by clang; the library in the box is compiled by the
//! wrapper that was just built. Two archives come out: `libprivbox.a`, and `libprivbox-strict.a` for tests,
//! whose safe stacks lie above every address that a narrowed mask can make.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::deps;
use crate::util::{self, Failure, Project};

/// One of the archives.
struct Flavour {
    archive: &'static str,
    /// Options for all code.
    common: &'static [&'static str],
    /// Options for code in the box.
    boxed: &'static [&'static str],
}

const FLAVOURS: &[Flavour] = &[
    Flavour {
        archive: "libprivbox.a",
        common: &[],
        // One library for every level and strength: the strictest.
        boxed: &["-fprivbox-strength=transient"],
    },
    Flavour {
        archive: "libprivbox-strict.a",
        common: &["-DPRIVBOX_STRICT", "-DPRIVBOX_MASK_BITS=46"],
        // Masks at transient strength clear one bit only.
        boxed: &["-fprivbox-mask-bits=46"],
    },
];

/// Options for everything. Archives are linked into position-independent executables too; nothing of the
/// runtime may depend on the machine that it was built on.
const OPTIONS: &[&str] = &[
    "-std=c17",
    "-O2",
    "-fPIC",
    "-g",
    "-Wall",
    "-Wextra",
    "-fno-stack-protector",
    "-ffunction-sections",
];

/// Code that runs while vector registers hold arguments: it may not use them.
const GENERAL_REGISTERS: &[&str] = &["entry/activation.c"];

/// Builds both archives and copies the headers and the linker script; skips what is up to date.
pub fn build(project: &Project) -> Result<PathBuf> {
    let source = project.root.join("runtime");
    let resources = project.release().join("lib/privbox");
    util::make_folder(&resources.join("include"))?;
    refresh(
        &project.root.join("linker-script/privbox.ld"),
        &resources.join("privbox.ld"),
    )?;
    for header in util::files_below(&source.join("include"), &["h"]) {
        let name = header.file_name().context("a header has no name")?;
        refresh(&header, &resources.join("include").join(name))?;
    }
    for flavour in FLAVOURS {
        flavour.build(project, &source, &resources)?;
    }
    crate::allocator::build(project, &resources)?;
    Ok(resources)
}

impl Flavour {
    fn build(&self, project: &Project, source: &Path, resources: &Path) -> Result<()> {
        let archive = resources.join(self.archive);
        let privbox_cc = project.tool("privbox-cc");
        let mut files = Vec::new();
        for folder in ["gate", "entry", "box"] {
            files.extend(util::files_below(&source.join(folder), &["c", "S"]));
        }
        if files.is_empty() {
            bail!("no sources in {}", source.display());
        }
        let mut inputs = files.clone();
        inputs.extend(util::files_below(source, &["h", "inc"]));
        // What the runtime and the module say to each other.
        inputs.push(project.root.join("kernel/privbox_uapi.h"));
        inputs.push(privbox_cc.clone());
        let recipe = format!("{OPTIONS:?} {:?} {:?} {files:?}", self.common, self.boxed);
        if util::up_to_date(&archive, &inputs, &recipe) {
            return Ok(());
        }
        println!("runtime    {}", self.archive);
        let scratch = project.scratch(&format!("runtime/{}", self.archive))?;
        let mut objects = Vec::new();
        for file in &files {
            let inside = file.strip_prefix(source)?;
            let object = scratch.join(format!("{}.o", inside.display()).replace('/', "-"));
            // C code below box/ runs in the box; assembly there is written to the contract by hand.
            let boxed = inside.starts_with("box") && inside.extension().is_some_and(|e| e == "c");
            let mut command = Command::new(if boxed {
                privbox_cc.as_path()
            } else {
                Path::new("clang-22")
            });
            command
                .args(OPTIONS)
                .args(self.common)
                .arg("-I")
                .arg(source.join("include"));
            if GENERAL_REGISTERS
                .iter()
                .any(|name| inside == Path::new(name))
            {
                command.arg("-mgeneral-regs-only");
            }
            if boxed {
                command.arg("-fprivbox-runtime").args(self.boxed);
            }
            util::capture(command.arg("-c").arg(file).arg("-o").arg(&object))?;
            if boxed {
                // A program may define a function of the same name: its clone wins. And the units of a box
                // must be of one level and strength, which the library's need not be: it has no records.
                let mut objcopy = Command::new(deps::llvm_prefix().join("bin/llvm-objcopy"));
                objcopy.args(["--weaken", "--remove-section=.privbox.unit"]);
                util::capture(objcopy.arg(&object))?;
            }
            objects.push(object);
        }
        // A new archive beside the old one, then a rename: an interrupted build leaves no half of one.
        let fresh = scratch.join(self.archive);
        let _ = fs::remove_file(&fresh);
        let mut ar = Command::new(deps::llvm_prefix().join("bin/llvm-ar"));
        util::capture(ar.arg("rcsD").arg(&fresh).args(&objects))?;
        fs::rename(&fresh, &archive)
            .map_err(|error| Failure::Unwritable(archive.clone(), error))?;
        util::note_recipe(&archive, &recipe)
    }
}

/// Copies a file where the copy is absent or older.
fn refresh(from: &Path, to: &Path) -> Result<()> {
    if util::up_to_date(to, &[from.to_path_buf()], "copy") {
        return Ok(());
    }
    util::copy(from, to)?;
    util::note_recipe(to, "copy")
}
