//! The commands of the project: `cargo xtask build|install|demo|test|vm|bench|sources`.
//!
//! This crate builds without LLVM, because installing LLVM is its first task. It only runs other programs:
//! apt-get, cargo, clang, the toolchain that it builds.

mod allocator;
mod bench;
mod demo;
mod install;
mod runtime;
mod test;
mod toolchain;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use xtask::util::{Failure, Project};
use xtask::{deps, sources, util, vm};

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about = "The commands of the project"
)]
#[command(
    after_help = "Exit codes: 0 done, 1 something failed, 2 wrong usage, 3 packages are missing, \
                        4 a folder cannot be written. `vm` has its own."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Only say which packages are missing; never install them.
    #[arg(long, global = true)]
    no_install: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Build the toolchain into target/release: privbox-cc, privbox-c++, privbox and lib/privbox.
    Build,
    /// Build the toolchain and install it.
    Install(install::Arguments),
    /// Put SQLite into a box, unmodified: compile, verify, run, compare.
    Demo(demo::Arguments),
    /// Run every test; the last line is `N passed, N failed`.
    Test(test::Arguments),
    /// Run a command on a stock Debian kernel with the module, in QEMU.
    Vm(vm::Arguments),
    /// Measure.
    Bench {
        #[command(subcommand)]
        what: bench::What,
    },
    /// Print where the sources of the real programs are (fetched by cargo), one per line.
    Sources {
        /// Where cargo keeps them, for one program only.
        name: Option<String>,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("error: {error:#}");
            let trouble = error.downcast_ref().map(vm::Trouble::code);
            let failure = error.downcast_ref().map(Failure::code);
            ExitCode::from(trouble.or(failure).unwrap_or(1))
        }
    }
}

/// Returns the exit code: that of the command for `vm`, else 0.
fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let project = Project::find()?;
    let install = !arguments.no_install;
    match &arguments.command {
        Command::Build => toolchain::build(&project, install).map(|_| ()),
        Command::Install(options) => install::run(&project, options, install),
        Command::Demo(options) => demo::run(&project, options, install),
        Command::Test(options) => test::run(&project, options, install),
        Command::Vm(options) => return vm::run(&project, options, install),
        Command::Bench { what } => bench::run(&project, what, install),
        Command::Sources { name } => {
            for (source, folder) in sources::fetch(&project)?.all() {
                if name.as_deref().is_none_or(|wanted| wanted == source) {
                    println!("{source}\t{}", PathBuf::from(folder).display());
                }
            }
            Ok(())
        }
    }
    .map(|()| 0)
}
