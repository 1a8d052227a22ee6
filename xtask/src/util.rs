//! Paths of the project, running programs, errors with an exit code.

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail};

/// An error with an exit code of its own; every other error exits with 1.
#[derive(Debug)]
pub enum Failure {
    /// Packages are missing and could not or may not be installed; the text says which and how.
    Packages(String),
    /// A folder that must be written cannot be.
    Unwritable(PathBuf, io::Error),
}

impl Failure {
    /// The exit code (see `cargo xtask --help`).
    pub fn code(&self) -> u8 {
        match self {
            Self::Packages(_) => 3,
            Self::Unwritable(..) => 4,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Packages(text) => f.write_str(text),
            Self::Unwritable(path, error) => {
                write!(f, "cannot write to {}: {error}", path.display())
            }
        }
    }
}

impl std::error::Error for Failure {}

/// Where the project's files are.
#[derive(Debug, Clone)]
pub struct Project {
    /// The top of the source tree.
    pub root: PathBuf,
    /// Cargo's target folder (`target`, or where the configuration puts it).
    pub target: PathBuf,
}

impl Project {
    /// Asks cargo, which knows every way in which the target folder can be moved.
    pub fn find() -> Result<Self> {
        // Set by `cargo run`; the fallback is for running the built program by hand.
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest
            .parent()
            .context("xtask has no parent folder")?
            .to_path_buf();
        let mut command = cargo();
        command
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .current_dir(&root);
        let metadata: serde_json::Value = serde_json::from_slice(&capture(&mut command)?.stdout)?;
        let target = metadata["target_directory"]
            .as_str()
            .context("cargo metadata names no target_directory")?;
        Ok(Self {
            target: PathBuf::from(target),
            root,
        })
    }

    /// Where the built programs are.
    pub fn release(&self) -> PathBuf {
        self.target.join("release")
    }

    /// A built program, `privbox-cc` for one.
    pub fn tool(&self, name: &str) -> PathBuf {
        self.release().join(name)
    }

    /// A scratch folder under the target folder, made if needed.
    pub fn scratch(&self, name: &str) -> Result<PathBuf> {
        let folder = self.target.join(name);
        make_folder(&folder)?;
        Ok(folder)
    }
}

/// The cargo that runs us.
pub fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Makes a folder and its parents; [`Failure::Unwritable`] if it cannot.
pub fn make_folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)
        .map_err(|error| Failure::Unwritable(folder.to_path_buf(), error).into())
}

/// Copies a file; an error of the destination is [`Failure::Unwritable`].
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    if !from.is_file() {
        bail!("{} is not a file", from.display());
    }
    // A running program cannot be overwritten, but its name can be given to another file.
    let _ = fs::remove_file(to);
    fs::copy(from, to).map_err(|error| Failure::Unwritable(to.to_path_buf(), error))?;
    Ok(())
}

/// A command as a person would type it, for messages.
pub fn show(command: &Command) -> String {
    let quote = |word: &OsStr| {
        let word = word.to_string_lossy();
        if word.contains([' ', '*', '\'', '"', '$']) {
            format!("'{word}'")
        } else {
            word.into_owned()
        }
    };
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(quote)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Runs a command with our own standard streams; failing is an error.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot run {}", show(command)))?;
    if !status.success() {
        bail!("{status}: {}", show(command));
    }
    Ok(())
}

/// Runs a command and waits for it, but no longer than `limit`: then it and all that it started are killed, and
/// the result is `None`.
pub fn within(command: &mut Command, limit: Duration) -> Result<Option<ExitStatus>> {
    let start = Instant::now();
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot run {}", show(command)))?;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if start.elapsed() > limit {
            let mut kill = Command::new("kill");
            kill.arg("-KILL")
                .args(family(child.id()).iter().map(u32::to_string));
            let _ = kill.stderr(Stdio::null()).status();
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// A process and its descendants, whatever process groups they made for themselves.
fn family(first: u32) -> Vec<u32> {
    // "pid (name) state parent ..."; the name may hold anything.
    let parent = |pid: u32| -> Option<u32> {
        let status = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (_, rest) = status.rsplit_once(") ")?;
        rest.split(' ').nth(1)?.parse().ok()
    };
    let all: Vec<(u32, u32)> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, parent(pid)?)))
        .collect();
    let mut found = vec![first];
    let mut next = 0;
    while let Some(&pid) = found.get(next) {
        found.extend(all.iter().filter(|(_, of)| *of == pid).map(|(it, _)| it));
        next += 1;
    }
    found
}

/// Runs a command and keeps what it prints; failing is an error that holds the end of its messages.
pub fn capture(command: &mut Command) -> Result<Output> {
    let output = command
        .output()
        .with_context(|| format!("cannot run {}", show(command)))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        bail!("{}: {}\n{}", output.status, show(command), tail(&text, 30));
    }
    Ok(output)
}

/// The last lines of a text.
pub fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    let mut result = all[all.len().saturating_sub(lines)..].join("\n");
    if all.len() > lines {
        result.insert_str(0, &format!("... ({} lines before)\n", all.len() - lines));
    }
    result
}

/// When a file last changed; `None` if it does not exist.
fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|data| data.modified()).ok()
}

/// Whether `output` exists, is newer than all `inputs`, and was made by the same `recipe` (a command line,
/// kept in a file beside it).
pub fn up_to_date(output: &Path, inputs: &[PathBuf], recipe: &str) -> bool {
    let Some(made) = modified(output) else {
        return false;
    };
    inputs
        .iter()
        .all(|input| modified(input).is_some_and(|changed| changed <= made))
        && fs::read_to_string(recipe_file(output)).is_ok_and(|kept| kept == recipe)
}

/// Notes how `output` was made, for [`up_to_date`].
pub fn note_recipe(output: &Path, recipe: &str) -> Result<()> {
    let file = recipe_file(output);
    fs::write(&file, recipe).map_err(|error| Failure::Unwritable(file, error).into())
}

fn recipe_file(output: &Path) -> PathBuf {
    let mut name = output.as_os_str().to_owned();
    name.push(".recipe");
    PathBuf::from(name)
}

/// All files below a folder with one of the given extensions, sorted; an absent folder has none.
pub fn files_below(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|e| extensions.iter().any(|wanted| e == *wanted))
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Runs `work` and returns its result and how long it took.
pub fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<(T, Duration)> {
    let start = Instant::now();
    let result = work()?;
    Ok((result, start.elapsed()))
}

/// A duration for people: `0.8 s`, `2 min 05 s`.
pub fn seconds(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 100.0 {
        format!("{seconds:.1} s")
    } else {
        format!(
            "{} min {:02} s",
            duration.as_secs() / 60,
            duration.as_secs() % 60
        )
    }
}

/// `1234567` as `1,234,567`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut result = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            result.push(',');
        }
        result.push(digit);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_000), "1,000");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(seconds(Duration::from_millis(840)), "0.8 s");
        assert_eq!(seconds(Duration::from_secs(125)), "2 min 05 s");
    }

    #[test]
    fn commands_end_in_time() {
        let start = Instant::now();
        let mut hang = Command::new("sh");
        hang.args(["-c", "sleep 60 & sleep 60; true"]);
        let ended = within(&mut hang, Duration::from_millis(200)).unwrap();
        assert!(ended.is_none() && start.elapsed() < Duration::from_secs(30));
        let ended = within(&mut Command::new("true"), Duration::from_secs(30)).unwrap();
        assert!(ended.is_some_and(|status| status.success()));
    }

    #[test]
    fn the_end_of_a_text() {
        assert_eq!(tail("a\nb\nc", 2), "... (1 lines before)\nb\nc");
        assert_eq!(tail("a\nb", 2), "a\nb");
    }
}
