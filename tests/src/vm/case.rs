//! The directives at the head of a program of `tests/vm`.
//!
//! ```text
//! // privbox: -fprivbox-fn=box_*     compile with privbox-cc and this; without it: plain clang
//! // flags: -pthread                 options for the compiler, whichever it is
//! // with: part.S                    one more file, or several
//! // sources: sqlite sqlite3.c       files of a real program's sources, and its headers
//! // args: one two                   arguments of the program
//! // env: PRIVBOX=kernel             its environment, one variable per line
//! // trust: no                       do not trust it (what privbox-cc made is trusted)
//! // module: name=value              parameters of the module
//! // limit: 120                      seconds it may run (default 60)
//! // smoke                           run it in `cargo xtask test --quick` too
//! // only: 6.12 smp=2                only in configurations with all of these
//! // compare                         no TAP: PRIVBOX=kernel must print what PRIVBOX=off prints, and end as it does
//! // log: invoked oom-killer         reports of the kernel log that hold this are expected
//! ```
//! The first line says what the program is about; a directive may be repeated. A program prints TAP
//! (`ok 1 - name`, `not ok 2 - name: why`, `1..2`) and exits with 0 if all is well. Arguments and files are relative to the
//! program's folder if they exist there.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use xtask::sources;
use xtask::util::Project;

use super::matrix::Config;
use crate::compare::Program;
use crate::{directive, rust};

/// A program and what it asks for.
#[derive(Clone, Debug)]
pub struct Case {
    /// File stem: the test's name.
    pub name: String,
    /// How it is built, and its arguments.
    pub program: Program,
    /// Its environment: name and value.
    pub env: Vec<(String, String)>,
    /// Whether it is trusted.
    pub trust: bool,
    /// Parameters of the module.
    pub module: Vec<String>,
    /// The time it may take.
    pub limit: Duration,
    /// Whether it runs in the quick run too.
    pub smoke: bool,
    /// Words that a configuration's name must have.
    pub only: Vec<String>,
    /// Reports of the kernel log that are expected.
    pub log: Vec<String>,
    /// Whether its runs in two modes are compared; else it prints TAP.
    pub compare: bool,
    /// What cargo compiles for it, if it is Rust.
    pub rust: Option<Rust>,
}

/// What of Rust a case is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rust {
    /// The programs of `examples/rust`; the case is a program that uses them, compiled already.
    Examples,
    /// This program of `tests/rust/programs`.
    Program(String),
}

impl Case {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            program: Program {
                flags: ["-O2", "-g1", "-Wall", "-Wextra"]
                    .map(str::to_owned)
                    .to_vec(),
                stats: true,
                ..Program::default()
            },
            env: Vec::new(),
            trust: true,
            module: Vec::new(),
            limit: Duration::from_secs(60),
            smoke: false,
            only: Vec::new(),
            log: Vec::new(),
            compare: false,
            rust: None,
        }
    }

    /// A program of `tests/features`, compared in one configuration: the same executable runs in all three modes.
    pub fn feature(feature: &directive::Case) -> Self {
        let mut case = Self::new(&format!("features/{}", feature.name));
        let (libraries, flags): (Vec<String>, Vec<String>) = feature
            .flags
            .iter()
            .cloned()
            .partition(|flag| flag.starts_with("-l"));
        case.program = Program {
            sources: std::iter::once(feature.source.clone())
                .chain(feature.with.clone())
                .collect(),
            plain: feature.with_plain.clone(),
            flags: std::iter::once("-O2".to_owned()).chain(flags).collect(),
            privbox: feature.privbox.clone(),
            link: libraries,
            args: feature.args.clone(),
            stats: !feature.leaves_out("stats"),
            ..Program::default()
        };
        case.compare = true;
        case.only = ["6.12", "pti=on", "smp=2"].map(str::to_owned).to_vec();
        case
    }

    /// The programs of `examples/rust`, and `session`, which uses them and prints what they answer.
    pub fn rust_examples(session: &Path) -> Self {
        let mut case = Self::new("rust-examples");
        case.program.sources.push(session.to_path_buf());
        case.compare = true;
        case.rust = Some(Rust::Examples);
        case.limit = Duration::from_secs(240);
        case.only = vec!["pti=on".to_owned()];
        case
    }

    /// A program of `tests/rust/programs`, compared in one configuration.
    pub fn rust_program(program: &rust::Program) -> Self {
        let mut case = Self::new(&format!("rust/{}", program.title()));
        case.program.args.clone_from(&program.arguments);
        // Killed, the runtime says nothing more: such a program checks its mode itself.
        case.program.stats = !program.end.starts_with("signal");
        case.env = vec![
            ("PRIVBOX_TEST_WORD".to_owned(), "a word".to_owned()),
            ("RUST_BACKTRACE".to_owned(), "0".to_owned()),
        ];
        case.compare = true;
        case.rust = Some(Rust::Program(program.name.clone()));
        case.only = ["6.12", "pti=on", "smp=2"].map(str::to_owned).to_vec();
        case
    }

    /// Reads the head of `source`.
    ///
    /// # Errors
    /// Names the file and the line of a directive that is not known or not complete.
    pub fn read(source: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(source)
            .with_context(|| format!("cannot read {}", source.display()))?;
        let folder = source.parent().unwrap_or(Path::new("."));
        let name = source.file_stem().unwrap_or_default();
        let mut case = Self::new(&name.to_string_lossy());
        case.program.sources.push(source.to_path_buf());
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
        match comment {
            "smoke" => self.smoke = true,
            "compare" => self.compare = true,
            _ => {}
        }
        let Some((key, value)) = comment.split_once(": ") else {
            return Ok(());
        };
        let words = || value.split_whitespace().map(str::to_owned);
        let program = &mut self.program;
        match key {
            "privbox" => program.privbox.extend(words()),
            // Libraries after the files that need them.
            "flags" => {
                for word in words() {
                    if word.starts_with("-l") {
                        program.link.push(word);
                    } else {
                        program.flags.push(word);
                    }
                }
            }
            "with" => program
                .sources
                .extend(words().map(|file| folder.join(file))),
            "sources" => {
                let mut words = value.split_whitespace();
                let name = words.next().context("sources: which?")?;
                let sources = sources::fetch(&Project::find()?)?;
                let folder = sources.folder(name)?;
                program.flags.push(format!("-I{}", folder.display()));
                program.sources.extend(words.map(|file| folder.join(file)));
            }
            "args" => program.args.extend(words().map(|word| {
                let file = folder.join(&word);
                match file.canonicalize() {
                    Ok(file) => file.display().to_string(),
                    Err(_) => word,
                }
            })),
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
        !self.program.privbox.is_empty() || self.rust.is_some()
    }
}

/// The programs of `tests/vm`, then those of `tests/features`.
///
/// # Errors
/// A program's head is wrong, or there is none.
pub fn all(tests: &Path) -> Result<Vec<Case>> {
    let own: Vec<Case> = code_in(&tests.join("vm"))?
        .iter()
        .map(|source| Case::read(source))
        .collect::<Result<_>>()?;
    // What is only a part of others is no program of its own.
    let parts: Vec<PathBuf> = own
        .iter()
        .flat_map(|case| case.program.sources[1..].iter().cloned())
        .collect();
    let mut cases = own;
    cases.retain(|case| !parts.contains(&case.program.sources[0]));
    for source in code_in(&tests.join("features"))? {
        let feature = directive::Case::read(&source)?;
        if !feature.leaves_out("kernel") {
            cases.push(Case::feature(&feature));
        }
    }
    Ok(cases)
}

fn code_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut sources: Vec<PathBuf> = std::fs::read_dir(folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "c"))
        .collect();
    sources.sort();
    if sources.is_empty() {
        bail!("no programs in {}", folder.display());
    }
    Ok(sources)
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
