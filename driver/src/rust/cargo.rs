//! `cargo privbox COMMAND`: cargo, with `privbox-rustc` around rustc.

use std::collections::BTreeSet;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use anyhow::{Context as _, Result, anyhow, bail};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::package::Package;
use super::toolchain::{self, Toolchain};
use super::{chain, options, sysroot};
use crate::diagnose::demangle;
use crate::wrapper::Context;
use crate::wrapper::args::BoxOptions;

const TARGET: &str = "x86_64-unknown-linux-gnu";
const HELP: &str = "\
cargo privbox: cargo, with functions that run in a box

Usage: cargo privbox COMMAND [OPTIONS]

Commands:
  build    compile; linking verifies. With -v: what the boxes reach only by leaving them, and why
  run      build and run, in the box (PRIVBOX=user, unless PRIVBOX is set)
  test     the same for tests
  bench    the same for benchmarks
  check    cargo check
  verify   build, and prove every executable again from its bytes: exit code 0, 1 (findings) or 2

Options are cargo's, and the box's, as privbox-cc has them:
  -fprivbox-fn=NAME        a function that enters the box, besides those marked #[privbox]: its symbol, or
                           its path as in `app::serve`; globs; `main` puts the whole program in
  -fprivbox-outside=NAME   a function that stays outside
  -fprivbox-level=mask|pks|spap, -fprivbox-strength=architectural|transient
  -fprivbox-report=FILE    one line per crate and executable; default: report.jsonl in the target folder
  -fno-privbox-verify      do not verify

What is built is in target/privbox (with options of the box: target/privbox-HASH).
";

/// The command.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let mut arguments: Vec<OsString> = arguments.skip(1).collect();
    // cargo runs `cargo-privbox privbox ...`.
    if arguments.first().is_some_and(|first| first == "privbox") {
        arguments.remove(0);
    }
    match run(arguments) {
        Ok(code) => code,
        Err(error) => {
            let _ = io::stderr().write_all(format!("cargo privbox: error: {error:#}\n").as_bytes());
            // Misuse and what cannot even begin; a failing build has cargo's own code.
            ExitCode::from(2)
        }
    }
}

fn run(arguments: Vec<OsString>) -> Result<ExitCode> {
    let mut arguments = arguments.into_iter();
    let Some(command) = arguments.next() else {
        bail!("no command\n\n{HELP}");
    };
    let command = command.to_string_lossy().into_owned();
    match command.as_str() {
        "-h" | "--help" | "help" => {
            print!("{HELP}");
            return Ok(ExitCode::SUCCESS);
        }
        "-V" | "--version" => {
            println!("cargo-privbox {}", env!("CARGO_PKG_VERSION"));
            return Ok(ExitCode::SUCCESS);
        }
        "build" | "b" | "run" | "r" | "test" | "t" | "bench" | "check" | "c" | "verify" => {}
        other => bail!("'{other}' is no command of cargo privbox\n\n{HELP}"),
    }
    let line = Line::parse(arguments.collect())?;
    if line.help {
        print!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    }
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    Toolchain::of(&rustc)?.check()?;
    let session = Session::new(line)?;
    if !matches!(command.as_str(), "check" | "c") {
        session.standard_library(&rustc, matches!(command.as_str(), "test" | "t" | "bench"))?;
    }
    match command.as_str() {
        "verify" => session.verify(),
        "build" | "b" => session.build(),
        "run" | "r" | "test" | "t" | "bench" => session.execute(&command, &rustc),
        _ => session.become_cargo(&command),
    }
}

/// The command line after the command: ours, cargo's, and the program's behind `--`.
#[derive(Debug, Default)]
struct Line {
    flags: Vec<String>,
    cargo: Vec<OsString>,
    program: Vec<OsString>,
    target_dir: Option<PathBuf>,
    manifest: Option<PathBuf>,
    /// `--config` with its values, also for questions about the package.
    config: Vec<OsString>,
    /// What else decides which crates there are: `--features`, `--locked`.
    resolve: Vec<OsString>,
    has_target: bool,
    verbose: bool,
    quiet: bool,
    help: bool,
    /// `--message-format`: the user reads what cargo says.
    message_format: bool,
}

impl Line {
    fn parse(words: Vec<OsString>) -> Result<Self> {
        let mut line = Self::default();
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let text = word.to_string_lossy().into_owned();
            let (name, mut value) = match text.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (text.as_str(), None),
            };
            match name {
                "--" => {
                    line.program.push(word);
                    line.program.extend(words);
                    break;
                }
                _ if name.starts_with("-fprivbox") || name.starts_with("-fno-privbox") => {
                    line.flags.push(text);
                    continue;
                }
                "--target-dir" | "--target" | "--manifest-path" | "--config" | "--features"
                | "-F" => {
                    line.cargo.push(word.clone());
                    let first = line.cargo.len() - 1;
                    if value.is_none() {
                        let next = words
                            .next()
                            .with_context(|| format!("{name} needs a value"))?;
                        value = Some(next.to_string_lossy().into_owned());
                        line.cargo.push(next);
                    }
                    let value = value.unwrap_or_default();
                    match name {
                        "--target-dir" => line.target_dir = Some(value.into()),
                        "--manifest-path" => line.manifest = Some(value.into()),
                        "--config" => line.config.extend_from_slice(&line.cargo[first..]),
                        "--features" | "-F" => line.resolve.extend_from_slice(&line.cargo[first..]),
                        _ if value != TARGET => {
                            bail!("--target {value}: boxes exist for {TARGET} only")
                        }
                        _ => line.has_target = true,
                    }
                    continue;
                }
                "-v" | "--verbose" | "-vv" => line.verbose = true,
                "-q" | "--quiet" => line.quiet = true,
                "-h" | "--help" => line.help = true,
                "--message-format" => line.message_format = true,
                "--all-features"
                | "--no-default-features"
                | "--locked"
                | "--offline"
                | "--frozen" => {
                    line.resolve.push(word.clone());
                }
                _ => {}
            }
            line.cargo.push(word);
        }
        Ok(line)
    }

    /// The package that these options are about.
    fn package(&self) -> Package<'_> {
        Package {
            manifest: self.manifest.as_deref(),
            config: &self.config,
            resolve: &self.resolve,
        }
    }

    /// Values of `--config`.
    fn configs(&self) -> Vec<OsString> {
        let words = self.config.iter().filter(|word| *word != "--config");
        words
            .map(|word| match word.as_bytes().strip_prefix(b"--config=") {
                Some(value) => OsStr::from_bytes(value).to_owned(),
                None => word.clone(),
            })
            .collect()
    }
}

/// One run of cargo: how it is called.
struct Session {
    line: Line,
    target_dir: PathBuf,
    report: PathBuf,
    flags: String,
    /// What the flags say.
    chosen: BoxOptions,
    folder: PathBuf,
    /// The wrapper of rustc that cargo would have without ours.
    wrapper: Option<OsString>,
}

impl Session {
    fn new(line: Line) -> Result<Self> {
        let inherited = env::var(options::FLAGS).unwrap_or_default();
        let mut flags = shell_words::split(&inherited)
            .with_context(|| format!("in {}='{inherited}'", options::FLAGS))?;
        flags.extend(line.flags.iter().cloned());
        let chosen = options::parse(&shell_words::join(&flags))?;
        let target_dir = match &line.target_dir {
            Some(folder) => env::current_dir()?.join(folder),
            None => line.package().target_directory()?.join(subfolder(&flags)),
        };
        line.package().has_crates_of(&chosen.entry)?;
        let report = match &chosen.report {
            Some(file) => env::current_dir()?.join(file),
            None => target_dir.join("report.jsonl"),
        };
        // rustc runs in other folders than this one.
        flags.retain(|flag| !flag.starts_with("-fprivbox-report="));
        flags.push(format!("-fprivbox-report={}", report.display()));
        fs::create_dir_all(&target_dir)
            .with_context(|| format!("cannot make '{}'", target_dir.display()))?;
        let own = env::current_exe().context("cannot find this program")?;
        let folder = own.parent().map(Path::to_path_buf).unwrap_or_default();
        let wrapper = match chain::from_environment() {
            Some(wrapper) => Some(wrapper),
            None => chain::of_the_user(&folder.join("privbox-rustc"), &line.configs())?,
        };
        Ok(Self {
            line,
            target_dir,
            report,
            flags: shell_words::join(&flags),
            chosen,
            folder,
            wrapper,
        })
    }

    /// The standard library with a box, in the cache.
    fn standard_library(&self, rustc: &OsStr, tests: bool) -> Result<()> {
        let another = ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"]
            .iter()
            .any(|name| env::var(name).is_ok_and(|flags| flags.contains("--sysroot")));
        if !self.chosen.enabled || another {
            return Ok(());
        }
        sysroot::prepare(
            &Context::new(self.chosen.clone()),
            &self.folder.join("privbox-rustc"),
            &toolchain::libraries(rustc)?,
            &self.flags,
            tests,
            self.line.quiet,
        )
    }

    /// A cargo command with everything set; what follows `--` is not added yet.
    fn cargo(&self, command: &str) -> Command {
        let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut cargo = Command::new(program);
        cargo.arg(command);
        if !self.line.has_target {
            cargo.args(["--target", TARGET]);
        }
        cargo.args(&self.line.cargo);
        cargo.env("CARGO_TARGET_DIR", &self.target_dir);
        cargo.env("RUSTC_WRAPPER", self.folder.join("privbox-rustc"));
        match &self.wrapper {
            Some(wrapper) => cargo.env(chain::WRAPPER, wrapper),
            None => cargo.env_remove(chain::WRAPPER),
        };
        cargo.env(options::HOST_IS_MARKED, "1");
        cargo.env(options::FLAGS, &self.flags);
        self.c_compiler(&mut cargo);
        cargo
    }

    /// C of build scripts goes into the box like Rust does, at the same level.
    fn c_compiler(&self, cargo: &mut Command) {
        let suffix = TARGET.replace('-', "_");
        for (variable, tool) in [("CC", "privbox-cc"), ("CXX", "privbox-c++")] {
            let name = format!("{variable}_{suffix}");
            let path = self.folder.join(tool);
            if env::var_os(&name).is_none() && path.exists() {
                cargo.env(name, path);
            }
        }
        let Ok(words) = shell_words::split(&self.flags) else {
            return;
        };
        let level: Vec<String> = words
            .into_iter()
            .filter(|word| {
                word.starts_with("-fprivbox-level=") || word.starts_with("-fprivbox-strength=")
            })
            .collect();
        if level.is_empty() {
            return;
        }
        for variable in ["CFLAGS", "CXXFLAGS"] {
            let name = format!("{variable}_{suffix}");
            let mut value = env::var(&name).unwrap_or_default();
            value.push(' ');
            value.push_str(&level.join(" "));
            cargo.env(name, value.trim_start());
        }
    }

    fn become_cargo(&self, command: &str) -> Result<ExitCode> {
        let mut cargo = self.cargo(command);
        cargo.args(&self.line.program);
        Err(anyhow!(cargo.exec()).context("cannot run cargo"))
    }

    /// `run`, `test`, `bench`: in the box, unless the user has said otherwise.
    fn execute(&self, command: &str, rustc: &OsStr) -> Result<ExitCode> {
        let mut cargo = self.cargo(command);
        cargo.args(&self.line.program);
        if env::var_os("PRIVBOX").is_none_or(|value| value.is_empty()) && !module_is_there() {
            cargo.env("PRIVBOX", "user");
        }
        if matches!(command, "test" | "t") && self.chosen.enabled {
            self.documentation_tests(&mut cargo, rustc)?;
        }
        Err(anyhow!(cargo.exec()).context("cannot run cargo"))
    }

    /// Documentation tests are compiled by rustdoc, around which cargo has no wrapper, but which hands options for code generation
    /// on: those that the wrapper would add.
    fn documentation_tests(&self, cargo: &mut Command, rustc: &OsStr) -> Result<()> {
        let linker = format!("-Clinker={}", self.folder.join("privbox-rustc").display());
        let mut words: Vec<String> = match env::var("CARGO_ENCODED_RUSTDOCFLAGS") {
            Ok(flags) if !flags.is_empty() => flags.split('\u{1f}').map(str::to_owned).collect(),
            _ => {
                let plain = env::var("RUSTDOCFLAGS").unwrap_or_default();
                plain.split_whitespace().map(str::to_owned).collect()
            }
        };
        let ours = ["-Clinker-plugin-lto=yes", "-Ccodegen-units=1", &linker];
        words.extend(ours.map(str::to_owned));
        cargo.env("CARGO_ENCODED_RUSTDOCFLAGS", words.join("\u{1f}"));
        // rustc runs the linker without the wrapper in between.
        cargo.env(options::SYSROOT, toolchain::sysroot(rustc)?);
        cargo.env(options::OPT_LEVEL, "0");
        cargo.env(options::CRATE, "rust_out");
        Ok(())
    }

    fn build(&self) -> Result<ExitCode> {
        if !self.line.verbose || self.line.message_format {
            return self.become_cargo("build");
        }
        let (status, executables) = self.build_executables()?;
        if status.success() {
            self.print_outside(&executables)?;
        }
        Ok(code(status))
    }

    /// Builds and returns the executables that cargo names.
    fn build_executables(&self) -> Result<(ExitStatus, Vec<PathBuf>)> {
        let mut cargo = self.cargo("build");
        cargo.arg("--message-format=json-render-diagnostics");
        cargo.args(&self.line.program);
        let output = cargo
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .context("cannot run cargo")?;
        let mut executables = BTreeSet::new();
        for line in output.stdout.split(|&byte| byte == b'\n') {
            if let Ok(message) = serde_json::from_slice::<Value>(line)
                && let Some(path) = message.get("executable").and_then(Value::as_str)
            {
                executables.insert(PathBuf::from(path));
            }
        }
        Ok((output.status, executables.into_iter().collect()))
    }

    fn verify(&self) -> Result<ExitCode> {
        let (status, executables) = self.build_executables()?;
        if !status.success() {
            return Ok(code(status));
        }
        if executables.is_empty() {
            bail!("nothing to verify: this package has no executable");
        }
        let mut words: Vec<OsString> = vec!["privbox".into(), "verify".into()];
        words.extend(executables.into_iter().map(OsString::from));
        Ok(crate::cli::main(words.into_iter()))
    }

    /// What the boxes of these executables reach only by leaving them.
    fn print_outside(&self, executables: &[PathBuf]) -> Result<()> {
        let text = match fs::read_to_string(&self.report) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => {
                return Err(error).with_context(|| format!("'{}'", self.report.display()));
            }
        };
        let lines: Vec<Value> = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        for executable in executables {
            let line = lines.iter().find(|line| names(line, executable));
            let Some(outside) = line.and_then(|line| line["outside"].as_array()) else {
                eprintln!("{}: nothing enters a box", executable.display());
                continue;
            };
            eprintln!(
                "{}: {} functions outside the box are called from it",
                executable.display(),
                outside.len()
            );
            for entry in outside {
                let name = demangle(entry["name"].as_str().unwrap_or_default());
                let reason = entry["reason"].as_str().unwrap_or_default();
                eprintln!("  {name}: {reason}");
                for caller in entry["called_by"].as_array().into_iter().flatten().take(3) {
                    eprintln!("    from {}", demangle(caller.as_str().unwrap_or_default()));
                }
            }
        }
        Ok(())
    }
}

/// Is this the report's line of that executable? cargo links `deps/app-HASH` and gives it a second name.
fn names(line: &Value, executable: &Path) -> bool {
    let Some(linked) = line["executable"].as_str() else {
        return false;
    };
    let same = |a: &Path, b: &Path| {
        use std::os::unix::fs::MetadataExt as _;
        match (fs::metadata(a), fs::metadata(b)) {
            (Ok(a), Ok(b)) => a.ino() == b.ino() && a.dev() == b.dev(),
            _ => false,
        }
    };
    let linked = Path::new(linked);
    linked == executable || same(linked, executable)
}

/// The kernel's half: then `auto` is the better choice.
fn module_is_there() -> bool {
    Path::new("/dev/privbox").exists()
}

/// Other options, other objects: cargo does not know about them, so they have a folder of their own.
fn subfolder(flags: &[String]) -> String {
    let mut relevant: Vec<&String> = flags
        .iter()
        .filter(|flag| !flag.starts_with("-fprivbox-report="))
        .collect();
    relevant.sort();
    if relevant.is_empty() {
        return "privbox".to_owned();
    }
    let mut hash = Sha256::new();
    for flag in relevant {
        hash.update(OsStr::new(flag).as_bytes());
        hash.update([0]);
    }
    let digits: String = hash
        .finalize()
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("privbox-{digits}")
}

/// cargo's exit code; of a signal, the shell's convention.
fn code(status: ExitStatus) -> ExitCode {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .unwrap_or(1);
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_options_are_taken_out() {
        let words = [
            "-p",
            "a",
            "-fprivbox-fn=main",
            "--target-dir=t",
            "--",
            "-fprivbox-x",
        ];
        let line = Line::parse(words.map(OsString::from).to_vec()).unwrap();
        assert_eq!(line.flags, ["-fprivbox-fn=main"]);
        assert_eq!(line.cargo, ["-p", "a", "--target-dir=t"]);
        assert_eq!(line.program, ["--", "-fprivbox-x"]);
        assert_eq!(line.target_dir, Some("t".into()));
        let other = ["--target", "aarch64-apple-darwin"];
        assert!(Line::parse(other.map(OsString::from).to_vec()).is_err());
    }

    #[test]
    fn options_of_the_box_choose_the_folder() {
        assert_eq!(subfolder(&["-fprivbox-report=x".into()]), "privbox");
        let a = subfolder(&["-fprivbox-level=spap".into()]);
        let b = subfolder(&["-fprivbox-level=pks".into()]);
        assert_ne!(a, b);
        assert!(a.starts_with("privbox-"));
    }
}
