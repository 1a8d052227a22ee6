//! `privbox trust`: which images may run at CPL 0.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use privbox_verifier::image::Image;
use privbox_verifier::manifest::{Level, Strength};
use rustix::io::Errno;

use super::record::{self, Entries};
use super::verify::{self, Outcome, Verdict, Wanted, hex};
use crate::device::{self, DIGEST, Device};

/// The module is not there, or refuses.
pub const NO_MODULE: u8 = 3;

/// What to do.
#[derive(Debug)]
pub enum Action {
    /// Verify files and trust them.
    Add(Vec<PathBuf>),
    /// Show what is trusted.
    List,
    /// Trust a digest, or a file's, no more.
    Remove(Vec<String>),
    /// Make the module's set what the directory says.
    Reload,
}

/// Where digests are recorded; `None`: nowhere, the module forgets them when it is unloaded.
pub type Directory<'a> = Option<&'a Path>;

/// Does it and returns the exit code.
pub fn run(action: &Action, directory: Directory, output: &mut Vec<u8>) -> Result<u8> {
    match action {
        Action::Add(files) => add(files, directory, output),
        Action::List => list(directory, output),
        Action::Remove(names) => remove(names, directory, output),
        Action::Reload => reload(directory.context("--reload reads the directory")?, output),
    }
}

/// What a failed request means, and what to do.
fn explain(error: Errno) -> String {
    match error {
        Errno::PERM => {
            "the module does not let you: it takes CAP_SYS_MODULE outside of containers (sudo \
                        privbox trust ...), a kernel that is not locked down, and the sysctl \
                        kernel.modules_disabled must be 0"
                .to_owned()
        }
        // security_locked_down() answers EPERM; other security modules EACCES.
        Errno::ACCESS => "a security module does not let you".to_owned(),
        Errno::PROTO => {
            "module and tool are of different versions: install both from the same source"
                .to_owned()
        }
        Errno::TOOBIG => "the module's set is full (65536 digests)".to_owned(),
        error => io::Error::from(error).to_string(),
    }
}

/// Opens the device, or says why that cannot be.
fn open() -> Result<Device, String> {
    Device::open().map_err(|error| {
        let hint = match error.kind() {
            io::ErrorKind::NotFound => "the module is not loaded",
            io::ErrorKind::PermissionDenied => "permission denied",
            _ => return format!("cannot open {}: {error}", device::PATH),
        };
        format!(
            "{hint} ({}); `privbox doctor` says what to do",
            device::PATH
        )
    })
}

fn add(files: &[PathBuf], directory: Directory, output: &mut Vec<u8>) -> Result<u8> {
    let wanted = Wanted {
        level: None,
        strength: None,
    };
    let verdicts: Vec<Verdict> = files
        .iter()
        .map(|file| verify::verify(file, &wanted))
        .collect();
    let code = verdicts
        .iter()
        .map(Verdict::exit_code)
        .max()
        .unwrap_or(super::OK);
    if code != super::OK {
        // All or nothing: say what is wrong, and trust none.
        let bad: Vec<Verdict> = verdicts
            .into_iter()
            .filter(|verdict| verdict.exit_code() != super::OK)
            .collect();
        verify::print(&bad, output)?;
        eprintln!("privbox: nothing was trusted");
        return Ok(code);
    }
    let device = open();
    let mut code = super::OK;
    for verdict in &verdicts {
        let Outcome::Examined(examined) = &verdict.outcome else {
            continue;
        };
        let digest = examined.report.digest;
        let path = fs::canonicalize(&verdict.file).unwrap_or_else(|_| verdict.file.clone());
        if let Some(directory) = directory {
            record::write(directory, &digest, &path.display().to_string())?;
        }
        writeln!(output, "{} {}", hex(&digest), verdict.file.display())?;
        if examined.level != Level::Mask {
            eprintln!(
                "privbox: note: '{}' is of level {}: it runs only where the module allows that",
                verdict.file.display(),
                examined.level.name()
            );
        }
        if let Ok(device) = &device {
            if let Err(error) = device.trust(digest) {
                eprintln!(
                    "privbox: error: '{}': {}",
                    verdict.file.display(),
                    explain(error)
                );
                code = NO_MODULE;
            } else if examined.strength == Strength::Architectural && wants_transient(device) {
                eprintln!(
                    "privbox: note: '{}' is of strength architectural, and the module runs only images of strength \
                     transient here: build with -fprivbox-strength=transient",
                    verdict.file.display()
                );
            }
        }
    }
    if let Err(error) = device {
        let recorded = match directory {
            Some(_) => "recorded for when it is loaded: ",
            None => "error: ",
        };
        eprintln!("privbox: {recorded}{error}");
        code = NO_MODULE;
    }
    Ok(code)
}

fn wants_transient(device: &Device) -> bool {
    device
        .info()
        .is_ok_and(|info| info.flags & device::flags::TRANSIENT != 0)
}

fn read(directory: Directory) -> Result<Entries> {
    directory.map_or_else(|| Ok(Entries::new()), record::read)
}

fn list(directory: Directory, output: &mut Vec<u8>) -> Result<u8> {
    let recorded = read(directory)?;
    let loaded = match open().and_then(|device| device.list().map_err(explain)) {
        Ok(digests) => Some(digests),
        Err(error) => {
            eprintln!("privbox: only what is recorded: {error}");
            None
        }
    };
    for (digest, entries) in &recorded {
        let state = match &loaded {
            Some(loaded) if loaded.binary_search(digest).is_ok() => "trusted",
            Some(_) => "not loaded",
            None => "recorded",
        };
        for entry in entries {
            writeln!(output, "{} {state:<12} {}", hex(digest), entry.what)?;
        }
    }
    for digest in loaded.unwrap_or_default() {
        if !recorded.contains_key(&digest) {
            writeln!(
                output,
                "{} {:<12} (not recorded)",
                hex(&digest),
                "until reboot"
            )?;
        }
    }
    Ok(super::OK)
}

/// A digest by its digits, or that of a file. The file need not verify: it may be why it is to go.
fn digest_of(name: &str) -> Result<[u8; DIGEST]> {
    if let Some(digest) = record::parse(name) {
        return Ok(digest);
    }
    let path = Path::new(name);
    let bytes = fs::read(path).with_context(|| {
        format!("'{name}' is no digest (64 hexadecimal digits), and no file that can be read")
    })?;
    match Image::from_elf(&bytes) {
        Ok(image) => Ok(image.compute_digest()),
        Err(error) => bail!(verify::no_image(path, &error)),
    }
}

fn remove(names: &[String], directory: Directory, output: &mut Vec<u8>) -> Result<u8> {
    let digests = names
        .iter()
        .map(|name| digest_of(name))
        .collect::<Result<Vec<_>>>()?;
    let recorded = read(directory)?;
    for digest in &digests {
        let own = directory.map(|directory| record::own_file(directory, digest));
        let foreign = recorded
            .get(digest)
            .into_iter()
            .flatten()
            .find(|entry| Some(&entry.file) != own.as_ref());
        if let Some(entry) = foreign {
            bail!(
                "{} stands in {}:{}, which this program did not write: remove the line, then `privbox trust \
                 --reload`",
                hex(digest),
                entry.file.display(),
                entry.line
            );
        }
    }
    let device = open();
    let mut code = super::OK;
    for (digest, name) in digests.iter().zip(names) {
        let was_recorded = match directory {
            Some(directory) => record::remove(directory, digest)?,
            None => false,
        };
        let was_trusted = match device.as_ref().map(|device| device.untrust(*digest)) {
            Ok(Ok(())) => true,
            // No module: it trusts nothing.
            Ok(Err(Errno::NOENT)) | Err(_) => false,
            Ok(Err(error)) => {
                eprintln!("privbox: error: '{name}': {}", explain(error));
                code = code.max(NO_MODULE);
                continue;
            }
        };
        if was_recorded || was_trusted {
            writeln!(output, "{} removed", hex(digest))?;
        } else {
            eprintln!("privbox: error: '{name}' was not trusted");
            code = code.max(super::FINDINGS);
        }
    }
    Ok(code)
}

/// Who else can write there could make the kernel run anything.
fn check_owner(path: &Path) -> Result<()> {
    let metadata =
        fs::metadata(path).with_context(|| format!("cannot read '{}'", path.display()))?;
    let user = rustix::process::geteuid().as_raw();
    if metadata.uid() != user && metadata.uid() != 0 {
        bail!(
            "'{}' belongs to another user ({}), who could make the kernel run anything: chown it to root",
            path.display(),
            metadata.uid()
        );
    }
    if metadata.mode() & 0o022 != 0 {
        bail!(
            "'{}' can be written by others than its owner, who could make the kernel run anything: chmod go-w it",
            path.display()
        );
    }
    Ok(())
}

fn reload(directory: &Path, output: &mut Vec<u8>) -> Result<u8> {
    let recorded = record::read(directory)?;
    if directory.exists() {
        check_owner(directory)?;
    }
    for entry in recorded.values().flatten() {
        check_owner(&entry.file)?;
    }
    let device = match open() {
        Ok(device) => device,
        Err(error) => {
            eprintln!("privbox: error: {error}");
            return Ok(NO_MODULE);
        }
    };
    let change = || -> Result<(usize, usize), Errno> {
        let loaded = device.list()?;
        let (mut added, mut removed) = (0, 0);
        for digest in recorded.keys() {
            if loaded.binary_search(digest).is_err() {
                device.trust(*digest)?;
                added += 1;
            }
        }
        for digest in loaded {
            if !recorded.contains_key(&digest) {
                match device.untrust(digest) {
                    Ok(()) => removed += 1,
                    // Somebody was faster.
                    Err(Errno::NOENT) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok((added, removed))
    };
    match change() {
        Ok((added, removed)) => {
            writeln!(
                output,
                "{} trusted: {added} new, {removed} removed",
                recorded.len()
            )?;
            Ok(super::OK)
        }
        Err(error) => {
            eprintln!("privbox: error: {}", explain(error));
            Ok(NO_MODULE)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn names_of_images() {
        let digits = "ab".repeat(DIGEST);
        assert_eq!(digest_of(&digits).unwrap(), [0xab; DIGEST]);
        let error = format!("{:#}", digest_of("/nowhere").unwrap_err());
        assert!(error.contains("'/nowhere' is no digest"), "{error}");
        let error = digest_of("/bin/true").unwrap_err().to_string();
        assert!(error.contains("no box"), "{error}");
    }

    #[test]
    fn writable_directories_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mode = |mode| fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode));
        mode(0o755).unwrap();
        check_owner(folder.path()).unwrap();
        for bad in [0o775, 0o757] {
            mode(bad).unwrap();
            let error = check_owner(folder.path()).unwrap_err().to_string();
            assert!(error.contains("chmod go-w"), "{error}");
        }
    }

    #[test]
    fn lines_of_others_are_not_removed() {
        let folder = tempfile::tempdir().unwrap();
        let digits = "cd".repeat(DIGEST);
        let file = folder.path().join("package.digests");
        fs::write(&file, format!("{digits} /usr/bin/x\n")).unwrap();
        let error = remove(&[digits], Some(folder.path()), &mut Vec::new())
            .unwrap_err()
            .to_string();
        assert!(error.contains("package.digests:1"), "{error}");
        assert!(file.exists());
    }
}
