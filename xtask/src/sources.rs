//! The sources of real programs: C and C++ code that crates.io packages carry. cargo fetches and caches them;
//! nothing is copied into the tree.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::util::{self, Project, cargo};

/// The folder of a program's sources inside its package, by program.
const INSIDE: &[(&str, &str, &str)] = &[
    ("sqlite", "libsqlite3-sys", "sqlite3"),
    ("zstd", "zstd-sys", "zstd/lib"),
    ("lz4", "lz4-sys", "liblz4/lib"),
    ("zlib", "libz-sys", "src/zlib"),
    ("lua", "lua-src", "lua-5.4.9"),
    ("quickjs", "rquickjs-sys", "quickjs"),
    ("jsonnet", "jsonnet-sys", "jsonnet"),
];

/// Where each program's C sources are.
#[derive(Debug)]
pub struct Sources(BTreeMap<&'static str, PathBuf>);

impl Sources {
    /// The folder of one program's sources.
    pub fn folder(&self, program: &str) -> Result<&Path> {
        self.0
            .get(program)
            .map(PathBuf::as_path)
            .with_context(|| format!("no sources are known for {program}"))
    }

    /// Every program and its folder.
    pub fn all(&self) -> impl Iterator<Item = (&str, &Path)> {
        self.0
            .iter()
            .map(|(name, folder)| (*name, folder.as_path()))
    }
}

/// Fetches the packages that benches/sources/Cargo.lock pins and finds their folders.
pub fn fetch(project: &Project) -> Result<Sources> {
    let manifest = project.root.join("benches/sources/Cargo.toml");
    let mut fetch = cargo();
    fetch
        .args(["fetch", "--quiet", "--locked", "--manifest-path"])
        .arg(&manifest);
    util::capture(&mut fetch)
        .context("the sources of the real programs cannot be fetched from crates.io")?;
    let mut metadata = cargo();
    metadata
        .args([
            "metadata",
            "--locked",
            "--offline",
            "--format-version",
            "1",
            "--manifest-path",
        ])
        .arg(&manifest);
    let metadata: serde_json::Value =
        serde_json::from_slice(&util::capture(&mut metadata)?.stdout)?;
    let packages = metadata["packages"]
        .as_array()
        .context("cargo metadata lists no packages")?;
    let mut found = BTreeMap::new();
    for &(program, package, inside) in INSIDE {
        let manifest = packages
            .iter()
            .find(|entry| entry["name"] == package)
            .and_then(|entry| entry["manifest_path"].as_str())
            .with_context(|| format!("cargo metadata does not know {package}"))?;
        let folder = Path::new(manifest).with_file_name(inside);
        if !folder.is_dir() {
            bail!(
                "{package} has no folder {inside}: its version is not the one in benches/sources/Cargo.toml"
            );
        }
        found.insert(program, folder);
    }
    Ok(Sources(found))
}
