//! As rustc's linker: bitcode among the inputs is compiled, rustc's own libraries are replaced, and what
//! comes out is linked as `privbox-cc` links.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use privbox_pass::post_link::Effort;

use super::unit::{self, Unit};
use super::{archive, options, sysroot};
use crate::temporary::Scratch;
use crate::wrapper::{self, Context, Failure, report, response};

/// Is this the command line of a linker? rustc as a wrapped program is named by a path first.
pub fn is_link(arguments: &[OsString]) -> bool {
    arguments.first().is_some_and(|first| {
        first.as_bytes().starts_with(b"-") || first.as_bytes().starts_with(b"@")
    }) && !arguments
        .iter()
        .any(|a| a == "-vV" || a == "--version" || a == "--help" || a == "-h")
}

/// Links.
pub fn run(arguments: Vec<OsString>) -> Result<ExitCode, Failure> {
    let arguments = response::expand(arguments).map_err(anyhow::Error::msg)?;
    let context = Context::new(options::from_environment()?);
    let effort = match env::var_os(options::OPT_LEVEL) {
        Some(level) => options::effort(&level)?,
        None => Effort::Aggressive,
    };
    let sysroot = env::var_os(options::SYSROOT).map(PathBuf::from);
    let crate_name = env::var(options::CRATE)
        .ok()
        .map(|name| format!("rust:{name}"));
    let scratch = Scratch::new().context("cannot make a temporary folder")?;
    let output = value(&arguments, "-o").map_or_else(|| "a.out".into(), PathBuf::from);
    // A shared library has no box: its bitcode is compiled all the same, its clones are left out.
    let mut words = Vec::with_capacity(arguments.len());
    let mut count = 0;
    let mut standard = false;
    let mut records = Vec::new();
    for word in without_lto(arguments) {
        let path = Path::new(&word);
        if word.as_bytes().starts_with(b"-") || !path.is_file() {
            words.push(word);
            continue;
        }
        let part = part(path, &output);
        let unit = Unit {
            part: Some(part.clone()),
            ..Unit::new(
                crate_name.clone().unwrap_or_else(|| part.clone()),
                identity(&part, &output),
                effort,
                &output,
            )
        };
        if sysroot
            .as_ref()
            .is_some_and(|root| sysroot::owns(root, path))
        {
            words.push(sysroot::boxed(&context, path)?.into());
            standard = true;
            continue;
        }
        match kind(path).with_context(|| format!("cannot read '{}'", path.display()))? {
            Kind::Bitcode => {
                let object = scratch.path(&format!("{count}.o"));
                count += 1;
                let bitcode =
                    fs::read(path).with_context(|| format!("cannot read '{}'", path.display()))?;
                records.push(unit::compile(&context, &bitcode, &unit, &object)?);
                words.push(object.into());
            }
            Kind::Library => {
                // A crate that was compiled without the wrapper's second half.
                let library = scratch.path(&format!("{count}.rlib"));
                count += 1;
                archive::convert(&context, path, &library, &unit, false)?;
                words.push(library.into());
            }
            Kind::Other => words.push(word),
        }
    }
    if let Some(file) = &context.options.report {
        report::units(file, &output, &records)?;
    }
    if standard {
        words.push(sysroot::allocator(&context)?.into());
    }
    wrapper::run_with(words, false, context.options.clone())
}

enum Kind {
    Bitcode,
    Library,
    Other,
}

fn kind(path: &Path) -> Result<Kind> {
    let mut magic = [0; 8];
    let mut file = File::open(path)?;
    let read = file.read(&mut magic)?;
    if unit::is_bitcode(&magic[..read]) {
        return Ok(Kind::Bitcode);
    }
    if magic == *b"!<arch>\n" && archive::has_bitcode(&fs::read(path)?) {
        return Ok(Kind::Library);
    }
    Ok(Kind::Other)
}

/// rustc names units `crate.HASH-cgu.0.rcgu.o`, in a folder whose name is random.
fn part(path: &Path, output: &Path) -> String {
    let name = path.file_name().unwrap_or(output.as_os_str());
    let name = name.to_string_lossy();
    name.strip_suffix(".rcgu.o").unwrap_or(&name).to_owned()
}

fn identity(part: &str, output: &Path) -> String {
    format!(
        "{}:{part}",
        output.file_name().unwrap_or_default().to_string_lossy(),
    )
}

fn value<'a>(arguments: &'a [OsString], option: &str) -> Option<&'a OsStr> {
    let at = arguments.iter().rposition(|argument| argument == option)?;
    arguments.get(at + 1).map(OsString::as_os_str)
}

/// Without the options that rustc has for a linker plugin, and without its choice of `rust-lld`: the
/// linker is ours.
fn without_lto(arguments: Vec<OsString>) -> Vec<OsString> {
    let ours = |word: &[u8]| {
        word.starts_with(b"-Wl,-plugin")
            || word.starts_with(b"-Wl,--plugin")
            || word.starts_with(b"-Wl,--thinlto")
            || word == b"-fuse-ld=lld"
            || (word.starts_with(b"-B") && word.ends_with(b"gcc-ld"))
    };
    arguments
        .into_iter()
        .filter(|word| !ours(word.as_bytes()))
        .collect()
}
