//! Temporary files that do not outlive the command, however it ends.
//!
//! Everything temporary of one command is in one [`Scratch`] folder, except the file that will
//! replace an output: that one is beside the output, because a rename must not cross file systems.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// Paths to remove when a signal ends the command.
fn registry() -> &'static Mutex<BTreeSet<PathBuf>> {
    static PATHS: OnceLock<Mutex<BTreeSet<PathBuf>>> = OnceLock::new();
    PATHS.get_or_init(Mutex::default)
}

fn register(path: &Path) {
    registry()
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(path.to_path_buf());
}

fn unregister(path: &Path) {
    registry()
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .remove(path);
}

fn remove(path: &Path) {
    // Best effort: the file may never have been made.
    let _ = if path.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
}

/// Removes temporary files when SIGINT, SIGTERM or SIGHUP arrives, then dies of that signal, so
/// that `make` sees what it would see of clang.
pub fn clean_up_on_signals() -> io::Result<()> {
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            // The lock is kept: nothing may be renamed into place from here on.
            let paths = registry().lock().unwrap_or_else(PoisonError::into_inner);
            paths.iter().for_each(|path| remove(path));
            let _ = signal_hook::low_level::emulate_default_handler(signal);
        }
    });
    Ok(())
}

/// A private folder for intermediate files, removed when dropped.
#[derive(Debug)]
pub struct Scratch {
    folder: tempfile::TempDir,
}

impl Scratch {
    /// Makes the folder under `TMPDIR`.
    pub fn new() -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("privbox-").tempdir()?;
        register(folder.path());
        Ok(Self { folder })
    }

    /// The path of a file in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        unregister(self.folder.path());
    }
}

/// An output that appears whole or not at all.
#[derive(Debug)]
pub struct AtomicOutput {
    target: PathBuf,
    temporary: Option<PathBuf>,
    /// Not replaceable by a rename: a device, a pipe, or `-` for standard output.
    special: bool,
}

impl AtomicOutput {
    /// Prepares to write `target`. The scratch folder serves outputs that are no regular files,
    /// such as `-o /dev/null` of configure scripts.
    pub fn new(target: &Path, scratch: &Scratch) -> io::Result<Self> {
        let special = target.as_os_str() == "-"
            || fs::metadata(target).is_ok_and(|metadata| !metadata.is_file());
        let temporary = if special {
            scratch.path("output")
        } else {
            // A symlink stays one: what it points to is replaced.
            let real = fs::canonicalize(target).unwrap_or_else(|_| target.to_path_buf());
            let folder = match real.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
                _ => PathBuf::from("."),
            };
            let mut name = b".".to_vec();
            name.extend_from_slice(target.file_name().unwrap_or_default().as_bytes());
            // File names are limited to 255 bytes.
            name.truncate(200);
            name.extend_from_slice(format!(".pb{}", std::process::id()).as_bytes());
            let path = folder.join(std::ffi::OsStr::from_bytes(&name));
            register(&path);
            // Made here to find an unwritable folder before the work, with the mode of a compiler's
            // output (0666 less umask), which `tempfile` would not give.
            OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o666)
                .open(&path)
                .inspect_err(|_| unregister(&path))?;
            path
        };
        Ok(Self {
            target: target.to_path_buf(),
            temporary: Some(temporary),
            special,
        })
    }

    /// Where to write.
    pub fn path(&self) -> &Path {
        self.temporary.as_deref().unwrap_or(&self.target)
    }

    /// Puts the file in place.
    pub fn commit(mut self) -> io::Result<()> {
        let Some(temporary) = self.temporary.take() else {
            return Ok(());
        };
        if self.special {
            let bytes = fs::read(&temporary)?;
            return if self.target.as_os_str() == "-" {
                io::stdout().write_all(&bytes)
            } else {
                OpenOptions::new()
                    .write(true)
                    .open(&self.target)?
                    .write_all(&bytes)
            };
        }
        let real = fs::canonicalize(&self.target).unwrap_or_else(|_| self.target.clone());
        // Under the lock: a signal that is being handled must not see a rename half done.
        let mut paths = registry().lock().unwrap_or_else(PoisonError::into_inner);
        fs::rename(&temporary, real)?;
        paths.remove(&temporary);
        Ok(())
    }

    /// Gives up: removes the temporary file and, as clang does, an older output, so that a failed
    /// build leaves nothing stale.
    pub fn discard(self) {
        if !self.special {
            let _ = fs::remove_file(&self.target);
        }
    }
}

impl Drop for AtomicOutput {
    fn drop(&mut self) {
        if let Some(temporary) = self.temporary.take() {
            remove(&temporary);
            unregister(&temporary);
        }
    }
}

/// Writes a whole file at once, in place of an older one.
pub fn write_atomically(target: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = target
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file()
        .set_permissions(fs::Permissions::from_mode(0o644))?;
    file.persist(target)?;
    Ok(())
}

/// Takes an exclusive lock on a file, made if missing; freed when dropped.
pub fn lock(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    file.lock()?;
    Ok(file)
}
