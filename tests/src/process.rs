//! Running a command under a time limit, with its output in files: no pipe that a forked child
//! could hold open.

use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With this exit code.
    Code(i32),
    /// Killed by this signal.
    Signal(i32),
    /// Killed by us: it ran longer than allowed.
    TimedOut,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
            Self::TimedOut => write!(f, "time limit exceeded"),
        }
    }
}

/// What a command left behind.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How it ended.
    pub end: End,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error, for messages.
    pub stderr: String,
    /// Wall-clock time.
    pub time: Duration,
}

impl Outcome {
    /// Whether it exited with 0.
    pub fn ok(&self) -> bool {
        self.end == End::Code(0)
    }
}

/// A command under construction.
#[derive(Clone, Debug)]
pub struct Run {
    words: Vec<std::ffi::OsString>,
    env: Vec<(String, String)>,
    removed: Vec<&'static str>,
    folder: PathBuf,
    limit: Duration,
    stdin: Option<PathBuf>,
}

impl Run {
    /// `program`, to be run in `folder`.
    pub fn new(program: impl AsRef<OsStr>, folder: &Path) -> Self {
        Self {
            words: vec![program.as_ref().into()],
            env: Vec::new(),
            removed: vec!["PRIVBOX", "PRIVBOX_STATS"],
            folder: folder.to_path_buf(),
            limit: Duration::from_secs(20),
            stdin: None,
        }
    }

    /// One more argument.
    #[must_use]
    pub fn arg(mut self, word: impl AsRef<OsStr>) -> Self {
        self.words.push(word.as_ref().into());
        self
    }

    /// More arguments.
    #[must_use]
    pub fn args<W: AsRef<OsStr>>(mut self, words: impl IntoIterator<Item = W>) -> Self {
        self.words
            .extend(words.into_iter().map(|word| word.as_ref().into()));
        self
    }

    /// One environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Variables of ours that it does not get, unless they are set for it.
    #[must_use]
    pub fn without(mut self, names: impl IntoIterator<Item = &'static str>) -> Self {
        self.removed.extend(names);
        self
    }

    /// The time after which it is killed.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Standard input from a file.
    #[must_use]
    pub fn stdin(mut self, file: &Path) -> Self {
        self.stdin = Some(file.to_path_buf());
        self
    }

    /// The command as one would type it.
    pub fn line(&self) -> String {
        let mut line = String::new();
        for (name, value) in &self.env {
            line.push_str(&format!("{name}={value} "));
        }
        let words: Vec<_> = self
            .words
            .iter()
            .map(|word| word.to_string_lossy())
            .collect();
        line.push_str(&words.join(" "));
        line
    }

    /// Runs it.
    ///
    /// # Errors
    /// When it cannot be started or its output cannot be read; never because of how it ended.
    pub fn run(&self) -> Result<Outcome> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let out = self.folder.join(format!(".out{number}"));
        let err = self.folder.join(format!(".err{number}"));
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]).current_dir(&self.folder);
        for name in &self.removed {
            command.env_remove(name);
        }
        command
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdout(File::create(&out).context("cannot write to the scratch folder")?)
            .stderr(File::create(&err).context("cannot write to the scratch folder")?)
            // A group of its own, so that the time limit reaches forked children too.
            .process_group(0);
        match &self.stdin {
            Some(file) => {
                command.stdin(File::open(file).with_context(|| file.display().to_string())?)
            }
            None => command.stdin(Stdio::null()),
        };
        let start = Instant::now();
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {}", self.line()))?;
        let mut pause = Duration::from_micros(500);
        let end = loop {
            if let Some(status) = child.try_wait()? {
                break match (status.code(), status.signal()) {
                    (Some(code), _) => End::Code(code),
                    (None, Some(signal)) => End::Signal(signal),
                    (None, None) => End::Code(-1),
                };
            }
            if start.elapsed() > self.limit {
                let _ = Command::new("kill")
                    .arg("-KILL")
                    .arg("--")
                    .arg(format!("-{}", child.id()))
                    .status();
                let _ = child.wait();
                break End::TimedOut;
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(10));
        };
        let time = start.elapsed();
        let mut stdout = Vec::new();
        File::open(&out)?.take(16 << 20).read_to_end(&mut stdout)?;
        let mut text = Vec::new();
        File::open(&err)?.take(1 << 20).read_to_end(&mut text)?;
        let _ = std::fs::remove_file(out);
        let _ = std::fs::remove_file(err);
        Ok(Outcome {
            end,
            stdout,
            stderr: String::from_utf8_lossy(&text).into_owned(),
            time,
        })
    }
}
