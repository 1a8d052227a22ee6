//! The directives at the head of a program of `tests/vm`.
//!
//! ```text
//! // privbox: -fprivbox-fn=box_*     compile with privbox-cc and this; without it: plain clang
//! // flags: -pthread                 options for the compiler, whichever it is
//! // with: part.S                    one more file
//! // args: one two                   arguments of the program
//! // env: PRIVBOX=kernel             its environment, one variable per line
//! // trust: no                       do not trust it (what privbox-cc made is trusted)
//! // module: name=value              parameters of the module
//! // limit: 120                      seconds it may run (default 60)
//! // smoke                           run it in the small configurations too
//! // only: 6.12 smp=2                only in configurations with all of these
//! // log: invoked oom-killer         reports of the kernel log that hold this are expected
//! ```
//! The first line says what the program is about; a directive may be repeated. A program prints TAP
//! (`ok 1 - name`, `not ok 2 - name: why`, `1..2`) and exits with 0 if all is well.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::matrix::Config;

/// A program and what it asks for.
#[derive(Clone, Debug)]
pub struct Case {
    /// File stem: the test's name.
    pub name: String,
    /// The program.
    pub source: PathBuf,
    /// More files.
    pub with: Vec<PathBuf>,
    /// Options of privbox-cc; none: plain clang.
    pub privbox: Vec<String>,
    /// Options of both.
    pub flags: Vec<String>,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its environment: name and value.
    pub env: Vec<(String, String)>,
    /// Whether it is trusted.
    pub trust: bool,
    /// Parameters of the module.
    pub module: Vec<String>,
    /// The time it may take.
    pub limit: Duration,
    /// Whether it runs in every configuration.
    pub smoke: bool,
    /// Words that a configuration's name must have.
    pub only: Vec<String>,
    /// Reports of the kernel log that are expected.
    pub log: Vec<String>,
}

impl Case {
    /// Reads the head of `source`.
    ///
    /// # Errors
    /// Names the file and the line of a directive that is not known or not complete.
    pub fn read(source: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(source)
            .with_context(|| format!("cannot read {}", source.display()))?;
        let folder = source.parent().unwrap_or(Path::new("."));
        let name = source.file_stem().unwrap_or_default();
        let mut case = Self {
            name: name.to_string_lossy().into_owned(),
            source: source.to_path_buf(),
            with: Vec::new(),
            privbox: Vec::new(),
            flags: Vec::new(),
            args: Vec::new(),
            env: Vec::new(),
            trust: true,
            module: Vec::new(),
            limit: Duration::from_secs(60),
            smoke: false,
            only: Vec::new(),
            log: Vec::new(),
        };
        for (number, line) in text.lines().enumerate().skip(1) {
            let Some(comment) = line.strip_prefix("//") else {
                break;
            };
            case.directive(comment.trim(), folder)
                .with_context(|| format!("{}:{}", source.display(), number + 1))?;
        }
        Ok(case)
    }

    fn directive(&mut self, comment: &str, folder: &Path) -> Result<()> {
        if comment == "smoke" {
            self.smoke = true;
            return Ok(());
        }
        let Some((key, value)) = comment.split_once(": ") else {
            return Ok(());
        };
        let words = || value.split_whitespace().map(str::to_owned);
        match key {
            "privbox" => self.privbox.extend(words()),
            "flags" => self.flags.extend(words()),
            "with" => self.with.extend(words().map(|file| folder.join(file))),
            "args" => self.args.extend(words()),
            "env" => {
                let (name, text) = value.split_once('=').context("not NAME=VALUE")?;
                self.env.push((name.to_owned(), text.to_owned()));
            }
            "trust" => {
                self.trust = match value {
                    "yes" => true,
                    "no" => false,
                    _ => bail!("trust: yes or no, not `{value}`"),
                }
            }
            "module" => self.module.extend(words()),
            "limit" => {
                let seconds = value.parse().context("limit: not a number")?;
                self.limit = Duration::from_secs(seconds);
            }
            "only" => self.only.extend(words()),
            "log" => self.log.push(value.to_owned()),
            _ if key.contains(' ') => {} // free text with a colon
            _ => bail!("unknown directive `{key}`"),
        }
        Ok(())
    }

    /// Whether it runs in a configuration.
    pub fn runs_in(&self, config: &Config) -> bool {
        let name = config.name();
        let has = |word: &String| name.split(',').any(|part| part == word);
        (self.smoke || !config.small) && self.only.iter().all(has)
    }

    /// Whether it is made by privbox-cc.
    pub fn boxed(&self) -> bool {
        !self.privbox.is_empty()
    }
}

/// The programs of a folder, by name.
///
/// # Errors
/// A program's head is wrong, or there is none.
pub fn all(folder: &Path) -> Result<Vec<Case>> {
    let mut sources: Vec<PathBuf> = std::fs::read_dir(folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "c"))
        .collect();
    sources.sort();
    // What is only a part of others is no program of its own.
    let cases: Vec<Case> = sources
        .iter()
        .map(|source| Case::read(source))
        .collect::<Result<_>>()?;
    let parts: Vec<&PathBuf> = cases.iter().flat_map(|case| &case.with).collect();
    let programs: Vec<Case> = cases
        .iter()
        .filter(|case| !parts.contains(&&case.source))
        .cloned()
        .collect();
    if programs.is_empty() {
        bail!("no programs in {}", folder.display());
    }
    Ok(programs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vm::matrix;

    fn read(text: &str) -> Result<Case> {
        let folder = tempfile::tempdir()?;
        let source = folder.path().join("x.c");
        std::fs::write(&source, text)?;
        Case::read(&source)
    }

    #[test]
    fn directives_are_read() {
        let case = read(
            "// About: this.\n// privbox: -fprivbox-fn=main\n// limit: 7\n// smoke\n// log: a b\n\
             // env: A=b=c\n// only: 6.12 smp=2\n// Some text: more.\n\n// nonsense: 1\n",
        )
        .unwrap();
        assert_eq!(case.name, "x");
        assert!(case.boxed() && case.smoke && case.trust);
        assert_eq!(case.limit, Duration::from_secs(7));
        assert_eq!(case.env, [("A".to_owned(), "b=c".to_owned())]);
        assert_eq!(case.log, ["a b"]);
        let names: Vec<String> = matrix::all()
            .iter()
            .filter(|config| case.runs_in(config))
            .map(Config::name)
            .collect();
        assert!(!names.is_empty());
        for name in names {
            assert!(
                name.starts_with("6.12,") && name.contains("smp=2"),
                "{name}"
            );
        }
    }

    #[test]
    fn wrong_directives_are_errors() {
        for line in [
            "// nonsense: 1",
            "// limit: x",
            "// trust: maybe",
            "// env: A",
        ] {
            let error = read(&format!("// x\n{line}\n")).unwrap_err();
            assert!(format!("{error:#}").contains("x.c:2: "), "{error:#}");
        }
    }
}
