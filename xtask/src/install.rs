//! `cargo xtask install`: copies the built toolchain below a prefix.

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::toolchain;
use crate::util::{self, Project};

/// Options of `install`.
#[derive(Args)]
pub struct Arguments {
    /// Where to install: programs to PREFIX/bin, the rest to PREFIX/lib/privbox.
    #[arg(long, default_value = "/usr/local")]
    prefix: PathBuf,
    /// A folder put before the prefix, for packaging (also from the environment's DESTDIR).
    #[arg(long)]
    destdir: Option<PathBuf>,
}

/// Builds and installs. Installing twice gives the same files.
pub fn run(project: &Project, arguments: &Arguments, install: bool) -> Result<()> {
    if !arguments.prefix.is_absolute() {
        bail!(
            "--prefix must be an absolute path, not {}",
            arguments.prefix.display()
        );
    }
    let built = toolchain::build(project, install)?;
    let destdir = arguments
        .destdir
        .clone()
        .or_else(|| env::var_os("DESTDIR").map(PathBuf::from));
    let top = match destdir {
        // Joining an absolute path would forget the destination.
        Some(folder) => folder.join(arguments.prefix.strip_prefix("/")?),
        None => arguments.prefix.clone(),
    };
    let bin = top.join("bin");
    util::make_folder(&bin)?;
    for name in toolchain::PROGRAMS {
        util::copy(&project.tool(name), &bin.join(name))?;
        println!("{}", bin.join(name).display());
    }
    for (alias, name) in toolchain::ALIASES {
        link(name, &bin.join(alias))?;
        println!("{}", bin.join(alias).display());
    }
    let resources = top.join("lib/privbox");
    for file in util::files_below(&built.resources, &["a", "bc", "ld", "h"]) {
        let to = resources.join(file.strip_prefix(&built.resources)?);
        util::make_folder(to.parent().context("a file has no folder")?)?;
        util::copy(&file, &to)?;
        println!("{}", to.display());
    }
    Ok(())
}

/// Makes `link` a symbolic link to `name` in the same folder, in place of what is there.
pub fn link(name: &str, link: &Path) -> Result<()> {
    if fs::read_link(link).is_ok_and(|target| target == Path::new(name)) {
        return Ok(());
    }
    let _ = fs::remove_file(link);
    symlink(name, link).map_err(|error| util::Failure::Unwritable(link.to_path_buf(), error).into())
}
