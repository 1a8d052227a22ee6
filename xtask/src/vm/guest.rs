//! A guest with the module, from its options: what the command line and the tests share.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use super::machine::{Config, End, Machine, Task};
use super::{Trouble, initramfs, kernel, module};
use crate::deps::{self, Need};
use crate::util::{self, Project};

/// What a guest is made of.
#[derive(Debug, Clone)]
pub struct Options {
    /// The start of the kernel's version: `6.1`, `6.12`, `6.1.0-50`.
    pub kernel: String,
    /// Whether the kernel chooses its address, which boots more slowly.
    pub kaslr: bool,
    /// Page table isolation; the kernel decides by the CPU if it is not said.
    pub pti: Option<bool>,
    /// CPUs.
    pub smp: u32,
    /// As QEMU's `-cpu` says it.
    pub cpu: String,
    /// MiB.
    pub memory: u32,
    /// Whether time goes by the instructions executed: figures are then the same in every run.
    pub icount: bool,
    /// More of the kernel's command line.
    pub append: Vec<String>,
    /// The module's sources; none: without the module.
    pub module: Option<PathBuf>,
}

impl Options {
    /// One CPU of QEMU's best model, the module of this source tree (or of `PRIVBOX_MODULE_SOURCE`).
    pub fn new(project: &Project, kernel: &str) -> Self {
        Self {
            kernel: kernel.to_owned(),
            kaslr: false,
            pti: None,
            smp: 1,
            cpu: "max".to_owned(),
            memory: 1024,
            icount: false,
            append: Vec::new(),
            module: Some(module_source(project)),
        }
    }

    /// Fetches and builds what is not there.
    ///
    /// # Errors
    /// Say what is missing, and what to do.
    pub fn prepare(&self, project: &Project, install: bool) -> Result<Prepared> {
        deps::ensure(Need::Vm, install)?;
        let kernel = kernel::find(project, &self.kernel, install)?;
        let initramfs = initramfs::build(project, &kernel)?;
        let module = match &self.module {
            Some(source) => Some(module::build(project, &kernel, source, module::NAME)?),
            None => None,
        };
        let image = if self.kaslr {
            kernel.image
        } else {
            kernel.vmlinux
        };
        Ok(Prepared {
            release: kernel.release,
            module,
            config: Config {
                image,
                initramfs,
                pti: self.pti,
                smp: self.smp,
                cpu: self.cpu.clone(),
                memory: self.memory,
                icount: self.icount,
                append: self.append.clone(),
            },
        })
    }
}

/// Where the module's sources are.
pub fn module_source(project: &Project) -> PathBuf {
    env::var_os("PRIVBOX_MODULE_SOURCE").map_or_else(|| project.root.join("kernel"), PathBuf::from)
}

/// Everything is there to boot.
#[derive(Debug, Clone)]
pub struct Prepared {
    release: String,
    module: Option<PathBuf>,
    config: Config,
}

impl Prepared {
    /// The kernel's release, as `uname -r` says it.
    pub fn release(&self) -> &str {
        &self.release
    }
}

/// A booted guest. Dropping it ends it.
pub struct Guest {
    machine: Machine,
    module: Option<PathBuf>,
    loaded: bool,
    privbox: PathBuf,
    variables: Vec<(OsString, OsString)>,
}

impl Guest {
    /// Boots; the module is not loaded yet.
    pub fn boot(project: &Project, prepared: &Prepared) -> Result<Self> {
        let folder = logs(project)?;
        Ok(Self {
            machine: Machine::boot(&prepared.config, &folder)?,
            module: prepared.module.clone(),
            loaded: false,
            privbox: env::var_os("PRIVBOX_BIN").map_or_else(
                || project.tool("privbox"),
                |folder| PathBuf::from(folder).join("privbox"),
            ),
            variables: variables(project),
        })
    }

    /// Our environment, for commands in the guest.
    pub fn variables(&self) -> &[(OsString, OsString)] {
        &self.variables
    }

    /// The CPU time that the machine took until now.
    pub fn cpu_time(&self) -> Duration {
        self.machine.cpu_time()
    }

    /// The folder with the logs.
    pub fn folder(&self) -> &Path {
        self.machine.folder()
    }

    /// Loads the module with these parameters.
    pub fn load_module(&mut self, parameters: &str) -> Result<()> {
        let module = self.module.as_ref().context("a guest without the module")?;
        self.machine.load(module, parameters)?;
        self.loaded = true;
        Ok(())
    }

    /// Trusts a file.
    pub fn trust(&mut self, file: &Path) -> Result<()> {
        let file = fs::canonicalize(file).with_context(|| format!("--trust {}", file.display()))?;
        let task = Task {
            folder: PathBuf::from("/"),
            variables: self.variables.clone(),
            words: vec![
                self.privbox.clone().into(),
                "trust".into(),
                // Recording it would be for the guest's next boot, which there is not.
                "--runtime".into(),
                file.clone().into(),
            ],
        };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let limit = Duration::from_secs(120);
        let end = self.machine.run(&task, limit, &mut out, &mut err)?;
        if end == End::Code(0) {
            return Ok(());
        }
        Err(Trouble::Boot(format!(
            "`privbox trust {}` failed in the guest: {end}\n{}{}",
            file.display(),
            String::from_utf8_lossy(&out),
            String::from_utf8_lossy(&err)
        ))
        .into())
    }

    /// Runs a command; what it prints goes to `out` and `err` as it comes. When it has ended, the guest has no other
    /// process.
    pub fn run(
        &mut self,
        task: &Task,
        limit: Duration,
        out: &mut dyn Write,
        err: &mut dyn Write,
    ) -> Result<End> {
        self.machine.run(task, limit, out, err)
    }

    /// Unloads the module, now that nothing runs, and returns what the kernel log said until then that a healthy
    /// kernel does not say, each with several lines. A module that cannot be unloaded counts too.
    pub fn finish(&mut self) -> Vec<String> {
        let mut reports = self.machine.reports();
        // After an oops, the module may never be free, and there is a better report.
        if self.loaded
            && reports.is_empty()
            && let Err(error) = self.machine.unload(module::NAME)
        {
            reports.push(format!("{error:#}"));
        }
        self.loaded = false;
        reports.extend(self.machine.reports());
        reports
    }
}

/// Our environment, without what cargo put into it for us.
fn variables(project: &Project) -> Vec<(OsString, OsString)> {
    env::vars_os()
        .filter(|(name, _)| {
            let name = name.to_string_lossy();
            !name.starts_with("CARGO") && !name.starts_with("RUSTUP")
        })
        .filter_map(|(name, value)| {
            if name != "LD_LIBRARY_PATH" {
                return Some((name, value));
            }
            let kept = env::split_paths(&value).filter(|path| {
                !path.starts_with(&project.target) && !path.to_string_lossy().contains("rustlib")
            });
            let value = env::join_paths(kept).ok()?;
            (!value.is_empty()).then_some((name, value))
        })
        .collect()
}

/// A folder for the logs of one run; the oldest ones are removed.
fn logs(project: &Project) -> Result<PathBuf> {
    const KEPT: usize = 20;
    let all = project.scratch("vm/runs")?;
    let mut old: Vec<PathBuf> = fs::read_dir(&all)?
        .flatten()
        .map(|entry| entry.path())
        .collect();
    old.sort_by_key(|path| fs::metadata(path).and_then(|data| data.modified()).ok());
    for folder in old.iter().rev().skip(KEPT) {
        let _ = fs::remove_dir_all(folder);
    }
    let folder = tempfile::Builder::new()
        .prefix("run-")
        .rand_bytes(8)
        .tempdir_in(&all)
        .map_err(|error| util::Failure::Unwritable(all.clone(), error))?;
    Ok(folder.keep())
}
