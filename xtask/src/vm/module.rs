//! Builds `kernel/` against the headers of a kernel, in the target folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::Trouble;
use super::kernel::Kernel;
use crate::util::{self, Failure, Project};

/// The module's name, as `lsmod` shows it.
pub const NAME: &str = "privbox";

/// Builds the module `name` in `source` for `kernel` if anything changed, and returns the `.ko` file.
pub fn build(project: &Project, kernel: &Kernel, source: &Path, name: &str) -> Result<PathBuf> {
    let folder = project.scratch(&format!("vm/module/{}/{name}", kernel.release))?;
    let lock = fs::File::create(folder.join("lock"))
        .map_err(|error| Failure::Unwritable(folder.join("lock"), error))?;
    lock.lock()?;
    let inputs = inputs(source);
    if inputs.is_empty() {
        return Err(
            Trouble::Setup(format!("{} has no sources of a module", source.display())).into(),
        );
    }
    let build = folder.join("build");
    let mut command = Command::new("make");
    command
        .arg("-C")
        .arg(&kernel.headers)
        .arg(format!("M={}", build.display()))
        // Without pahole, and nothing needs it.
        .arg("CONFIG_DEBUG_INFO_BTF_MODULES=")
        .arg("modules");
    let mut recipe = util::show(&command);
    for input in &inputs {
        recipe.push_str(&format!("\n{}", input.display()));
    }
    let module = folder.join(format!("{name}.ko"));
    if util::up_to_date(&module, &inputs, &recipe) {
        return Ok(module);
    }
    copy_changed(source, &inputs, &build)?;
    // Of our own cargo: it would change what make does.
    command.env_remove("MAKEFLAGS").env_remove("MFLAGS");
    let output = command
        .output()
        .with_context(|| format!("cannot run {}", util::show(&command)))?;
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    let made = build.join(format!("{name}.ko"));
    if !output.status.success() || !made.is_file() {
        return Err(Trouble::Setup(format!(
            "{name}.ko does not build for {}\n{}\n{}",
            kernel.release,
            util::show(&command),
            util::tail(&text, 40)
        ))
        .into());
    }
    for line in text.lines().filter(|line| line.contains("warning:")) {
        eprintln!("vm: {line}");
    }
    util::copy(&made, &module)?;
    util::note_recipe(&module, &recipe)?;
    Ok(module)
}

/// What the module is made of; not what somebody's build left beside it.
fn inputs(source: &Path) -> Vec<PathBuf> {
    let mut files = util::files_below(source, &["c", "h", "S", "lds"]);
    files.retain(|file| !file.to_string_lossy().ends_with(".mod.c"));
    let named = ["Makefile", "Kbuild"];
    files.extend(
        named
            .iter()
            .map(|name| source.join(name))
            .filter(|file| file.is_file()),
    );
    files
}

/// Makes `to` a copy of the inputs. Files that are the same stay untouched, so that make builds only what changed.
fn copy_changed(source: &Path, inputs: &[PathBuf], to: &Path) -> Result<()> {
    util::make_folder(to)?;
    let mut kept = Vec::new();
    for input in inputs {
        let copy = to.join(input.strip_prefix(source)?);
        util::make_folder(copy.parent().context("a file has no folder")?)?;
        let new = fs::read(input).with_context(|| format!("cannot read {}", input.display()))?;
        if fs::read(&copy).ok().as_ref() != Some(&new) {
            fs::write(&copy, new).map_err(|error| Failure::Unwritable(copy.clone(), error))?;
        }
        kept.push(copy);
    }
    // A source that was removed must not be built.
    for file in self::inputs(to) {
        if !kept.contains(&file) {
            fs::remove_file(file)?;
        }
    }
    Ok(())
}
