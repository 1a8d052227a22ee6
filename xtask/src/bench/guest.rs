//! What benchmarks run in guests whose clock counts instructions: figures are the same in every run.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::util::Project;
use crate::vm::{self, End, Guest, Switch, Task, Trouble};

/// The time of one run: there is no real-time clock to hurry it.
const LIMIT: Duration = Duration::from_secs(600);

/// Calls `measure` with each kernel, and with the name of each setting of page-table isolation and whether it is on.
pub fn each(
    kernels: &[String],
    pti: &[Switch],
    mut measure: impl FnMut(&str, &'static str, bool) -> Result<()>,
) -> Result<()> {
    for kernel in kernels {
        for &pti in pti {
            let isolated = pti == Switch::On;
            let name = if isolated { "pti=on" } else { "pti=off" };
            println!("measure    {kernel}, {name}");
            measure(kernel, name, isolated).with_context(|| format!("kernel {kernel}, {name}"))?;
        }
    }
    Ok(())
}

/// A guest with the module, which trusts `program`.
pub fn boot(
    project: &Project,
    kernel: &str,
    pti: bool,
    program: &Path,
    install: bool,
) -> Result<Guest> {
    let options = vm::Options {
        pti: Some(pti),
        icount: true,
        ..vm::Options::new(project, kernel)
    };
    let mut guest = Guest::boot(project, &options.prepare(project, install)?)?;
    guest.load_module("")?;
    guest.trust(program)?;
    Ok(guest)
}

/// What a command prints with `PRIVBOX=mode`.
pub fn output(
    guest: &mut Guest,
    project: &Project,
    words: Vec<OsString>,
    mode: &str,
) -> Result<String> {
    let mut variables = guest.variables().to_vec();
    variables.retain(|(name, _)| name != "PRIVBOX");
    variables.push(("PRIVBOX".into(), mode.into()));
    let shown = words[0].to_string_lossy().into_owned();
    let task = Task {
        folder: project.root.clone(),
        variables,
        words,
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let end = guest.run(&task, LIMIT, &mut out, &mut err)?;
    if end != End::Code(0) {
        bail!(
            "PRIVBOX={mode} {shown}: {end}\n{}",
            String::from_utf8_lossy(&err)
        );
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// Ends it; what its kernel reported is an error.
pub fn finish(mut guest: Guest) -> Result<()> {
    let reports = guest.finish();
    if !reports.is_empty() {
        return Err(Trouble::Kernel(reports.join("\n")).into());
    }
    Ok(())
}
