//! What cargo says about the user's package.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::wrapper::crates;

/// Where the package is, and what decides what it is made of: cargo's options.
#[derive(Debug, Default)]
pub struct Package<'a> {
    /// `--manifest-path`
    pub manifest: Option<&'a Path>,
    /// `--config`, with its values.
    pub config: &'a [OsString],
    /// `--features`, `--locked` and the like.
    pub resolve: &'a [OsString],
}

impl Package<'_> {
    /// cargo's target folder for the workspace.
    pub fn target_directory(&self) -> Result<PathBuf> {
        let output = self.metadata(&["--no-deps".into()])?;
        let metadata = match output {
            Ok(metadata) => metadata,
            Err(message) => bail!("cargo does not know this package:\n{message}"),
        };
        let folder = metadata["target_directory"]
            .as_str()
            .context("cargo metadata names no target folder")?;
        Ok(folder.into())
    }

    /// Each crate that a name of `-fprivbox-fn=` is about must be one of the package, or one that it is built with: a program
    /// that does not have it takes no offence at the name, so nobody would.
    pub fn has_crates_of(&self, names: &[String]) -> Result<()> {
        if names.iter().all(|name| crates::named(name).is_empty()) {
            return Ok(());
        }
        // What cargo has to complain about, it will when it builds.
        let Ok(metadata) = self.metadata(self.resolve)? else {
            return Ok(());
        };
        let (own, all) = crates_of(&metadata);
        for name in names {
            let Some(unknown) = crates::named(name)
                .into_iter()
                .find(|name| !all.contains(*name))
            else {
                continue;
            };
            let near = all.iter().find(|known| is_near(known, unknown));
            let help = match near {
                Some(near) => format!("help: is it '{near}'?"),
                None => {
                    let own: Vec<&str> = own.iter().map(String::as_str).collect();
                    format!("note: the crates of this package: {}", own.join(", "))
                }
            };
            bail!("-fprivbox-fn={name}: no crate '{unknown}' is built here\n{help}");
        }
        Ok(())
    }

    /// `cargo metadata`, or what cargo says instead.
    fn metadata(&self, more: &[OsString]) -> Result<Result<Value, String>> {
        let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut cargo = Command::new(program);
        cargo.args(["metadata", "--format-version", "1"]);
        if let Some(manifest) = self.manifest {
            cargo.arg("--manifest-path").arg(manifest);
        }
        cargo.args(self.config).args(more);
        let output = cargo.output().context("cannot run cargo")?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr);
            return Ok(Err(text.trim_end().to_owned()));
        }
        let metadata = serde_json::from_slice(&output.stdout);
        Ok(Ok(metadata.context("cargo metadata is not readable")?))
    }
}

/// The crates of the workspace, and all that its programs may be made of: everything but what runs while building.
fn crates_of(metadata: &Value) -> (BTreeSet<String>, BTreeSet<String>) {
    let strings = |value: &Value| -> Vec<String> {
        let all = value.as_array().into_iter().flatten();
        all.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let members = strings(&metadata["workspace_members"]);
    let (mut own, mut all) = (BTreeSet::new(), BTreeSet::new());
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let is_own = package["id"]
            .as_str()
            .is_some_and(|id| members.iter().any(|member| member == id));
        for target in package["targets"].as_array().into_iter().flatten() {
            let kinds = strings(&target["kind"]);
            if kinds
                .iter()
                .any(|kind| kind == "proc-macro" || kind == "custom-build")
            {
                continue;
            }
            let name = target["name"]
                .as_str()
                .unwrap_or_default()
                .replace('-', "_");
            if is_own {
                own.insert(name.clone());
            }
            all.insert(name);
        }
    }
    (own, all)
}

/// Do two names differ by no more than one letter that is wrong, missing, too many, or at its neighbour's place?
fn is_near(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let same = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[same..], &b[same..]);
    let rest = |x: &[char], from: usize| x.get(from..).unwrap_or_default().to_vec();
    let swapped = a.len() > 1 && b.len() > 1 && a[0] == b[1] && a[1] == b[0];
    rest(a, 1) == rest(b, 1)
        || (!a.is_empty() && rest(a, 1) == b)
        || (!b.is_empty() && a == rest(b, 1))
        || (swapped && rest(a, 2) == rest(b, 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slip_is_near() {
        for (a, b) in [
            ("words", "word"),
            ("word", "words"),
            ("words", "wrods"),
            ("words", "wards"),
        ] {
            assert!(is_near(a, b), "{a} {b}");
        }
        for (a, b) in [("words", "wo"), ("app", "two"), ("words", "sdrow")] {
            assert!(!is_near(a, b), "{a} {b}");
        }
    }

    #[test]
    fn crates_are_what_programs_are_made_of() {
        let metadata = serde_json::json!({
            "workspace_members": ["app 1"],
            "packages": [
                {"id": "app 1", "targets": [
                    {"name": "my-app", "kind": ["bin"]}, {"name": "build-script-build", "kind": ["custom-build"]}]},
                {"id": "dep 1", "targets": [{"name": "dep", "kind": ["lib"]}, {"name": "m", "kind": ["proc-macro"]}]},
            ]
        });
        let (own, all) = crates_of(&metadata);
        assert_eq!(own, BTreeSet::from(["my_app".to_owned()]));
        assert_eq!(all, BTreeSet::from(["my_app".to_owned(), "dep".to_owned()]));
    }
}
