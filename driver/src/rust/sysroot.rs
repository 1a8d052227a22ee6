//! The standard library with a box, compiled from the bitcode that rustc's own carries.
//!
//! It is made once per toolchain, level and strength, and kept in the user's cache: `PRIVBOX_CACHE`, else
//! `XDG_CACHE_HOME/privbox`, else `HOME/.cache/privbox`. What nobody uses any more goes ([`old`]).

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use anyhow::{Context as _, Result, anyhow, bail};
use privbox_pass::post_link::Effort;
use sha2::{Digest, Sha256};

use super::unit::Unit;
use super::{archive, marked, old, options};
use crate::resources::Resources;
use crate::temporary;
use crate::wrapper::{Context, Failure};

/// The cache's folder.
const CACHE: &str = "PRIVBOX_CACHE";
/// `privbox-rustc` with this word first makes the libraries that the other words name.
pub const MAKE: &str = "--privbox-make";
/// Libraries that programs are linked with only when they ask for them.
const RARE: [&str; 5] = [
    "libtest-",
    "libgetopts-",
    "libproc_macro-",
    "librustc_literal_escaper-",
    "libprofiler_builtins-",
];
/// Libraries whose functions every program calls.
const CENTRAL: [&str; 3] = ["libcore-", "liballoc-", "libstd-"];

/// Is this one of rustc's own libraries?
pub fn owns(sysroot: &Path, library: &Path) -> bool {
    library.starts_with(sysroot.join("lib/rustlib"))
        && library.extension().is_some_and(|e| e == "rlib")
}

/// The library with a box that stands for `library`, made if it is not there.
pub fn boxed(context: &Context, library: &Path) -> Result<PathBuf, Failure> {
    let context = &concerned(context);
    let own = env::current_exe().context("cannot find this program")?;
    let made = place(context, library, &own)?;
    let name = made.file_name().unwrap_or_default();
    once(&made, &[library, &own], || {
        convert(context, library, name, &made)
    })?;
    Ok(made)
}

/// Where the cache keeps what `program` makes of a library.
fn place(context: &Context, library: &Path, program: &Path) -> Result<PathBuf> {
    let name = library
        .file_name()
        .ok_or_else(|| anyhow!("'{}' is no library", library.display()))?;
    Ok(folder()?.join(key(context, library, program)?).join(name))
}

/// Makes what is not in the cache yet, with as many processes as there are CPUs, and says so: it takes a minute, and
/// what a linker says while cargo builds nobody sees. `tests`: for test harnesses too.
pub fn prepare(
    context: &Context,
    program: &Path,
    libraries: &Path,
    flags: &str,
    tests: bool,
    quiet: bool,
) -> Result<()> {
    let program = &program
        .canonicalize()
        .with_context(|| format!("cannot find '{}'", program.display()))?;
    let concerned = &concerned(context);
    let mut missing = Vec::new();
    let entries = fs::read_dir(libraries).with_context(|| {
        format!(
            "rustc's standard library is not in '{}'",
            libraries.display()
        )
    })?;
    for entry in entries {
        let library = entry?.path();
        let name = library.file_name().unwrap_or_default().to_string_lossy();
        let rare = RARE.iter().any(|start| name.starts_with(start));
        if library.extension().is_some_and(|e| e == "rlib")
            && (!rare || (tests && (name.starts_with(RARE[0]) || name.starts_with(RARE[1]))))
            && !place(concerned, &library, program)?.is_file()
        {
            let size = fs::metadata(&library).map_or(0, |metadata| metadata.len());
            missing.push((size, library));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    for (_, library) in &missing {
        carries_bitcode(library)?;
    }
    if !quiet {
        eprintln!("privbox: compiling the standard library for the box, once: about a minute");
    }
    // The largest last, where `pop` takes them.
    missing.sort();
    let queue = Mutex::new(missing);
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let work = || -> Result<()> {
            loop {
                let next = queue.lock().ok().and_then(|mut queue| queue.pop());
                let Some((_, library)) = next else {
                    return Ok(());
                };
                let output = Command::new(program)
                    .arg(MAKE)
                    .arg(&library)
                    .env(options::FLAGS, flags)
                    .output()
                    .with_context(|| format!("cannot run '{}'", program.display()))?;
                if !output.status.success() {
                    // The others need not go on.
                    if let Ok(mut queue) = queue.lock() {
                        queue.clear();
                    }
                    let text = String::from_utf8_lossy(&output.stderr);
                    let text = text.trim_end();
                    bail!(
                        "{}",
                        text.strip_prefix("privbox-rustc: error: ").unwrap_or(text)
                    );
                }
            }
        };
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            thread
                .join()
                .unwrap_or_else(|_| bail!("a thread panicked"))?;
        }
        Ok(())
    })
}

/// Makes a file of the cache, of those files, if it is not there; who comes meanwhile waits.
fn once(
    made: &Path,
    of: &[&Path],
    make: impl FnOnce() -> Result<(), Failure>,
) -> Result<(), Failure> {
    let entry = made
        .parent()
        .ok_or_else(|| anyhow!("'{}' has no folder", made.display()))?;
    if !old::is_due(entry) && made.is_file() {
        return Ok(());
    }
    let lock = match locked(entry) {
        // A cache that cannot be written: nobody removes anything from it.
        Err(_) if made.is_file() => return Ok(()),
        lock => lock.with_context(|| cannot_write(entry))?,
    };
    // Before the look: what is used is not removed.
    old::used(&lock);
    if made.is_file() {
        return Ok(());
    }
    make()?;
    old::made_of(entry, of).with_context(|| cannot_write(entry))?;
    if let Some(cache) = entry.parent() {
        old::sweep(cache);
    }
    Ok(())
}

/// The lock of an entry, which is made if it is not there, and made again if it is removed while we wait.
fn locked(entry: &Path) -> io::Result<File> {
    let path = entry.join(old::LOCK);
    loop {
        match fs::create_dir_all(entry) {
            // It was there, and is removed before it is seen to be a folder.
            Err(error)
                if error.kind() == io::ErrorKind::AlreadyExists
                    && fs::metadata(entry).map_or(true, |entry| entry.is_dir()) =>
            {
                continue;
            }
            made => made?,
        }
        let lock = match temporary::lock(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            lock => lock?,
        };
        let held = lock.metadata()?;
        if fs::metadata(&path).is_ok_and(|now| now.ino() == held.ino() && now.dev() == held.dev()) {
            return Ok(lock);
        }
    }
}

/// Without the bitcode of the central libraries nearly every call would leave the box: that is an error, not a slow program.
fn carries_bitcode(library: &Path) -> Result<()> {
    let name = library.file_name().unwrap_or_default().to_string_lossy();
    let central = CENTRAL.iter().any(|start| name.starts_with(start));
    if central && !archive::has_embedded_bitcode(library)? {
        bail!(
            "'{}' carries no bitcode, so nothing of the standard library can run in the box\n\
             note: this Rust was built with `embed-bitcode = false`; those of rustup have it: \
             `rustup toolchain install 1.95.0`, and `cargo +1.95.0 privbox ...`",
            library.display()
        );
    }
    Ok(())
}

fn convert(context: &Context, library: &Path, name: &OsStr, made: &Path) -> Result<(), Failure> {
    let crate_name = name.to_string_lossy();
    let crate_name = crate_name
        .trim_start_matches("lib")
        .split('-')
        .next()
        .unwrap_or_default()
        .to_owned();
    carries_bitcode(library)?;
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
    let own = env::current_exe().context("cannot find this program")?;
    let made = folder()?
        .join(key(context, &source, &own)?)
        .join("liballocator.a");
    once(&made, &[&source, &own], || {
        make_allocator(context, &source, &made)
    })?;
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

/// Everything that the result depends on: the library, the program that makes it, the options.
fn key(context: &Context, library: &Path, program: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    for file in [library, program] {
        let (size, time) =
            old::stamp(file).with_context(|| format!("cannot read '{}'", file.display()))?;
        hash.update(file.as_os_str().as_bytes());
        hash.update(size.to_le_bytes());
        hash.update(time.to_le_bytes());
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::time::{Duration, Instant, SystemTime};

    use super::*;

    /// Builds that make and use an entry while others remove it as old.
    #[test]
    fn an_entry_may_go_at_any_time() {
        let cache = tempfile::tempdir().unwrap();
        let made = cache.path().join("0123456789abcdef/libx.rlib");
        let entry = made.parent().unwrap();
        let (stop, times) = (AtomicBool::new(false), AtomicUsize::new(0));
        let (start, limit) = (Instant::now(), Duration::from_secs(60));
        thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    if let Ok(lock) = File::options().write(true).open(entry.join(old::LOCK)) {
                        let _ = lock.set_modified(SystemTime::UNIX_EPOCH);
                    }
                    let _ = fs::remove_file(cache.path().join("swept"));
                    old::sweep(cache.path());
                }
            });
            let makers: Vec<_> = (0..3)
                .map(|_| {
                    scope.spawn(|| {
                        while times.load(Ordering::Relaxed) < 100 && start.elapsed() < limit {
                            let make = || {
                                times.fetch_add(1, Ordering::Relaxed);
                                fs::write(&made, "x").context("cannot write")?;
                                Ok(())
                            };
                            once(&made, &[], make).unwrap();
                        }
                    })
                })
                .collect();
            let ends: Vec<_> = makers.into_iter().map(|maker| maker.join()).collect();
            stop.store(true, Ordering::Relaxed);
            ends.into_iter().for_each(|end| end.unwrap());
        });
        let times = times.into_inner();
        assert!(
            times > 2,
            "made {times} times: nothing was removed meanwhile"
        );
    }
}
