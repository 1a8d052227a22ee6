//! `cargo xtask vm`: runs a command on a stock Debian kernel with the module, in QEMU.
//!
//! | file | |
//! | --- | --- |
//! | `kernel` | Debian's packages of a kernel, unpacked |
//! | `vmlinux` | the kernel out of its compressed image |
//! | `module` | builds `kernel/` for it |
//! | `initramfs` | the agent and the modules that mount the host's tree |
//! | `guest/agent.c` | what runs as the guest's first process |
//! | `machine` | QEMU and the conversation with the agent |
//! | `log` | which lines of the kernel log are bad news |

mod initramfs;
mod kernel;
mod log;
mod machine;
mod module;
mod vmlinux;

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use crate::deps::{self, Need};
use crate::util::{self, Project};
use machine::{Config, End, Machine, Task};

/// Exit code: packages, kernel, module or QEMU are not what they should be; nothing ran.
pub const SETUP: u8 = 2;
/// Exit code: the kernel log reports a problem, whatever the command's exit code was.
pub const KERNEL: u8 = 120;
/// Exit code: the guest died, by a panic or a triple fault.
pub const DIED: u8 = 121;
/// Exit code: the guest did not boot, or did not load the module, or does not trust a file.
pub const BOOT: u8 = 122;
/// Exit code: the command ran longer than it may, as `timeout` says it.
pub const TIMED_OUT: u8 = 124;

/// What can go wrong besides the command itself.
#[derive(Debug)]
pub enum Trouble {
    /// See [`SETUP`].
    Setup(String),
    /// See [`KERNEL`].
    Kernel(String),
    /// See [`DIED`].
    Died(String),
    /// See [`BOOT`].
    Boot(String),
    /// See [`TIMED_OUT`]: not even the agent answers.
    Hung(String),
}

impl Trouble {
    /// The exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::Setup(_) => SETUP,
            Self::Kernel(_) => KERNEL,
            Self::Died(_) => DIED,
            Self::Boot(_) => BOOT,
            Self::Hung(_) => TIMED_OUT,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setup(text)
            | Self::Kernel(text)
            | Self::Died(text)
            | Self::Boot(text)
            | Self::Hung(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Trouble {}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}

/// Options of `vm`.
#[derive(Args)]
#[command(
    after_help = "The guest sees the host's files, read-only, and has a /tmp of its own on top of the host's. \
                  The command runs in the current folder, with the current environment.\n\n\
                  Exit codes: the command's own (128 + n if signal n killed it; 126, 127 if it cannot be run), or \
                  2 nothing could be run (packages, kernel, module, QEMU), 120 the kernel log reports a problem, \
                  121 the guest died, 122 it did not boot, load the module or trust a file, 124 time is over."
)]
pub struct Arguments {
    /// The kernel: the newest of Debian's whose version starts so.
    #[arg(long, default_value = "6.1", value_name = "VERSION")]
    kernel: String,
    /// Page table isolation; without it the kernel decides by the CPU.
    #[arg(long, value_name = "on|off")]
    pti: Option<Switch>,
    /// CPUs.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64), value_name = "N")]
    smp: u32,
    /// More of the kernel's command line; may be repeated.
    #[arg(long, value_name = "ARGUMENTS", allow_hyphen_values = true)]
    append: Vec<String>,
    /// Trust this file before the command runs; may be repeated.
    #[arg(long, value_name = "FILE")]
    trust: Vec<PathBuf>,
    /// The command's time; its boot and the module's load are not counted.
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..), value_name = "SECONDS")]
    timeout: u64,
    /// The CPU, as QEMU's `-cpu` says it.
    #[arg(long, default_value = "max", value_name = "MODEL")]
    cpu: String,
    /// Memory of the guest.
    #[arg(long, default_value_t = 1024, value_parser = clap::value_parser!(u32).range(128..), value_name = "MIB")]
    memory: u32,
    /// The kernel chooses its address; boots more slowly.
    #[arg(long)]
    kaslr: bool,
    /// The guest's clock counts instructions: figures are the same in every run.
    #[arg(long)]
    icount: bool,
    /// Parameters of the module; may be repeated.
    #[arg(long, value_name = "NAME=VALUE")]
    module_args: Vec<String>,
    /// Where the module's sources are, instead of `kernel/`.
    #[arg(long, value_name = "FOLDER")]
    module_source: Option<PathBuf>,
    /// Without the module.
    #[arg(long, conflicts_with_all = ["module_args", "module_source", "trust"])]
    no_module: bool,
    /// Do not say what is waited for.
    #[arg(long, short)]
    quiet: bool,
    /// The command and its arguments.
    #[arg(trailing_var_arg = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Boots, runs the command, and returns the exit code.
pub fn run(project: &Project, arguments: &Arguments, install: bool) -> Result<u8> {
    match run_command(project, arguments, install) {
        // What is explained in words of other commands means here: nothing could be run.
        Err(error) if error.downcast_ref::<Trouble>().is_none() => {
            Err(Trouble::Setup(format!("{error:#}")).into())
        }
        other => other,
    }
}

fn run_command(project: &Project, arguments: &Arguments, install: bool) -> Result<u8> {
    deps::ensure(Need::Vm, install)?;
    let say = |what: &str| {
        if !arguments.quiet {
            eprintln!("vm: {what}");
        }
    };
    let source = arguments
        .module_source
        .clone()
        .unwrap_or_else(|| project.root.join("kernel"));
    let kernel = kernel::find(project, &arguments.kernel, install)?;
    let initramfs = initramfs::build(project, &kernel)?;
    let module = if arguments.no_module {
        None
    } else {
        say(&format!("building the module for {}", kernel.release));
        Some(module::build(project, &kernel, &source)?)
    };
    let config = Config {
        image: if arguments.kaslr {
            kernel.image.clone()
        } else {
            kernel.vmlinux.clone()
        },
        initramfs,
        pti: arguments.pti.map(|pti| pti == Switch::On),
        smp: arguments.smp,
        cpu: arguments.cpu.clone(),
        memory: arguments.memory,
        icount: arguments.icount,
        append: arguments.append.clone(),
    };
    let folder = logs(project)?;
    say(&format!("booting {}", kernel.release));
    let start = Instant::now();
    let mut machine = Machine::boot(&config, &folder)?;
    say(&format!("booted in {}", util::seconds(start.elapsed())));
    if let Some(module) = &module {
        say("loading the module");
        machine.load(module, &arguments.module_args.join(" "))?;
    }
    for file in &arguments.trust {
        say(&format!("trusting {}", file.display()));
        trust(project, &mut machine, file)?;
    }
    let task = Task {
        folder: env::current_dir()?,
        variables: variables(project),
        words: arguments.command.clone(),
    };
    say("running the command");
    let start = Instant::now();
    let end = machine.run(
        &task,
        Duration::from_secs(arguments.timeout),
        &mut io::stdout(),
        &mut io::stderr(),
    )?;
    say(&format!("it ran for {}", util::seconds(start.elapsed())));
    if end == End::TimedOut {
        eprintln!(
            "vm: the command was killed after {} s (--timeout)",
            arguments.timeout
        );
    }
    let mut reports = machine.reports();
    if module.is_some()
        && reports.is_empty()
        && let Err(error) = machine.unload(module::NAME)
    {
        reports = machine.reports();
        reports.insert(0, format!("{error:#}"));
    }
    reports.extend(machine.reports());
    if !reports.is_empty() {
        return Err(Trouble::Kernel(format!(
            "the kernel reported a problem (the command: {}); its log is {}\n{}",
            end_text(end),
            machine.folder().join("kernel.log").display(),
            reports.join("\n")
        ))
        .into());
    }
    Ok(end.code())
}

fn end_text(end: End) -> String {
    match end {
        End::Code(code) => format!("exit code {code}"),
        End::Signal(signal) => format!("signal {signal}"),
        End::TimedOut => "killed when its time was over".to_owned(),
    }
}

/// Trusts a file in the guest.
fn trust(project: &Project, machine: &mut Machine, file: &Path) -> Result<()> {
    let file = fs::canonicalize(file).with_context(|| format!("--trust {}", file.display()))?;
    let task = Task {
        folder: env::current_dir()?,
        variables: variables(project),
        words: vec![
            project.tool("privbox").into(),
            "trust".into(),
            file.clone().into(),
        ],
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let end = machine.run(&task, Duration::from_secs(120), &mut out, &mut err)?;
    if end == End::Code(0) {
        return Ok(());
    }
    Err(Trouble::Boot(format!(
        "`privbox trust {}` failed in the guest: {}\n{}{}",
        file.display(),
        end_text(end),
        String::from_utf8_lossy(&out),
        String::from_utf8_lossy(&err)
    ))
    .into())
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
