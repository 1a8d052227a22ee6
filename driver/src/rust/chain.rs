//! Other wrappers of rustc: what the user has set for cargo besides ours, such as `sccache`.
//!
//! cargo runs `RUSTC_WRAPPER RUSTC_WORKSPACE_WRAPPER rustc ...`. The first is ours; the second follows as cargo has it, for
//! members of the workspace. What the user had in place of the first runs behind ours: what it sees and keeps is what
//! rustc makes, and we go on from there.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

/// The user's own wrapper of rustc, which runs behind ours.
pub const WRAPPER: &str = "PRIVBOX_RUSTC_WRAPPER";

/// What [`WRAPPER`] says; empty says nothing.
pub fn from_environment() -> Option<OsString> {
    env::var_os(WRAPPER).filter(|wrapper| !wrapper.is_empty())
}

/// rustc, and the programs that run it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rustc {
    /// The last one is rustc itself.
    programs: Vec<OsString>,
}

impl Rustc {
    /// Takes the programs off the front of a command line; `None`: there is none.
    pub fn take(
        arguments: Vec<OsString>,
        wrapper: Option<OsString>,
    ) -> Option<(Self, Vec<OsString>)> {
        if arguments.is_empty() {
            return None;
        }
        let behind = arguments.iter().skip(1);
        let count = 1 + behind.take_while(|word| is_program(word)).count();
        let mut words = arguments.into_iter();
        let mut programs: Vec<OsString> = wrapper.into_iter().collect();
        programs.extend(words.by_ref().take(count));
        Some((Self { programs }, words.collect()))
    }

    /// rustc itself, for questions.
    pub fn program(&self) -> &OsStr {
        self.programs
            .last()
            .map_or(OsStr::new("rustc"), |last| last)
    }

    /// All of them, the first of which runs the others.
    pub fn command(&self) -> Command {
        let mut command = Command::new(
            self.programs
                .first()
                .map_or(OsStr::new("rustc"), |first| first),
        );
        command.args(self.programs.iter().skip(1));
        command
    }

    /// For messages.
    pub fn shown(&self) -> String {
        let words: Vec<_> = self
            .programs
            .iter()
            .map(|word| word.to_string_lossy())
            .collect();
        format!("'{}'", words.join(" "))
    }
}

/// Is this word behind a wrapper's name another program, rather than rustc's first argument? clippy's driver asks in the
/// same way whether it is a wrapper.
fn is_program(word: &OsStr) -> bool {
    let path = Path::new(word);
    if word.as_bytes().starts_with(b"-") || word.as_bytes().starts_with(b"@") {
        return false;
    }
    if path.extension().is_some_and(|extension| extension == "rs") {
        return false;
    }
    let executable =
        || fs::metadata(path).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0);
    path.file_stem().is_some_and(|stem| stem == "rustc")
        || (word.as_bytes().contains(&b'/') && executable())
}

/// The wrapper that cargo would use without us: `RUSTC_WRAPPER`, or what its configuration says. `given`: values of
/// `--config`.
///
/// # Errors
/// A file of the configuration cannot be read.
pub fn of_the_user(own: &Path, given: &[OsString]) -> Result<Option<OsString>> {
    for variable in ["RUSTC_WRAPPER", "CARGO_BUILD_RUSTC_WRAPPER"] {
        if let Some(wrapper) = env::var_os(variable) {
            // Empty: none, whatever the configuration says.
            return Ok(unless_own(wrapper, own));
        }
    }
    // The last one counts, before all files.
    for given in given.iter().rev() {
        let text = given.to_string_lossy();
        let found = if Path::new(given).is_file() {
            in_file(Path::new(given))?
        } else {
            in_text(&text).ok().flatten()
        };
        if let Some(wrapper) = found {
            return Ok(unless_own(wrapper.into(), own));
        }
    }
    let here = env::current_dir()?;
    let home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo")));
    let folders = here
        .ancestors()
        .map(|folder| folder.join(".cargo"))
        .chain(home);
    for folder in folders {
        // Without an ending: as cargo had it once, and it comes first.
        for name in ["config", "config.toml"] {
            let file = folder.join(name);
            if file.is_file()
                && let Some(wrapper) = in_file(&file)?
            {
                return Ok(unless_own(wrapper.into(), own));
            }
        }
    }
    Ok(None)
}

/// Nothing, or ourselves: wired by hand, too.
fn unless_own(wrapper: OsString, own: &Path) -> Option<OsString> {
    let path = Path::new(&wrapper);
    let same = path.file_name() == own.file_name()
        || matches!((path.canonicalize(), own.canonicalize()), (Ok(a), Ok(b)) if a == b);
    (!wrapper.is_empty() && !same).then_some(wrapper)
}

fn in_file(file: &Path) -> Result<Option<String>> {
    let shown = || format!("in cargo's configuration '{}'", file.display());
    let text = fs::read_to_string(file).with_context(shown)?;
    let found = in_text(&text).with_context(shown)?;
    // A path is relative to the folder that `.cargo` is in.
    Ok(
        found.map(|wrapper| match file.parent().and_then(Path::parent) {
            Some(folder) if wrapper.contains('/') => folder.join(&wrapper).display().to_string(),
            _ => wrapper,
        }),
    )
}

/// `build.rustc-wrapper` of a configuration: a string, or a table with a path.
fn in_text(text: &str) -> Result<Option<String>> {
    let table: toml::Table = text.parse()?;
    let value = table
        .get("build")
        .and_then(|build| build.get("rustc-wrapper"));
    let value = value.map(|value| value.get("path").unwrap_or(value));
    Ok(value
        .and_then(|value| value.as_str())
        .filter(|word| !word.is_empty())
        .map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(words: &str, wrapper: Option<&str>) -> (String, String, String) {
        let words = words.split(' ').map(OsString::from).collect();
        let (rustc, rest) = Rustc::take(words, wrapper.map(OsString::from)).unwrap();
        let rest: Vec<_> = rest.iter().map(|word| word.to_string_lossy()).collect();
        (
            rustc.shown(),
            rustc.program().to_string_lossy().into_owned(),
            rest.join(" "),
        )
    }

    #[test]
    fn programs_come_first() {
        let line = |programs: &str, rustc: &str, rest: &str| {
            (format!("'{programs}'"), rustc.to_owned(), rest.to_owned())
        };
        assert_eq!(take("rustc -vV", None), line("rustc", "rustc", "-vV"));
        assert_eq!(
            take("rustc src/main.rs -O", None),
            line("rustc", "rustc", "src/main.rs -O")
        );
        assert_eq!(
            take("/bin/sh /x/bin/rustc --crate-name a", None),
            line("/bin/sh /x/bin/rustc", "/x/bin/rustc", "--crate-name a")
        );
        assert_eq!(
            take("/bin/sh rustc - --print=cfg", Some("sccache")),
            line("sccache /bin/sh rustc", "rustc", "- --print=cfg")
        );
        assert!(Rustc::take(Vec::new(), Some("sccache".into())).is_none());
    }

    #[test]
    fn the_configuration_names_a_wrapper() {
        let of = |text| in_text(text).unwrap();
        assert_eq!(
            of("[build]\nrustc-wrapper = \"sccache\"\n"),
            Some("sccache".to_owned())
        );
        assert_eq!(of("build.rustc-wrapper = 'x'"), Some("x".to_owned()));
        assert_eq!(
            of("build.rustc-wrapper = { path = 'y' }"),
            Some("y".to_owned())
        );
        assert_eq!(of("[build]\nrustc-wrapper = \"\"\njobs = 1\n"), None);
        assert_eq!(of(""), None);
        assert!(in_text("[build").is_err());
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(".cargo/config.toml");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "build.rustc-wrapper = 'tools/wrap'").unwrap();
        let expected = folder.path().join("tools/wrap").display().to_string();
        assert_eq!(in_file(&file).unwrap(), Some(expected));
    }

    #[test]
    fn we_do_not_wrap_ourselves() {
        let own = Path::new("/opt/privbox/bin/privbox-rustc");
        assert_eq!(unless_own("privbox-rustc".into(), own), None);
        assert_eq!(unless_own("".into(), own), None);
        assert_eq!(unless_own("sccache".into(), own), Some("sccache".into()));
    }
}
