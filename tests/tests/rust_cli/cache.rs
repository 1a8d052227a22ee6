//! The cache of the standard library with a box: it is shared, and what nobody uses any more goes.

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, ensure};
use privbox_tests::process::Run;

use super::{Body, Package, TARGET, files, succeeds};

pub const TESTS: &[(&str, Body)] = &[("cache/what_nobody_uses_goes", old)];

/// Two small libraries of the toolchain, made with a day between them, and a month.
fn old(package: &Package) -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let cache = scratch.path().join("cache");
    let root = succeeds(&Run::new("rustc", &package.folder).args(["--print", "sysroot"]))?;
    let libraries = PathBuf::from(root.trim())
        .join("lib/rustlib")
        .join(TARGET)
        .join("lib");
    // Copies, so that a toolchain can be removed.
    let copy = |start: &str| -> Result<PathBuf> {
        let found = files(&libraries, start, ".rlib")?;
        let original = found.first().with_context(|| format!("no {start}*.rlib"))?;
        let copy = scratch
            .path()
            .join(original.file_name().unwrap_or_default());
        fs::copy(original, &copy)?;
        Ok(copy)
    };
    let (first, second) = (copy("libcfg_if-")?, copy("libunwind-")?);
    let make_with = |library: &PathBuf, flags: &str| {
        let make = Run::new(
            package.tools.privbox.with_file_name("privbox-rustc"),
            &package.folder,
        )
        .arg("--privbox-make")
        .arg(library)
        .env("PRIVBOX_CACHE", &cache.to_string_lossy())
        .env("PRIVBOX_FLAGS", flags);
        succeeds(&make)
    };
    let make = |library| make_with(library, "");
    let entries = || -> Result<Vec<PathBuf>> {
        let folders = fs::read_dir(&cache)?.filter_map(Result::ok);
        Ok(folders
            .map(|entry| entry.path())
            .filter(|path| path.is_dir())
            .collect())
    };
    // As if everything had happened so many days ago.
    let days_pass = |days: u64| -> Result<()> {
        let then = SystemTime::now() - Duration::from_secs(days * 24 * 3600);
        let mut marks = vec![cache.join("swept")];
        marks.extend(entries()?.iter().map(|entry| entry.join("lock")));
        for mark in marks {
            File::options()
                .write(true)
                .open(&mark)
                .with_context(|| mark.display().to_string())?
                .set_modified(then)?;
        }
        Ok(())
    };

    make(&first)?;
    let made = entries()?;
    ensure!(made.len() == 1, "{made:?}");
    days_pass(29)?;
    make(&second)?;
    ensure!(entries()?.len() == 2, "an entry went too early");
    // The first is used, the second is not.
    days_pass(31)?;
    make(&first)?;
    fs::remove_file(cache.join("swept"))?;
    // Another level: a third entry, and a look through the others.
    make_with(&first, "-fprivbox-level=spap")?;
    let left = entries()?;
    ensure!(
        left.len() == 2 && left.contains(&made[0]),
        "{left:?}, the first was {made:?}"
    );
    // A toolchain that is gone: its entries go after a day.
    fs::remove_file(&first)?;
    days_pass(2)?;
    make(&second)?;
    let left = entries()?;
    ensure!(left.len() == 1 && !left.contains(&made[0]), "{left:?}");
    Ok(())
}
