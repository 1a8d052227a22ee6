//! Compiles the allocator of Rust programs to bitcode, `lib/privbox/allocator.bc`. The driver makes it an object with both
//! halves at the level of each program, as it does with the standard library.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::util::{self, Project, cargo};

/// Inside the package that runtime/rust/Cargo.toml pins.
const SOURCES: &str = "c_src/mimalloc/v2";

const OPTIONS: &[&str] = &[
    "-std=gnu11",
    "-O3",
    "-fPIC",
    // Shared libraries take the normal half, too.
    "-ftls-model=initial-exec",
    "-fno-builtin-malloc",
    "-fno-stack-protector",
    "-DNDEBUG",
    "-DMI_MALLOC_OVERRIDE=0",
    // Nothing is printed, nothing is read from the environment but mimalloc's own options.
    "-w",
];

/// Builds it; skips what is up to date.
pub fn build(project: &Project, resources: &Path) -> Result<()> {
    let folder = project.root.join("runtime/rust");
    let source = folder.join("allocator.c");
    let output = resources.join("allocator.bc");
    let inputs = [source.clone(), folder.join("Cargo.lock")];
    let recipe = format!("{OPTIONS:?}");
    if util::up_to_date(&output, &inputs, &recipe) {
        return Ok(());
    }
    println!("runtime    allocator.bc");
    let sources = fetch(&folder)?;
    let fresh = project.scratch("runtime/allocator")?.join("allocator.bc");
    let mut clang = Command::new("clang-22");
    clang.args(OPTIONS).args(["-c", "-emit-llvm"]);
    // `allocator.c` includes `src/static.c`, which includes its neighbours.
    clang.arg("-I").arg(&sources);
    clang.arg("-I").arg(sources.join("include"));
    util::capture(clang.arg(&source).arg("-o").arg(&fresh))?;
    util::copy(&fresh, &output)?;
    util::note_recipe(&output, &recipe)
}

fn fetch(folder: &Path) -> Result<PathBuf> {
    let manifest = folder.join("Cargo.toml");
    let mut fetch = cargo();
    fetch.args(["fetch", "--quiet", "--locked", "--manifest-path"]);
    util::capture(fetch.arg(&manifest))
        .context("the allocator's sources cannot be fetched from crates.io")?;
    let mut metadata = cargo();
    metadata.args(["metadata", "--locked", "--offline", "--format-version", "1"]);
    metadata.arg("--manifest-path").arg(&manifest);
    let metadata: serde_json::Value =
        serde_json::from_slice(&util::capture(&mut metadata)?.stdout)?;
    let package = metadata["packages"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|package| package["name"] == "libmimalloc-sys")
        .and_then(|package| package["manifest_path"].as_str())
        .context("cargo metadata does not know libmimalloc-sys")?;
    let sources = Path::new(package).with_file_name(SOURCES);
    if !sources.is_dir() {
        bail!(
            "libmimalloc-sys has no folder {SOURCES}: its version is not the one in {}",
            manifest.display()
        );
    }
    Ok(sources)
}
