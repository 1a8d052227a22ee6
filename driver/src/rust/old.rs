//! What the cache of the standard library need not keep.
//!
//! An entry is a folder: libraries, the file `lock`, whose time says when the entry was used last, and the file
//! `made-of`, which names the library and the program that it was made of. Entries go when nobody has used them for a
//! month, or for a day if what they are made of is there no more, in that state. Whoever is about to use an entry says so first,
//! under its lock ([`used`]), unless that was said within the hour; a link takes no day, so nothing goes that is in use.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// In an entry: held by who makes it or removes it.
pub const LOCK: &str = "lock";
/// In an entry: what it was made of.
const MADE_OF: &str = "made-of";
/// In the cache: when it was looked through last.
const SWEPT: &str = "swept";

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
/// How long an entry is kept that nobody uses.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// Must who uses this entry say so, under its lock?
pub fn is_due(entry: &Path) -> bool {
    age(&entry.join(LOCK), SystemTime::now()).is_none_or(|age| age > HOUR)
}

/// Says that an entry is used.
pub fn used(lock: &File) {
    // At worst it is made again one day.
    let _ = lock.set_modified(SystemTime::now());
}

/// Writes down what an entry is made of.
pub fn made_of(entry: &Path, files: &[&Path]) -> io::Result<()> {
    let mut text = Vec::new();
    for file in files {
        writeln!(text, "{} {}", state(file), file.display())?;
    }
    crate::temporary::write_atomically(&entry.join(MADE_OF), &text)
}

/// Looks through the cache, at most once a day. Nothing that goes wrong here is worth an error: the cache is only larger.
pub fn sweep(cache: &Path) {
    let now = SystemTime::now();
    let mark = cache.join(SWEPT);
    if age(&mark, now).is_some_and(|age| age < DAY) || fs::write(&mark, "").is_err() {
        return;
    }
    for entry in entries(cache) {
        if is_old(&entry, now) {
            let _ = remove(&entry, now);
        }
    }
}

/// Folders of the cache that are entries by their names: the user's folder may hold something else.
fn entries(cache: &Path) -> Vec<PathBuf> {
    let is_key = |name: &str| {
        name.len() == 16
            && name
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let folders = fs::read_dir(cache)
        .into_iter()
        .flatten()
        .filter_map(Result::ok);
    folders
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter(|entry| entry.file_name().to_str().is_some_and(is_key))
        .map(|entry| entry.path())
        .collect()
}

fn is_old(entry: &Path, now: SystemTime) -> bool {
    let Some(unused) = age(&entry.join(LOCK), now) else {
        return false;
    };
    unused > KEPT || (unused > DAY && !is_current(entry))
}

/// Is what the entry was made of still there as it was? Not known: yes.
fn is_current(entry: &Path) -> bool {
    let Ok(text) = fs::read_to_string(entry.join(MADE_OF)) else {
        return true;
    };
    text.lines().all(|line| {
        line.split_once(' ')
            .is_none_or(|(then, file)| state(Path::new(file)) == then)
    })
}

/// Size and time, in nanoseconds since 1970, of a file: another one in its place has others.
pub fn stamp(file: &Path) -> io::Result<(u64, u128)> {
    let metadata = fs::metadata(file)?;
    let time = metadata.modified().ok();
    let time = time.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    Ok((metadata.len(), time.unwrap_or_default().as_nanos()))
}

/// The same as a word.
fn state(file: &Path) -> String {
    stamp(file).map_or("none".to_owned(), |(size, time)| format!("{size}:{time}"))
}

/// Removes the files of an entry that are known to be its, and the folder if that was all. Under the entry's lock: who
/// waits for that to make the library sees that the folder has gone ([`super::sysroot`]).
fn remove(entry: &Path, now: SystemTime) -> io::Result<()> {
    let lock = File::options().write(true).open(entry.join(LOCK))?;
    // In use after all, or being removed by another.
    if lock.try_lock().is_err() || !is_old(entry, now) {
        return Ok(());
    }
    for file in fs::read_dir(entry)? {
        let file = file?;
        let name = file.file_name();
        let name = name.to_string_lossy();
        let library = name.trim_start_matches('.').starts_with("lib");
        if library || name == MADE_OF || name.starts_with(".tmp") {
            fs::remove_file(file.path())?;
        }
    }
    // The lock last: without it no entry is old, and a folder with something else in it stays.
    fs::remove_file(entry.join(LOCK))?;
    fs::remove_dir(entry)
}

/// How long ago a file was written. In the future: just now.
fn age(file: &Path, now: SystemTime) -> Option<Duration> {
    let modified = fs::metadata(file).ok()?.modified().ok()?;
    Some(now.duration_since(modified).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Cache(tempfile::TempDir);

    impl Cache {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn path(&self) -> &Path {
            self.0.path()
        }

        /// An entry made of a file, used so many days ago.
        fn entry(&self, name: &str, days: u32) -> PathBuf {
            let entry = self.path().join(name);
            fs::create_dir_all(&entry).unwrap();
            fs::write(entry.join("libcore-1.rlib"), "library").unwrap();
            fs::write(entry.join(".libcore-1.rlib.pb77"), "half a library").unwrap();
            let source = self.path().join("source");
            fs::write(&source, "x").unwrap();
            File::options()
                .write(true)
                .open(&source)
                .unwrap()
                .set_modified(SystemTime::UNIX_EPOCH)
                .unwrap();
            made_of(&entry, &[&source]).unwrap();
            let lock = File::create(entry.join(LOCK)).unwrap();
            lock.set_modified(SystemTime::now() - DAY * days).unwrap();
            entry
        }

        fn again(&self) {
            let _ = fs::remove_file(self.path().join(SWEPT));
            sweep(self.path());
        }
    }

    #[test]
    fn what_nobody_uses_goes() {
        let cache = Cache::new();
        let old = cache.entry("00000000000000aa", 31);
        let kept = cache.entry("00000000000000bb", 29);
        let used = cache.entry("00000000000000cc", 31);
        assert!(is_due(&old) && is_due(&used));
        super::used(&File::options().write(true).open(used.join(LOCK)).unwrap());
        assert!(!is_due(&used));
        cache.again();
        assert_eq!(
            (old.exists(), kept.exists(), used.exists()),
            (false, true, true)
        );
    }

    #[test]
    fn what_nobody_can_use_goes_after_a_day() {
        let cache = Cache::new();
        let old = cache.entry("00000000000000aa", 2);
        let recent = cache.entry("00000000000000bb", 0);
        cache.again();
        assert!(old.exists() && recent.exists());
        // Another compiler in its place.
        fs::write(cache.path().join("source"), "yy").unwrap();
        cache.again();
        assert_eq!((old.exists(), recent.exists()), (false, true));
        let old = cache.entry("00000000000000aa", 2);
        fs::remove_file(cache.path().join("source")).unwrap();
        cache.again();
        assert!(!old.exists());
    }

    #[test]
    fn nothing_else_is_touched() {
        let cache = Cache::new();
        let foreign = cache.entry("not-an-entry", 99);
        let mixed = cache.entry("00000000000000aa", 99);
        fs::write(mixed.join("thesis.tex"), "").unwrap();
        let bare = cache.path().join("00000000000000bb");
        fs::create_dir(&bare).unwrap();
        fs::write(bare.join("libmine"), "").unwrap();
        cache.again();
        assert!(foreign.join("libcore-1.rlib").exists() && mixed.join("thesis.tex").exists());
        assert!(bare.join("libmine").exists());
    }

    #[test]
    fn once_a_day_and_not_what_is_held() {
        let cache = Cache::new();
        let held = cache.entry("00000000000000aa", 99);
        let lock = File::open(held.join(LOCK)).unwrap();
        lock.lock().unwrap();
        cache.again();
        assert!(held.join("libcore-1.rlib").exists());
        drop(lock);
        sweep(cache.path());
        assert!(held.exists(), "it was looked through today");
        cache.again();
        assert!(!held.exists());
    }
}
