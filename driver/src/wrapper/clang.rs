//! The real clang.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output};

use super::response;
use crate::resources::Resources;
use crate::temporary::Scratch;

/// Command lines longer than this go through a response file (the kernel's limit is 2 MiB with
/// the environment; one word may have 128 KiB).
const LONG_COMMAND: usize = 100_000;

/// How to run clang.
#[derive(Debug, Clone)]
pub struct Clang {
    program: PathBuf,
    /// `--driver-mode=g++` when the program's name does not say it.
    mode: Option<OsString>,
    resources: Option<Resources>,
}

impl Clang {
    /// `PRIVBOX_CLANG`, else clang 22 of the PATH, as C or C++ compiler.
    pub fn new(cxx: bool) -> Self {
        let program = env::var_os("PRIVBOX_CLANG").filter(|value| !value.is_empty());
        let default = if cxx { "clang++-22" } else { "clang-22" };
        Self {
            mode: (cxx && program.is_some()).then(|| OsString::from("--driver-mode=g++")),
            program: program.map_or_else(|| default.into(), PathBuf::from),
            resources: Resources::find(),
        }
    }

    /// The compiler's path or name.
    pub fn path(&self) -> PathBuf {
        self.program.clone()
    }

    /// A command with our header's folder behind all others. By the environment, not by an option:
    /// an option would show in `-###`, in debug information's command lines and in warnings.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if let Some(resources) = &self.resources {
            for variable in ["C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH"] {
                let mut value = env::var_os(variable).unwrap_or_default();
                if !value.is_empty() {
                    value.push(":");
                }
                value.push(resources.include());
                command.env(variable, value);
            }
        }
        command
    }

    /// Becomes clang; returns only if that fails, or for a command line so long that it needs a
    /// response file, which somebody must stay behind to remove.
    pub fn exec(&self, arguments: &[OsString]) -> io::Result<ExitStatus> {
        let mut command = self.command(&self.program);
        command.args(&self.mode);
        if length(arguments) <= LONG_COMMAND {
            return Err(self.explain(command.args(arguments).exec()));
        }
        let scratch = Scratch::new()?;
        let file = scratch.path("arguments");
        fs::write(&file, response::join(arguments))?;
        command
            .arg(at(file.as_os_str()))
            .status()
            .map_err(|error| self.explain(error))
    }

    /// Runs clang with its output caught.
    pub fn output(&self, arguments: &[OsString]) -> io::Result<Output> {
        let mut command = self.command(&self.program);
        command.args(&self.mode);
        if length(arguments) <= LONG_COMMAND {
            return command
                .args(arguments)
                .output()
                .map_err(|error| self.explain(error));
        }
        let scratch = Scratch::new()?;
        let file = scratch.path("arguments");
        fs::write(&file, response::join(arguments))?;
        command
            .arg(at(file.as_os_str()))
            .output()
            .map_err(|error| self.explain(error))
    }

    /// A tool of clang's plan (cc1, the linker), to be spawned; long arguments go through a file in
    /// the scratch folder.
    pub fn tool(
        &self,
        program: &Path,
        arguments: &[OsString],
        scratch: &Scratch,
    ) -> io::Result<Command> {
        let mut command = self.command(program);
        if length(arguments) <= LONG_COMMAND {
            command.args(arguments);
            return Ok(command);
        }
        // `-cc1` must stay the first word of clang.
        let keep = usize::from(
            arguments
                .first()
                .is_some_and(|a| a == "-cc1" || a == "-cc1as"),
        );
        let (first, rest) = arguments.split_at(keep);
        let file = scratch.path("arguments");
        fs::write(&file, response::join(rest))?;
        command.args(first).arg(at(file.as_os_str()));
        Ok(command)
    }

    fn explain(&self, error: io::Error) -> io::Error {
        let program = self.program.display();
        if error.kind() == io::ErrorKind::NotFound {
            io::Error::new(
                error.kind(),
                format!(
                    "cannot find '{program}': install clang 22 (Debian: clang-22), or set \
                     PRIVBOX_CLANG to its path"
                ),
            )
        } else {
            io::Error::new(error.kind(), format!("cannot run '{program}': {error}"))
        }
    }
}

fn at(path: &OsStr) -> OsString {
    let mut word = OsString::from("@");
    word.push(path);
    word
}

fn length(arguments: &[OsString]) -> usize {
    arguments.iter().map(|argument| argument.len() + 1).sum()
}
