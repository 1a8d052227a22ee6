//! The directives at the head of a test program.
//!
//! ```text
//! // privbox: -fprivbox-fn=main      options for privbox-cc only (default: this one)
//! // flags: -lm -pthread             options for both compilers
//! // levels: -O0 -O2                 instead of -O0 -O1 -O2 -O3 -Os and -O1 -g
//! // with: part.c                    one more file, compiled by both
//! // with-plain: foreign.c           one more file, always compiled by plain clang
//! // link: static static-pie no-pie bfd   further link modes, each at -O2
//! // exit: 3                         expected exit code (default 0)
//! // signal: 6                       expected signal instead
//! // args: one two                   arguments of the program
//! // only-cpu: v3                    skip on CPUs without -march=x86-64-v3
//! // no: strict stats levels-of-help kernel   leave these parts out
//! ```
//! The first line says what the program is about; a directive may be repeated.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::process::End;

/// What the head of a test program asks for.
#[derive(Clone, Debug)]
pub struct Case {
    /// File stem: the test's name.
    pub name: String,
    /// The program.
    pub source: PathBuf,
    /// More files, compiled by the compiler under test.
    pub with: Vec<PathBuf>,
    /// More files, always compiled by plain clang.
    pub with_plain: Vec<PathBuf>,
    /// Options of privbox-cc.
    pub privbox: Vec<String>,
    /// Options of both.
    pub flags: Vec<String>,
    /// Optimisation levels; one word may hold several options joined by a comma.
    pub levels: Vec<String>,
    /// Link modes besides the default.
    pub links: Vec<String>,
    /// How the program must end.
    pub end: End,
    /// Its arguments.
    pub args: Vec<String>,
    /// CPU requirement.
    pub only_cpu: Option<String>,
    /// Parts left out.
    pub no: Vec<String>,
}

/// Every optimisation level, and debug information once.
pub const LEVELS: [&str; 6] = ["-O0", "-O1", "-O2", "-O3", "-Os", "-O1,-g"];

impl Case {
    /// Reads the head of `source`.
    ///
    /// # Errors
    /// Names the file and the line of a directive that is not known or not complete.
    pub fn read(source: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(source)
            .with_context(|| format!("cannot read {}", source.display()))?;
        let folder = source.parent().unwrap_or(Path::new("."));
        let name = source
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
            .unwrap_or_default();
        let mut case = Self {
            name,
            source: source.to_path_buf(),
            with: Vec::new(),
            with_plain: Vec::new(),
            privbox: Vec::new(),
            flags: Vec::new(),
            levels: Vec::new(),
            links: Vec::new(),
            end: End::Code(0),
            args: Vec::new(),
            only_cpu: None,
            no: Vec::new(),
        };
        for (number, line) in text.lines().enumerate().skip(1) {
            let Some(comment) = line.strip_prefix("//") else {
                break;
            };
            let Some((key, value)) = comment.trim().split_once(": ") else {
                continue;
            };
            let words = || value.split_whitespace().map(str::to_owned);
            let integer = || {
                value.trim().parse().with_context(|| {
                    format!("{}:{}: not a number: {value}", source.display(), number + 1)
                })
            };
            match key {
                "privbox" => case.privbox.extend(words()),
                "flags" => case.flags.extend(words()),
                "levels" => case.levels.extend(words()),
                "with" => case.with.extend(words().map(|file| folder.join(file))),
                "with-plain" => case
                    .with_plain
                    .extend(words().map(|file| folder.join(file))),
                "link" => case.links.extend(words()),
                "exit" => case.end = End::Code(integer()?),
                "signal" => case.end = End::Signal(integer()?),
                "args" => case.args.extend(words()),
                "only-cpu" => case.only_cpu = Some(value.trim().into()),
                "no" => case.no.extend(words()),
                _ if key.contains(' ') => {} // free text with a colon
                _ => bail!(
                    "{}:{}: unknown directive `{key}`",
                    source.display(),
                    number + 1
                ),
            }
        }
        if case.privbox.is_empty() {
            case.privbox.push("-fprivbox-fn=main".into());
        }
        if case.levels.is_empty() {
            case.levels = LEVELS.iter().map(|&level| level.to_owned()).collect();
        }
        Ok(case)
    }

    /// Whether a part of the runs is left out.
    pub fn leaves_out(&self, part: &str) -> bool {
        self.no.iter().any(|no| no == part)
    }
}
