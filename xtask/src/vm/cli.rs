//! The command line of `cargo xtask vm`.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use super::guest::module_source;
use super::{End, Guest, Options, Task, Trouble};
use crate::util::{self, Project};

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
    /// Where the module's sources are, instead of `kernel/` (also from PRIVBOX_MODULE_SOURCE).
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

/// Reports of the kernel that are shown.
const SHOWN: usize = 5;

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
    let say = |what: &str| {
        if !arguments.quiet {
            eprintln!("vm: {what}");
        }
    };
    for file in &arguments.trust {
        // Said before a machine boots for nothing.
        fs::metadata(file).with_context(|| format!("--trust {}", file.display()))?;
    }
    let options = Options {
        kernel: arguments.kernel.clone(),
        kaslr: arguments.kaslr,
        pti: arguments.pti.map(|pti| pti == Switch::On),
        smp: arguments.smp,
        cpu: arguments.cpu.clone(),
        memory: arguments.memory,
        icount: arguments.icount,
        append: arguments.append.clone(),
        module: (!arguments.no_module).then(|| {
            let usual = || module_source(project);
            arguments.module_source.clone().unwrap_or_else(usual)
        }),
    };
    say(&format!("kernel {}, module, initramfs", options.kernel));
    let prepared = options.prepare(project, install)?;
    say(&format!("booting {}", prepared.release()));
    let start = Instant::now();
    let mut guest = Guest::boot(project, &prepared)?;
    say(&format!("booted in {}", util::seconds(start.elapsed())));
    if !arguments.no_module {
        say("loading the module");
        guest.load_module(&arguments.module_args.join(" "))?;
    }
    for file in &arguments.trust {
        say(&format!("trusting {}", file.display()));
        guest.trust(file)?;
    }
    let task = Task {
        folder: env::current_dir()?,
        variables: guest.variables().to_vec(),
        words: arguments.command.clone(),
    };
    say("running the command");
    let start = Instant::now();
    let limit = Duration::from_secs(arguments.timeout);
    let end = guest.run(&task, limit, &mut io::stdout(), &mut io::stderr())?;
    say(&format!(
        "it ran for {}; CPU time of the machine: {}",
        util::seconds(start.elapsed()),
        util::seconds(guest.cpu_time())
    ));
    if end == End::TimedOut {
        eprintln!(
            "vm: the command was killed after {} s (--timeout)",
            arguments.timeout
        );
    }
    let reports = guest.finish();
    if !reports.is_empty() {
        let shown = &reports[..reports.len().min(SHOWN)];
        return Err(Trouble::Kernel(format!(
            "the kernel log holds {} reports (the command: {end}); all of it: {}\n{}",
            reports.len(),
            guest.folder().join("kernel.log").display(),
            shown.join("\n\n")
        ))
        .into());
    }
    Ok(end.code())
}
