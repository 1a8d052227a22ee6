//! rustc's command line: what of it concerns the box.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use anyhow::Result;
use privbox_pass::post_link::Effort;

use super::options;

/// One invocation of rustc.
#[derive(Debug, Clone, Default)]
pub struct Invocation {
    /// The words, response files not expanded.
    pub words: Vec<OsString>,
    /// `--crate-name`
    pub crate_name: Option<String>,
    /// `--crate-type`, all of them.
    pub crate_types: Vec<String>,
    /// `--test`
    pub test: bool,
    /// Kinds of `--emit`, without paths; empty: `link`.
    pub emit: Vec<String>,
    /// `--emit=link=PATH`
    pub link_path: Option<PathBuf>,
    /// `--target`
    pub target: Option<String>,
    /// `--out-dir`
    pub out_dir: Option<PathBuf>,
    /// `-o`
    pub output: Option<PathBuf>,
    /// `--sysroot`
    pub sysroot: Option<PathBuf>,
    /// `--emit=dep-info=PATH`
    pub dep_info_path: Option<PathBuf>,
    /// `-C extra-filename=`
    pub extra_filename: String,
    /// `-C opt-level=`, `-O`
    pub effort: Effort,
    /// Was `-C codegen-units=` given?
    pub codegen_units: bool,
    /// Was `-C symbol-mangling-version=` given?
    pub mangling: bool,
    /// `--print` and the like: nothing is compiled.
    pub query: bool,
    /// `-vV`, as cargo asks: rustc describes itself.
    pub version: bool,
}

impl Invocation {
    /// Reads a command line (without the program).
    pub fn parse(words: Vec<OsString>) -> Result<Self> {
        let mut this = Self {
            effort: Effort::None,
            ..Self::default()
        };
        let mut at = 0;
        while at < words.len() {
            let word = words[at].as_bytes().to_vec();
            let next = words.get(at + 1).cloned();
            let used_next = this.word(&word, next.as_deref())?;
            at += 1 + usize::from(used_next);
        }
        this.words = words;
        Ok(this)
    }

    /// Takes one word; says whether the next one was its value.
    fn word(&mut self, word: &[u8], next: Option<&OsStr>) -> Result<bool> {
        for option in [
            "--crate-name",
            "--crate-type",
            "--emit",
            "--target",
            "--out-dir",
            "--print",
            "--codegen",
            "--sysroot",
        ] {
            if word == option.as_bytes() {
                if let Some(value) = next {
                    self.option(option, value)?;
                }
                return Ok(true);
            }
            let value = word
                .strip_prefix(option.as_bytes())
                .and_then(|rest| rest.strip_prefix(b"="));
            if let Some(value) = value {
                self.option(option, OsStr::from_bytes(value))?;
                return Ok(false);
            }
        }
        match word {
            b"--test" => self.test = true,
            b"-O" => self.effort = Effort::Aggressive,
            b"-vV" => {
                self.version = true;
                self.query = true;
            }
            b"-V" | b"--version" | b"-h" | b"--help" | b"-" => self.query = true,
            b"-C" => {
                if let Some(value) = next {
                    self.codegen(value)?;
                }
                return Ok(true);
            }
            b"-o" => {
                self.output = next.map(PathBuf::from);
                return Ok(true);
            }
            // Options whose value must not be taken for an option.
            b"-L"
            | b"-l"
            | b"--extern"
            | b"--cfg"
            | b"--check-cfg"
            | b"--edition"
            | b"--explain"
            | b"--cap-lints"
            | b"--error-format"
            | b"--json"
            | b"--color"
            | b"--remap-path-prefix"
            | b"-A"
            | b"-W"
            | b"-D"
            | b"-F"
            | b"-Z"
            | b"--allow"
            | b"--warn"
            | b"--deny"
            | b"--forbid"
            | b"--diagnostic-width" => return Ok(true),
            _ => {
                if let Some(value) = word.strip_prefix(b"-C") {
                    self.codegen(OsStr::from_bytes(value))?;
                } else if let Some(value) = word.strip_prefix(b"-o")
                    && !value.is_empty()
                {
                    self.output = Some(OsString::from_vec(value.to_vec()).into());
                }
            }
        }
        Ok(false)
    }

    fn option(&mut self, name: &str, value: &OsStr) -> Result<()> {
        let text = value.to_string_lossy().into_owned();
        match name {
            "--crate-name" => self.crate_name = Some(text),
            "--crate-type" => self.crate_types.extend(text.split(',').map(str::to_owned)),
            "--emit" => {
                for part in text.split(',') {
                    let (kind, path) = part.split_once('=').unzip();
                    match kind {
                        Some("link") => self.link_path = path.map(PathBuf::from),
                        Some("dep-info") => self.dep_info_path = path.map(PathBuf::from),
                        _ => {}
                    }
                    self.emit.push(kind.unwrap_or(part).to_owned());
                }
            }
            "--target" => self.target = Some(text),
            "--out-dir" => self.out_dir = Some(value.into()),
            "--print" => self.query = true,
            "--sysroot" => self.sysroot = Some(value.into()),
            "--codegen" => self.codegen(value)?,
            _ => {}
        }
        Ok(())
    }

    fn codegen(&mut self, value: &OsStr) -> Result<()> {
        let text = value.to_string_lossy();
        let (key, value) = text.split_once('=').unwrap_or((&text, ""));
        match key.replace('_', "-").as_str() {
            "opt-level" => self.effort = options::effort(OsStr::new(value))?,
            "extra-filename" => self.extra_filename = value.to_owned(),
            "codegen-units" => self.codegen_units = true,
            "symbol-mangling-version" => self.mangling = true,
            _ => {}
        }
        Ok(())
    }

    /// Does it make machine code for a program that may have a box? Procedural macros and build scripts
    /// run while building; `only_with_target`: so does every crate compiled without `--target`.
    pub fn instrumented(&self, only_with_target: bool) -> bool {
        let kinds_fit = self.test
            || self.crate_types.is_empty()
            || self
                .crate_types
                .iter()
                .any(|kind| matches!(kind.as_str(), "lib" | "rlib" | "bin" | "staticlib"));
        let runs_now = self.is_host_code() || (only_with_target && self.target.is_none());
        let target = self
            .target
            .as_deref()
            .is_none_or(|target| target == "x86_64-unknown-linux-gnu");
        let links = self.emit.is_empty() || self.emit.iter().any(|kind| kind == "link");
        !self.query && kinds_fit && !runs_now && target && links
    }

    /// Does it link something that runs while building?
    pub fn links_host_code(&self) -> bool {
        let links = self.emit.is_empty() || self.emit.iter().any(|kind| kind == "link");
        !self.query && links && self.is_host_code()
    }

    /// Procedural macros and build scripts.
    fn is_host_code(&self) -> bool {
        self.crate_types.iter().any(|kind| kind == "proc-macro")
            || self
                .crate_name
                .as_deref()
                .is_some_and(|name| name.starts_with("build_script_"))
    }

    /// The library that rustc writes, if it writes one.
    pub fn libraries(&self) -> Vec<PathBuf> {
        if self.test {
            return Vec::new();
        }
        let name = self.crate_name.clone().unwrap_or_default();
        let folder = self.out_dir.clone().unwrap_or_default();
        let mut all = Vec::new();
        for kind in &self.crate_types {
            let suffix = match kind.as_str() {
                "lib" | "rlib" => "rlib",
                "staticlib" => "a",
                _ => continue,
            };
            let explicit = self.link_path.clone().or_else(|| self.output.clone());
            all.push(explicit.unwrap_or_else(|| {
                folder.join(format!("lib{name}{}.{suffix}", self.extra_filename))
            }));
        }
        all
    }

    /// The file with the crate's dependencies, if rustc writes one.
    pub fn dep_info(&self) -> Option<PathBuf> {
        if !self.emit.iter().any(|kind| kind == "dep-info") {
            return None;
        }
        let name = self.crate_name.clone()?;
        let folder = self.out_dir.clone().unwrap_or_default();
        let usual = || folder.join(format!("{name}{}.d", self.extra_filename));
        Some(self.dep_info_path.clone().unwrap_or_else(usual))
    }

    /// The words without what must not be there, and with what makes objects bitcode.
    pub fn with_bitcode(&self, linker: &OsStr) -> Vec<OsString> {
        let mut words = Vec::with_capacity(self.words.len() + 8);
        let mut at = 0;
        while at < self.words.len() {
            let word = self.words[at].as_bytes();
            let pair = matches!(word, b"-C" | b"--codegen");
            let value = if pair {
                self.words.get(at + 1).map_or(&b""[..], |w| w.as_bytes())
            } else {
                word.strip_prefix(b"-C")
                    .or_else(|| word.strip_prefix(b"--codegen="))
                    .unwrap_or_default()
            };
            let used = 1 + usize::from(pair);
            if !replaced(value) {
                words.extend(self.words.iter().skip(at).take(used).cloned());
            }
            at += used;
        }
        let mut add = |text: &str| {
            words.push("-C".into());
            words.push(text.into());
        };
        add("linker-plugin-lto=yes");
        if !self.codegen_units {
            // One unit per crate: rustc's own exchange of code between units does not happen here.
            add("codegen-units=1");
        }
        if !self.mangling {
            // Names tell which function an instance of the entry function is for (`marked`).
            add("symbol-mangling-version=v0");
        }
        words.push("-C".into());
        let mut own = OsString::from("linker=");
        own.push(linker);
        words.push(own);
        words
    }
}

/// Codegen options that would contradict ours. Link-time optimisation is among them: crates meet as objects.
fn replaced(value: &[u8]) -> bool {
    let key = value.split(|&b| b == b'=').next().unwrap_or_default();
    let key: Vec<u8> = key
        .iter()
        .map(|&b| if b == b'_' { b'-' } else { b })
        .collect();
    matches!(
        key.as_slice(),
        b"lto" | b"embed-bitcode" | b"linker-plugin-lto" | b"linker" | b"linker-flavor"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Invocation {
        Invocation::parse(text.split(' ').map(OsString::from).collect()).unwrap()
    }

    #[test]
    fn a_library_of_cargo() {
        let line = parse(
            "--crate-name foo --edition=2021 src/lib.rs --crate-type lib --emit=dep-info,metadata,link \
             -C opt-level=3 -C embed-bitcode=no -C metadata=1 -C extra-filename=-12 --out-dir /t --target x86_64-unknown-linux-gnu",
        );
        assert!(line.instrumented(true));
        assert_eq!(line.libraries(), [PathBuf::from("/t/libfoo-12.rlib")]);
        assert_eq!(line.effort, Effort::Aggressive);
        assert_eq!(line.dep_info(), Some(PathBuf::from("/t/foo-12.d")));
        let words = line.with_bitcode(OsStr::new("/l")).join(OsStr::new(" "));
        let words = words.to_str().unwrap();
        assert!(!words.contains("embed-bitcode"), "{words}");
        assert!(words.ends_with(
            "-C linker-plugin-lto=yes -C codegen-units=1 -C symbol-mangling-version=v0 -C linker=/l"
        ));
    }

    #[test]
    fn what_runs_while_building_is_left_alone() {
        assert!(!parse("--crate-name m --crate-type proc-macro src/lib.rs").instrumented(false));
        assert!(
            !parse("--crate-name build_script_build --crate-type bin b.rs").instrumented(false)
        );
        assert!(!parse("--crate-name a --crate-type lib a.rs").instrumented(true));
        assert!(parse("--crate-name a --crate-type lib a.rs").instrumented(false));
        assert!(!parse("--crate-name a --crate-type lib --emit=metadata a.rs").instrumented(false));
        assert!(!parse("-vV").instrumented(false));
        assert!(!parse("- --crate-name ___ --print=file-names").instrumented(false));
    }
}
