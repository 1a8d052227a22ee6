//! `privbox-rustc`: a `RUSTC_WRAPPER`, and the linker of the rustc that it runs.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow};

use super::arguments::Invocation;
use super::chain::{self, Rustc};
use super::toolchain::{self, Toolchain};
use super::unit::Unit;
use super::{archive, linker, options, sysroot};
use crate::temporary::{self, Scratch};
use crate::wrapper::{Context, Failure, exit_code, link};

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
  PRIVBOX_RUSTC_WRAPPER   another wrapper, which runs rustc for this one: sccache
  PRIVBOX_CACHE           where the standard library with a box is kept (default: ~/.cache/privbox)
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
    if linker::is_link(&arguments) && arguments[0] != sysroot::MAKE {
        temporary::clean_up_on_signals().context("cannot handle signals")?;
        return linker::run(arguments);
    }
    match arguments.first() {
        Some(first) if first == "--help" || first == "-h" => {
            print!("{HELP}");
            return Ok(ExitCode::SUCCESS);
        }
        Some(first) if first == sysroot::MAKE => {
            temporary::clean_up_on_signals().context("cannot handle signals")?;
            let context = Context::new(options::from_environment()?);
            for library in &arguments[1..] {
                sysroot::boxed(&context, Path::new(library))?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        _ => {}
    }
    let Some((rustc, words)) = Rustc::take(arguments, chain::from_environment()) else {
        return Err(anyhow!("no rustc to run\n{HELP}").into());
    };
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
fn pass_through(rustc: &Rustc, invocation: &Invocation) -> Result<ExitCode, Failure> {
    let mut command = rustc.command();
    command.args(&invocation.words);
    let scratch = Scratch::new().context("cannot make a temporary folder")?;
    if invocation.links_host_code() && env::var_os(options::HOST_IS_MARKED).is_none() {
        // The libraries that a procedural macro or a build script is linked with may have a second half, for programs.
        let script = scratch.path("discard.ld");
        fs::write(&script, link::DISCARD).context("cannot write a linker script")?;
        let mut option = OsString::from("-Clink-arg=-Wl,-T,");
        option.push(script);
        command.arg(option);
    }
    let status = command
        .status()
        .with_context(|| format!("cannot run {}", rustc.shown()))?;
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

fn compile(rustc: &Rustc, invocation: &Invocation) -> Result<ExitCode, Failure> {
    let options = options::from_environment()?;
    if !options.enabled {
        return pass_through(rustc, invocation);
    }
    Toolchain::of(rustc.program())?.check()?;
    temporary::clean_up_on_signals().context("cannot handle signals")?;
    let own = env::current_exe().context("cannot find this program")?;
    let root = match &invocation.sysroot {
        Some(folder) => folder.clone(),
        None => toolchain::sysroot(rustc.program())?,
    };
    let status = rustc
        .command()
        .args(invocation.with_bitcode(own.as_os_str()))
        .env(options::OPT_LEVEL, options::effort_name(invocation.effort))
        .env(options::SYSROOT, root)
        .env(
            options::CRATE,
            invocation.crate_name.as_deref().unwrap_or_default(),
        )
        .status()
        .with_context(|| format!("cannot run {}", rustc.shown()))?;
    if !status.success() {
        return Err(Failure::Tool(status));
    }
    let context = Context::new(options);
    for library in invocation.libraries() {
        convert(&context, invocation, &library)?;
    }
    if let Some(file) = invocation.dep_info() {
        depend_on_options(&file)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Tells cargo that the result depends on `PRIVBOX_FLAGS`, as rustc tells it of variables that a source reads with
/// `env!`: other options, and cargo compiles anew.
fn depend_on_options(file: &Path) -> Result<(), Failure> {
    if !file.is_file() {
        return Ok(());
    }
    let value = match env::var(options::FLAGS) {
        // As rustc escapes it.
        Ok(value) => {
            let escaped = value.replace('\\', "\\\\").replace('\n', "\\n");
            format!("={}", escaped.replace('\r', "\\r"))
        }
        Err(_) => String::new(),
    };
    let mut text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    if !text.contains(&format!("# env-dep:{}", options::FLAGS)) {
        text.push_str(&format!("\n# env-dep:{}{value}\n", options::FLAGS));
        fs::write(file, text).with_context(|| format!("cannot write '{}'", file.display()))?;
    }
    Ok(())
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
        let _ = fs::remove_file(library);
    }
    result
}
