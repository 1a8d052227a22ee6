//! What the user chose. rustc's command line belongs to cargo, so choices come by the environment.

use std::env;
use std::ffi::{OsStr, OsString};

use anyhow::{Context as _, Result, bail};
use privbox_pass::post_link::Effort;

use crate::wrapper::args::{self, BoxOptions};

/// Options of the box, in the spelling of `privbox-cc`: `-fprivbox-level=spap -fprivbox-fn='app::serve'`.
pub const FLAGS: &str = "PRIVBOX_FLAGS";
/// Set by the wrapper for the linker that rustc starts: the `opt-level` of the crate at hand.
pub const OPT_LEVEL: &str = "PRIVBOX_RUST_OPT_LEVEL";
/// Set by `cargo privbox`, which always builds with `--target`: crates without it run while building.
pub const HOST_IS_MARKED: &str = "PRIVBOX_RUST_TARGET_ONLY";
/// Set by the wrapper for the linker: the name of the crate at hand.
pub const CRATE: &str = "PRIVBOX_RUST_CRATE";
/// Set by the wrapper for the linker: where rustc's own libraries are.
pub const SYSROOT: &str = "PRIVBOX_RUST_SYSROOT";

/// Reads `PRIVBOX_FLAGS`.
pub fn from_environment() -> Result<BoxOptions> {
    let Some(text) = env::var_os(FLAGS).filter(|text| !text.is_empty()) else {
        return Ok(BoxOptions::default());
    };
    let text = text
        .into_string()
        .map_err(|_| anyhow::anyhow!("{FLAGS} is not valid UTF-8"))?;
    parse(&text)
}

/// Reads a line of options.
pub fn parse(text: &str) -> Result<BoxOptions> {
    let words = shell_words::split(text).with_context(|| format!("in {FLAGS}='{text}'"))?;
    let words = words.into_iter().map(OsString::from).collect();
    let line = args::parse(words).with_context(|| format!("in {FLAGS}"))?;
    if let Some(word) = line.clang.first() {
        bail!(
            "{FLAGS} holds '{}', which is no option of the box: it takes -fprivbox-... only",
            word.to_string_lossy()
        );
    }
    Ok(line.options)
}

/// The value of `-C opt-level=`.
pub fn effort(value: &OsStr) -> Result<Effort> {
    Ok(match value.to_string_lossy().trim_matches('"') {
        "0" => Effort::None,
        "1" => Effort::Less,
        "2" => Effort::Default,
        "3" => Effort::Aggressive,
        "s" => Effort::Size,
        "z" => Effort::SizeMin,
        other => bail!("'{other}' is no opt-level"),
    })
}

/// As [`effort`] reads it.
pub fn effort_name(effort: Effort) -> &'static str {
    match effort {
        Effort::None => "0",
        Effort::Less => "1",
        Effort::Default => "2",
        Effort::Aggressive => "3",
        Effort::Size => "s",
        Effort::SizeMin => "z",
    }
}
