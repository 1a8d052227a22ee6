//! The wrapper's own options, taken out of a command line that is otherwise clang's.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use privbox_pass::{Level, Scheme, Strength};

use super::response;

/// What the command line asked of the box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoxOptions {
    /// `-fno-privbox` clears it: the command is clang's alone.
    pub enabled: bool,
    /// `-fprivbox-fn=`: globs of entry functions.
    pub entry: Vec<String>,
    /// `-fprivbox-outside=`: globs of functions that stay outside.
    pub outside: Vec<String>,
    /// `-fprivbox-level=`; `None` when not given (the default then is `mask`).
    pub level: Option<Level>,
    /// `-fprivbox-strength=`; `None` when not given (the default then is `architectural`).
    pub strength: Option<Strength>,
    /// `-fprivbox-report=`.
    pub report: Option<PathBuf>,
    /// `-fno-privbox-verify` clears it: neither box objects nor executables are verified.
    pub verify: bool,
    /// `-fprivbox-mask-all`: a mask on every access (benchmarks).
    pub mask_all: bool,
    /// `-fprivbox-mask-bits=`: how many address bits a mask keeps (strict tests).
    pub mask_bits: Option<u32>,
    /// `-fprivbox-scheme=`: `elide`, or the paper's (benchmarks).
    pub scheme: Scheme,
    /// `-fprivbox-strict`: link the runtime whose safe stacks lie above narrowed masks.
    pub strict: bool,
    /// `-fprivbox-runtime`: compile a part of the runtime library: clones only.
    pub runtime: bool,
    /// `-fprivbox-save-temps=`: keep intermediate files in that folder.
    pub save_temps: Option<PathBuf>,
}

impl Default for BoxOptions {
    fn default() -> Self {
        Self {
            enabled: true,
            entry: Vec::new(),
            outside: Vec::new(),
            level: None,
            strength: None,
            report: None,
            verify: true,
            mask_all: false,
            mask_bits: None,
            scheme: Scheme::Elide,
            strict: false,
            runtime: false,
            save_temps: None,
        }
    }
}

impl BoxOptions {
    /// How many address bits a mask keeps: the contract's 63, or what the strict runtime needs, whose
    /// safe stacks lie at 2^46 and above.
    pub fn mask_bits(&self) -> u32 {
        self.mask_bits.unwrap_or(if self.strict { 46 } else { 63 })
    }
}

/// A command line, split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    /// What clang gets, without the program name; response files are expanded.
    pub clang: Vec<OsString>,
    /// What we take.
    pub options: BoxOptions,
    /// `--help-privbox` was there.
    pub help: bool,
}

/// An option of ours with a value that it cannot have.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentError {
    /// The value is not one of a list.
    #[error("invalid value '{value}' in '{option}{value}': expected {expected}")]
    Value {
        /// The option up to and with its `=`.
        option: &'static str,
        /// As given.
        value: String,
        /// What is valid.
        expected: &'static str,
    },
    /// The option begins with ours but is none.
    #[error("unknown option '{0}': see --help-privbox")]
    Unknown(String),
    /// The option has no value where one is needed, or one where none is.
    #[error("option '{0}' {1}")]
    Shape(String, &'static str),
    /// A response file cannot be read or nests without end.
    #[error("{0}")]
    Response(String),
}

/// Splits a command line.
pub fn parse(arguments: Vec<OsString>) -> Result<CommandLine, ArgumentError> {
    let arguments = response::expand(arguments).map_err(ArgumentError::Response)?;
    let mut options = BoxOptions::default();
    let mut clang = Vec::with_capacity(arguments.len());
    let mut help = false;
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let bytes = argument.as_bytes();
        if bytes == b"--" {
            // What follows are inputs, whatever they look like.
            clang.push(argument);
            clang.extend(arguments);
            break;
        }
        if bytes == b"--help-privbox" {
            help = true;
        } else if bytes.starts_with(b"-fprivbox") || bytes.starts_with(b"-fno-privbox") {
            take(&mut options, &argument)?;
        } else {
            let operand_follows = takes_operand(bytes);
            clang.push(argument);
            if operand_follows && let Some(operand) = arguments.next() {
                clang.push(operand);
            }
        }
    }
    Ok(CommandLine {
        clang,
        options,
        help,
    })
}

/// Options of clang whose next word is theirs even if it looks like one of ours.
fn takes_operand(option: &[u8]) -> bool {
    matches!(
        option,
        b"-o" | b"-MF" | b"-MT" | b"-MQ" | b"-Xclang" | b"-Xlinker" | b"-Xassembler" | b"-mllvm"
    )
}

fn take(options: &mut BoxOptions, argument: &OsStr) -> Result<(), ArgumentError> {
    let text = argument.to_string_lossy().into_owned();
    let (name, value) = match argument.as_bytes().iter().position(|&byte| byte == b'=') {
        Some(at) => {
            let value = OsString::from_vec(argument.as_bytes()[at + 1..].to_vec());
            (
                text.split('=').next().unwrap_or_default().to_owned(),
                Some(value),
            )
        }
        None => (text.clone(), None),
    };
    let needs_value = |value: Option<OsString>| {
        value
            .filter(|value| !value.is_empty())
            .ok_or_else(|| ArgumentError::Shape(text.clone(), "needs a value after '='"))
    };
    let string = |value: Option<OsString>| {
        needs_value(value)?
            .into_string()
            .map_err(|_| ArgumentError::Shape(text.clone(), "has a value that is not UTF-8"))
    };
    match name.as_str() {
        "-fprivbox-fn" => options.entry.push(glob(&text, string(value)?)?),
        "-fprivbox-outside" => options.outside.push(glob(&text, string(value)?)?),
        "-fprivbox-level" => options.level = Some(level(string(value)?)?),
        "-fprivbox-strength" => options.strength = Some(strength(string(value)?)?),
        "-fprivbox-report" => options.report = Some(needs_value(value)?.into()),
        "-fprivbox-save-temps" => options.save_temps = Some(needs_value(value)?.into()),
        "-fprivbox-scheme" => options.scheme = scheme(string(value)?)?,
        "-fprivbox-mask-bits" => options.mask_bits = Some(mask_bits(string(value)?)?),
        _ if value.is_some() => return Err(known_without_value(&name, text)),
        "-fprivbox" => options.enabled = true,
        "-fno-privbox" => options.enabled = false,
        "-fprivbox-verify" => options.verify = true,
        "-fno-privbox-verify" => options.verify = false,
        "-fprivbox-spap" => options.level = Some(Level::Spap),
        "-fprivbox-mask-all" => options.mask_all = true,
        "-fprivbox-strict" => options.strict = true,
        "-fprivbox-runtime" => options.runtime = true,
        _ => return Err(ArgumentError::Unknown(text)),
    }
    Ok(())
}

fn known_without_value(name: &str, text: String) -> ArgumentError {
    match take(&mut BoxOptions::default(), OsStr::new(name)) {
        Ok(()) => ArgumentError::Shape(text, "takes no value"),
        Err(_) => ArgumentError::Unknown(text),
    }
}

fn glob(text: &str, value: String) -> Result<String, ArgumentError> {
    match globset::Glob::new(&value) {
        Ok(_) => Ok(value),
        Err(_) => Err(ArgumentError::Shape(text.to_owned(), "is not a valid glob")),
    }
}

fn level(value: String) -> Result<Level, ArgumentError> {
    match value.as_str() {
        "mask" => Ok(Level::Mask),
        "pks" => Ok(Level::Pks),
        "spap" => Ok(Level::Spap),
        _ => Err(ArgumentError::Value {
            option: "-fprivbox-level=",
            value,
            expected: "'mask', 'pks' or 'spap'",
        }),
    }
}

fn strength(value: String) -> Result<Strength, ArgumentError> {
    match value.as_str() {
        "architectural" => Ok(Strength::Architectural),
        "transient" => Ok(Strength::Transient),
        _ => Err(ArgumentError::Value {
            option: "-fprivbox-strength=",
            value,
            expected: "'architectural' or 'transient'",
        }),
    }
}

fn scheme(value: String) -> Result<Scheme, ArgumentError> {
    match value.as_str() {
        "elide" => Ok(Scheme::Elide),
        "paper" => Ok(Scheme::Paper),
        _ => Err(ArgumentError::Value {
            option: "-fprivbox-scheme=",
            value,
            expected: "'elide' or 'paper'",
        }),
    }
}

fn mask_bits(value: String) -> Result<u32, ArgumentError> {
    match value.parse() {
        Ok(bits @ 32..=63) => Ok(bits),
        _ => Err(ArgumentError::Value {
            option: "-fprivbox-mask-bits=",
            value,
            expected: "a number from 32 to 63",
        }),
    }
}

/// The text of `--help-privbox`.
pub const HELP: &str = "\
USAGE: privbox-cc [options] file...
       privbox-c++ [options] file...

privbox-cc is clang: every option of clang works (see --help). Functions that can run in the
box are compiled twice: as usual, and as an instrumented copy that a verifier accepts.

OPTIONS OF THE BOX:
  -fprivbox-fn=NAME          Functions that enter the box when called; a glob on the linker's
                             name, repeatable. -fprivbox-fn=main puts the whole program in.
  -fprivbox-outside=NAME     Functions that stay outside: the box calls them out. A glob,
                             repeatable.
  -fprivbox-level=LEVEL      Hardware help that the code relies on: mask (none, default),
                             pks (supervisor protection keys: only stores are masked),
                             spap (the paper's proposed feature: nothing is masked).
  -fprivbox-spap             The same as -fprivbox-level=spap.
  -fprivbox-strength=STRENGTH
                             architectural (default) or transient: also mask again where
                             speculation could see an older value.
  -fprivbox-report=FILE      Write what was masked, elided and called out, per function, and at
                             link what runs outside: one JSON object a line, one line a unit.
  -fno-privbox               Be clang and nothing else.
  -fno-privbox-verify        Do not verify (the kernel module still does).
  --help-privbox             This text.

A command with the box fails with exit code 1 where clang would, for the same reasons, and if the
result does not verify. PRIVBOX_CLANG names another clang 22; PRIVBOX_RESOURCES the folder of
libprivbox.a, privbox.ld and include/privbox.h.
";
