//! `privbox-rustc`: a `RUSTC_WRAPPER`, and the linker of the rustc that it runs.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, anyhow};

use super::arguments::Invocation;
use super::toolchain::{self, Toolchain};
use super::unit::Unit;
use super::{archive, linker, options};
use crate::temporary;
use crate::wrapper::{Context, Failure, exit_code};

const NAME: &str = "privbox-rustc";
const HELP: &str = "\
privbox-rustc: rustc with the box

Set RUSTC_WRAPPER to this program's path, or use `cargo privbox build|run|test|bench|check|verify`.

  PRIVBOX_FLAGS   options of the box, as privbox-cc has them:
                    -fprivbox-fn=NAME        a function that enters the box: its symbol, or its path as in
                                             `app::serve`; globs; `main` puts the whole program in
                    -fprivbox-outside=NAME   a function that stays out of it
                    -fprivbox-level=mask|pks|spap   -fprivbox-strength=architectural|transient
                    -fprivbox-report=FILE    -fno-privbox-verify
  PRIVBOX_CACHE   where the standard library with a box is kept (default: ~/.cache/privbox)
";

/// The command.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.skip(1).collect();
    match run(arguments) {
        Ok(code) => code,
        Err(Failure::Error(error)) => {
            // One write: other compilers of a parallel build share the terminal.
            let _ = io::stderr().write_all(format!("{NAME}: error: {error:#}\n").as_bytes());
            ExitCode::FAILURE
        }
        Err(Failure::Tool(status)) => exit_code(NAME, status),
    }
}

fn run(arguments: Vec<OsString>) -> Result<ExitCode, Failure> {
    if linker::is_link(&arguments) {
        temporary::clean_up_on_signals().context("cannot handle signals")?;
        return linker::run(arguments);
    }
    let mut arguments = arguments.into_iter();
    let Some(rustc) = arguments.next() else {
        return Err(anyhow!("no rustc to run\n{HELP}").into());
    };
    if rustc == "--help" || rustc == "-h" {
        print!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    }
    let words: Vec<OsString> = arguments.collect();
    let invocation = Invocation::parse(words)?;
    let only_with_target = env::var_os(options::HOST_IS_MARKED).is_some();
    if !invocation.instrumented(only_with_target) {
        return pass_through(&rustc, &invocation);
    }
    compile(&rustc, &invocation)
}

/// rustc as it is. cargo's version query hears that we are here too: cargo takes the answer into its
/// fingerprints, and compiles anew what another version of the wrapper compiled. (Not so `--version`, which build
/// scripts ask through the wrapper and compare word by word.)
fn pass_through(rustc: &OsStr, invocation: &Invocation) -> Result<ExitCode, Failure> {
    let status = Command::new(rustc)
        .args(&invocation.words)
        .status()
        .with_context(|| format!("cannot run '{}'", rustc.to_string_lossy()))?;
    if !status.success() {
        return Err(Failure::Tool(status));
    }
    if invocation.version {
        println!("privbox: {} {:016x}", env!("CARGO_PKG_VERSION"), own_age());
    }
    Ok(ExitCode::SUCCESS)
}

/// When this program was built.
fn own_age() -> u128 {
    env::current_exe()
        .and_then(|path| path.metadata()?.modified())
        .ok()
        .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok())
        .unwrap_or_default()
        .as_nanos()
}

fn compile(rustc: &OsStr, invocation: &Invocation) -> Result<ExitCode, Failure> {
    let options = options::from_environment()?;
    if !options.enabled {
        return pass_through(rustc, invocation);
    }
    Toolchain::of(rustc)?.check()?;
    temporary::clean_up_on_signals().context("cannot handle signals")?;
    let own = env::current_exe().context("cannot find this program")?;
    let status = Command::new(rustc)
        .args(invocation.with_bitcode(own.as_os_str()))
        .env(options::OPT_LEVEL, options::effort_name(invocation.effort))
        .env(options::SYSROOT, toolchain::sysroot(rustc)?)
        .status()
        .with_context(|| format!("cannot run '{}'", rustc.to_string_lossy()))?;
    if !status.success() {
        return Err(Failure::Tool(status));
    }
    let context = Context::new(options);
    for library in invocation.libraries() {
        convert(&context, invocation, &library)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A library that rustc has just written: its bitcode becomes objects, in place.
fn convert(context: &Context, invocation: &Invocation, library: &Path) -> Result<(), Failure> {
    if !library.is_file() {
        return Ok(());
    }
    let name = invocation.crate_name.clone().unwrap_or_default();
    let unit = Unit::new(
        format!("rust:{name}"),
        format!("{name}{}", invocation.extra_filename),
        invocation.effort,
        library,
    );
    let result = archive::convert(context, library, library, &unit, false);
    if result.is_err() {
        // A library of bitcode would be taken for a finished one by the next build.
        let _ = std::fs::remove_file(library);
    }
    result
}
