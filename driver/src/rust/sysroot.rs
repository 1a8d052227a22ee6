//! The standard library with a box, compiled from the bitcode that rustc's own carries.
//!
//! It is made once per toolchain, level and strength, and kept in the user's cache: `PRIVBOX_CACHE`, else
//! `XDG_CACHE_HOME/privbox`, else `HOME/.cache/privbox`.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, IsTerminal as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use privbox_pass::post_link::Effort;
use sha2::{Digest, Sha256};

use super::unit::Unit;
use super::{archive, marked};
use crate::resources::Resources;
use crate::temporary;
use crate::wrapper::{Context, Failure};

/// The cache's folder.
const CACHE: &str = "PRIVBOX_CACHE";

/// Is this one of rustc's own libraries?
pub fn owns(sysroot: &Path, library: &Path) -> bool {
    library.starts_with(sysroot.join("lib/rustlib"))
        && library.extension().is_some_and(|e| e == "rlib")
}

/// The library with a box that stands for `library`, made if it is not there.
pub fn boxed(context: &Context, library: &Path) -> Result<PathBuf, Failure> {
    let context = &concerned(context);
    let folder = folder()?;
    let name = library
        .file_name()
        .ok_or_else(|| anyhow!("'{}' is no library", library.display()))?;
    let made = folder.join(key(context, library)?).join(name);
    once(&made, || convert(context, library, name, &made))?;
    Ok(made)
}

/// Makes a file of the cache if it is not there; who comes meanwhile waits.
fn once(made: &Path, make: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    if made.is_file() {
        return Ok(());
    }
    let folder = made
        .parent()
        .ok_or_else(|| anyhow!("'{}' has no folder", made.display()))?;
    fs::create_dir_all(folder).with_context(|| cannot_write(folder))?;
    let _lock = temporary::lock(&folder.join("lock")).with_context(|| cannot_write(folder))?;
    if made.is_file() {
        return Ok(());
    }
    make()
}

fn convert(context: &Context, library: &Path, name: &OsStr, made: &Path) -> Result<(), Failure> {
    let crate_name = name.to_string_lossy();
    let crate_name = crate_name
        .trim_start_matches("lib")
        .split('-')
        .next()
        .unwrap_or_default()
        .to_owned();
    if io::stderr().is_terminal() {
        eprintln!("privbox: compiling the standard library for the box, once: {crate_name}");
    }
    let unit = Unit {
        forward: &allocation,
        ..Unit::new(
            format!("rust:{crate_name}"),
            name.to_string_lossy().into_owned(),
            Effort::Aggressive,
            made,
        )
    };
    archive::convert(context, library, made, &unit, true)?;
    Ok(())
}

/// Rust's default allocator, which would call libc's, out of the box, and what stands for it
/// (`runtime/rust/allocator.c`).
const ALLOCATION: [(&str, &str); 4] = [
    ("__rustc::__rdl_alloc", "__privbox_rust_alloc"),
    ("__rustc::__rdl_alloc_zeroed", "__privbox_rust_alloc_zeroed"),
    ("__rustc::__rdl_realloc", "__privbox_rust_realloc"),
    ("__rustc::__rdl_dealloc", "__privbox_rust_dealloc"),
];

fn allocation(symbol: &str) -> Option<&'static str> {
    if !symbol.contains("__rdl_") {
        return None;
    }
    let path = marked::path(symbol);
    ALLOCATION
        .iter()
        .find(|(name, _)| *name == path)
        .map(|(_, ours)| *ours)
}

/// The allocator that [`ALLOCATION`] names, as an archive: programs with an allocator of their own do without.
pub fn allocator(context: &Context) -> Result<PathBuf, Failure> {
    let context = &concerned(context);
    let source = Resources::file("allocator.bc")?;
    let made = folder()?
        .join(key(context, &source)?)
        .join("liballocator.a");
    once(&made, || make_allocator(context, &source, &made))?;
    Ok(made)
}

fn make_allocator(context: &Context, source: &Path, made: &Path) -> Result<(), Failure> {
    let public = ALLOCATION.map(|(_, name)| name);
    let unit = Unit {
        public: Some(&public),
        ..Unit::new(
            "rust:allocator".to_owned(),
            "allocator".to_owned(),
            Effort::Aggressive,
            made,
        )
    };
    let bitcode =
        fs::read(source).with_context(|| format!("cannot read '{}'", source.display()))?;
    archive::one(context, &bitcode, made, &unit)?;
    Ok(())
}

fn cannot_write(folder: &Path) -> String {
    format!(
        "cannot write '{}': set {CACHE} to a folder that can be written",
        folder.display()
    )
}

fn folder() -> Result<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    set(CACHE)
        .map(PathBuf::from)
        .or_else(|| set("XDG_CACHE_HOME").map(|folder| PathBuf::from(folder).join("privbox")))
        .or_else(|| set("HOME").map(|folder| PathBuf::from(folder).join(".cache/privbox")))
        .with_context(|| {
            format!("no place for the standard library with a box: set {CACHE} or HOME")
        })
}

/// What of the user's choices concerns these libraries. Functions of the standard library are no entry functions, and names that
/// do not begin with a crate of its are not in it: the same libraries serve most programs.
fn concerned(context: &Context) -> Context {
    let mut options = context.options.clone();
    options.entry.clear();
    options.outside.retain(|name| {
        ["std::", "core::", "alloc::", "<"]
            .iter()
            .any(|start| name.starts_with(start))
    });
    options.report = None;
    Context::new(options)
}

/// Everything that the result depends on: the library, this program, the options.
fn key(context: &Context, library: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    let own = env::current_exe().context("cannot find this program")?;
    for file in [library, &own] {
        let metadata =
            fs::metadata(file).with_context(|| format!("cannot read '{}'", file.display()))?;
        hash.update(file.as_os_str().as_bytes());
        hash.update(metadata.len().to_le_bytes());
        let modified = metadata
            .modified()
            .ok()
            .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok())
            .unwrap_or_default();
        hash.update(modified.as_nanos().to_le_bytes());
    }
    let options = &context.options;
    hash.update(format!(
        "{:?} {:?} {} {} {:?} {:?} {}",
        options.level.unwrap_or_default(),
        options.strength.unwrap_or_default(),
        options.mask_bits(),
        options.mask_all,
        options.scheme,
        options.outside,
        options.verify,
    ));
    Ok(hash
        .finalize()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect())
}
