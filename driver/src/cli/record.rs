//! The directory of trusted digests, from which the module's set is filled at boot.
//!
//! Every file `*.digests` counts: a digest in hexadecimal at the beginning of each line, then what it is the digest of; `#`
//! begins a comment. `privbox trust FILE` writes one file per digest; packages may bring files of their own.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::verify::hex;
use crate::device::DIGEST;
use crate::temporary;

/// Where it is.
pub const DIRECTORY: &str = "/etc/privbox/trusted.d";

const EXTENSION: &str = "digests";

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What is behind the digest: usually a path.
    pub what: String,
    /// Where it stands.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
}

/// All that is recorded.
pub type Entries = BTreeMap<[u8; DIGEST], Vec<Entry>>;

/// A digest from its 64 hexadecimal digits.
pub fn parse(text: &str) -> Option<[u8; DIGEST]> {
    let bytes = text.as_bytes();
    if bytes.len() != 2 * DIGEST || !bytes.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut digest = [0; DIGEST];
    for (byte, pair) in digest.iter_mut().zip(bytes.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(digest)
}

/// Reads the directory; one that does not exist is empty.
pub fn read(directory: &Path) -> Result<Entries> {
    let mut entries = Entries::new();
    let files = match fs::read_dir(directory) {
        Ok(files) => files,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(entries),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read '{}'", directory.display()));
        }
    };
    let mut paths = Vec::new();
    for file in files {
        let path = file
            .with_context(|| format!("cannot read '{}'", directory.display()))?
            .path();
        if path.extension().is_some_and(|it| it == EXTENSION) {
            paths.push(path);
        }
    }
    paths.sort();
    for path in paths {
        let text = fs::read_to_string(&path)
            .with_context(|| format!("cannot read '{}'", path.display()))?;
        add(&text, &path, &mut entries)?;
    }
    Ok(entries)
}

/// Adds the lines of one file. One bad line spoils all: what it was meant to say is not known.
fn add(text: &str, path: &Path, entries: &mut Entries) -> Result<()> {
    for (index, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let (word, what) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let Some(digest) = parse(word) else {
            bail!(
                "{}:{}: '{word}' is no digest: 64 hexadecimal digits begin a line, as `privbox verify` \
                 prints them",
                path.display(),
                index + 1
            );
        };
        entries.entry(digest).or_default().push(Entry {
            what: what.trim().to_owned(),
            file: path.to_path_buf(),
            line: index + 1,
        });
    }
    Ok(())
}

/// The file that this program writes for a digest.
pub fn own_file(directory: &Path, digest: &[u8; DIGEST]) -> PathBuf {
    directory.join(format!("{}.{EXTENSION}", hex(digest)))
}

/// Records a digest; the directory is made if need be.
pub fn write(directory: &Path, digest: &[u8; DIGEST], what: &str) -> Result<()> {
    fs::create_dir_all(directory)
        .with_context(|| format!("cannot make '{}'", directory.display()))?;
    let path = own_file(directory, digest);
    // A path may hold anything, a newline too: one line, and no comment in it.
    let what: String = what
        .chars()
        .map(|c| if c.is_control() || c == '#' { '?' } else { c })
        .collect();
    let line = format!("{} {what}\n", hex(digest));
    temporary::write_atomically(&path, line.as_bytes())
        .with_context(|| format!("cannot write '{}'", path.display()))
}

/// Removes what [`write`] wrote. False: there is nothing of that name.
pub fn remove(directory: &Path, digest: &[u8; DIGEST]) -> Result<bool> {
    let path = own_file(directory, digest);
    match fs::remove_file(&path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).with_context(|| format!("cannot remove '{}'", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: [u8; DIGEST] = [0x1f; DIGEST];

    #[test]
    fn digests_are_64_digits() {
        assert_eq!(parse(&hex(&ONE)), Some(ONE));
        assert_eq!(parse(&hex(&ONE).to_uppercase()), Some(ONE));
        for bad in [
            "",
            "1f",
            &"+f".repeat(32),
            &"g1".repeat(32),
            &"1f".repeat(33),
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("a/b");
        assert!(read(&directory).unwrap().is_empty());
        write(&directory, &ONE, "/bin/a # b\nc").unwrap();
        write(&directory, &ONE, "/bin/a # b\nc").unwrap();
        fs::write(directory.join("README"), "not one of ours").unwrap();
        let entries = read(&directory).unwrap();
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[&ONE].len(), 1);
        assert_eq!(entries[&ONE][0].what, "/bin/a ? b?c");
        assert!(remove(&directory, &ONE).unwrap());
        assert!(!remove(&directory, &ONE).unwrap());
        assert!(read(&directory).unwrap().is_empty());
    }

    #[test]
    fn files_of_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("package.digests");
        let two = "20".repeat(32);
        let text = format!(
            "# two programs\n\n{}\n  {two}\t/usr/bin/b c  # x\n",
            hex(&ONE)
        );
        fs::write(&path, &text).unwrap();
        let entries = read(folder.path()).unwrap();
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[&[0x20; DIGEST]][0].what, "/usr/bin/b c");
        assert_eq!(entries[&[0x20; DIGEST]][0].line, 4);
        fs::write(&path, format!("{text}123 x\n")).unwrap();
        let error = read(folder.path()).unwrap_err().to_string();
        assert!(
            error.contains("package.digests:5: '123' is no digest"),
            "{error}"
        );
    }
}
