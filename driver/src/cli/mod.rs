//! The `privbox` command: what is in an executable's box, and whether it may run.

mod doctor;
mod inspect;
mod json;
mod manual;
mod record;
mod sarif;
mod trust;
mod verify;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use privbox_verifier::manifest::{Level, Strength};
use privbox_verifier::rule::Rule;

/// Everything is as it should be.
pub const OK: u8 = 0;
/// A file was read and does not verify.
pub const FINDINGS: u8 = 1;
/// The command line is wrong, or a file cannot be read or has no box.
pub const MISUSE: u8 = 2;

/// Verifies and inspects executables with a box.
#[derive(Debug, Parser)]
#[command(name = "privbox", version, max_term_width = 100, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 success; 1 a file does not verify; 2 the command line is wrong, a file cannot be \
read, or it has no box.";

const DOCTOR_EXIT_CODES: &str =
    "Exit codes: 0 kernel mode works for you here; 1 it does not; 2 the command line is wrong.";

const TRUST_EXIT_CODES: &str = "\
Exit codes: 0 success; 1 a file does not verify, or what is to be removed was not trusted; 2 the \
command line is wrong, or a file cannot be read or written; 3 the module is not loaded or refuses.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Prove that the boxes of executables obey the machine contract
    ///
    /// Reads nothing but the files: neither how they were built nor what they claim is trusted.
    /// Human output shows, for each finding, the function, the source line if there is debug
    /// information, the instructions around, the rule, and what to do.
    #[command(after_help = EXIT_CODES)]
    Verify {
        /// Executables linked by privbox-cc
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// How to print the result
        #[arg(long, value_enum, default_value_t)]
        format: VerifyFormat,
        /// Accept only images that are safe with no more hardware help than this
        ///
        /// Verifies at this level whatever the image states: mask asks for a mask wherever one is
        /// needed, pks leaves loads to supervisor protection keys, spap leaves all to the CPU.
        #[arg(long, value_enum)]
        level: Option<LevelArgument>,
        /// Accept only images of this strength
        #[arg(long, value_enum)]
        strength: Option<StrengthArgument>,
    },
    /// Show what is in the boxes of executables: functions, masks, calls out, digest
    #[command(after_help = EXIT_CODES)]
    Inspect {
        /// Executables linked by privbox-cc
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// How to print the result
        #[arg(long, value_enum, default_value_t)]
        format: InspectFormat,
        /// How many functions to list, the biggest first (JSON has all)
        #[arg(long, default_value_t = 20, value_name = "N")]
        top: usize,
    },
    /// Trust images: the kernel module runs those and no others
    ///
    /// Each file is verified, and its digest is recorded and given to the module. It takes
    /// CAP_SYS_MODULE. What is trusted is the box alone, whatever file it comes in: another box needs to be
    /// trusted anew.
    #[command(after_help = TRUST_EXIT_CODES)]
    Trust {
        /// Executables linked by privbox-cc
        #[arg(value_name = "FILE", required_unless_present_any = ["list", "remove", "reload"])]
        files: Vec<PathBuf>,
        /// Show what is recorded and what the module trusts
        #[arg(long, conflicts_with_all = ["files", "remove", "reload"])]
        list: bool,
        /// Trust a digest, or the one of a file, no more; processes that run it go on
        #[arg(long, value_name = "DIGEST-or-FILE", num_args = 1.., conflicts_with_all = ["files", "reload"])]
        remove: Vec<String>,
        /// Make the module trust what is recorded and nothing else, as at boot
        #[arg(long, conflicts_with_all = ["files", "runtime"])]
        reload: bool,
        /// Change the module's set only: nothing is recorded, and unloading the module forgets it
        #[arg(long)]
        runtime: bool,
        /// Where digests are recorded: files *.digests, a digest at the beginning of each line
        #[arg(long, value_name = "FOLDER", default_value = record::DIRECTORY)]
        directory: PathBuf,
    },
    /// Say whether kernel mode works on this machine, and if not, why and what to do
    ///
    /// Looks at the CPU, the kernel and its settings, the module, the device and the tools. Changes nothing.
    #[command(after_help = DOCTOR_EXIT_CODES)]
    Doctor {
        /// How to print the result
        #[arg(long, value_enum, default_value_t)]
        format: InspectFormat,
    },
    /// Explain a rule of the machine contract, or list all
    Explain {
        /// A rule as findings name it: rule-7, or 7; without one, all are listed
        #[arg(value_name = "RULE")]
        rule: Option<String>,
    },
    /// Print a completion script for a shell
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write all pages into a folder
    Man {
        /// Folder for privbox.1, privbox-verify.1 and so on; it must exist
        #[arg(value_name = "FOLDER")]
        folder: Option<PathBuf>,
    },
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum VerifyFormat {
    /// For people
    #[default]
    Human,
    /// One JSON document
    Json,
    /// SARIF 2.1.0, for code scanning services
    Sarif,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum InspectFormat {
    /// For people
    #[default]
    Human,
    /// One JSON document
    Json,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LevelArgument {
    Mask,
    Pks,
    Spap,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum StrengthArgument {
    Architectural,
    Transient,
}

impl From<LevelArgument> for Level {
    fn from(argument: LevelArgument) -> Self {
        match argument {
            LevelArgument::Mask => Self::Mask,
            LevelArgument::Pks => Self::Pks,
            LevelArgument::Spap => Self::Spap,
        }
    }
}

impl From<StrengthArgument> for Strength {
    fn from(argument: StrengthArgument) -> Self {
        match argument {
            StrengthArgument::Architectural => Self::Architectural,
            StrengthArgument::Transient => Self::Transient,
        }
    }
}

/// The command: everything but the process's start.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version go to standard output and are no mistake.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { MISUSE } else { OK });
        }
    };
    let mut output = Vec::new();
    let result = run(arguments.command, &mut output);
    match io::stdout()
        .write_all(&output)
        .and_then(|()| io::stdout().flush())
    {
        Ok(()) => {}
        // `privbox inspect ... | head` is no mistake.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        Err(error) => {
            eprintln!("privbox: error: cannot write to standard output: {error}");
            return ExitCode::from(MISUSE);
        }
    }
    ExitCode::from(result.unwrap_or_else(|error| {
        eprintln!("privbox: error: {error:#}");
        MISUSE
    }))
}

fn run(command: Command, output: &mut Vec<u8>) -> Result<u8> {
    match command {
        Command::Verify {
            files,
            format,
            level,
            strength,
        } => {
            let wanted = verify::Wanted {
                level: level.map(Level::from),
                strength: strength.map(Strength::from),
            };
            let results: Vec<verify::Verdict> = files
                .iter()
                .map(|file| verify::verify(file, &wanted))
                .collect();
            match format {
                VerifyFormat::Human => verify::print(&results, output)?,
                VerifyFormat::Json => json::print(&json::verdicts(&results), output)?,
                VerifyFormat::Sarif => json::print(&sarif::log(&results), output)?,
            }
            Ok(results
                .iter()
                .map(verify::Verdict::exit_code)
                .max()
                .unwrap_or(OK))
        }
        Command::Inspect { files, format, top } => {
            let mut code = OK;
            let mut found = Vec::new();
            for file in &files {
                match inspect::inspect(file) {
                    Ok(inspection) => found.push(inspection),
                    Err(error) => {
                        eprintln!("privbox: error: {error:#}");
                        code = MISUSE;
                    }
                }
            }
            match format {
                InspectFormat::Human => inspect::print(&found, top, output)?,
                InspectFormat::Json => json::print(&serde_json::json!({ "files": found }), output)?,
            }
            Ok(code)
        }
        Command::Trust {
            files,
            list,
            remove,
            reload,
            runtime,
            directory,
        } => {
            let action = if list {
                trust::Action::List
            } else if reload {
                trust::Action::Reload
            } else if !remove.is_empty() {
                trust::Action::Remove(remove)
            } else {
                trust::Action::Add(files)
            };
            trust::run(&action, (!runtime).then_some(directory.as_path()), output)
        }
        Command::Doctor { format } => {
            let format = match format {
                InspectFormat::Human => doctor::Format::Human,
                InspectFormat::Json => doctor::Format::Json,
            };
            doctor::run(format, output)
        }
        Command::Explain { rule } => explain(rule.as_deref(), output),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Arguments::command(), "privbox", output);
            Ok(OK)
        }
        Command::Man { folder } => {
            manual::write(Arguments::command(), folder.as_deref(), output)?;
            Ok(OK)
        }
    }
}

fn explain(rule: Option<&str>, output: &mut Vec<u8>) -> Result<u8> {
    let Some(name) = rule else {
        for rule in Rule::ALL {
            writeln!(output, "{:<8} {}", rule.id(), rule.name())?;
        }
        return Ok(OK);
    };
    let lower = name.to_ascii_lowercase();
    let bare = lower
        .trim_start_matches("rule-")
        .trim_start_matches("rule")
        .trim();
    let rule = Rule::ALL
        .into_iter()
        .find(|rule| rule.id().trim_start_matches("rule-") == bare)
        .with_context(|| {
            let all: Vec<&str> = Rule::ALL.iter().map(|rule| rule.id()).collect();
            format!("no rule '{name}'; the rules are {}", all.join(", "))
        })?;
    writeln!(output, "{}: {}\n", rule.id(), rule.name())?;
    for line in wrap(rule.explanation(), 80) {
        writeln!(output, "{line}")?;
    }
    Ok(OK)
}

/// Breaks text at blanks.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        if let Some(line) = lines.last_mut()
            && (line.is_empty() || line.chars().count() + 1 + word.chars().count() <= width)
        {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn rules_by_any_of_their_names() {
        for name in ["rule-7", "7", "RULE-7", "rule7"] {
            let mut output = Vec::new();
            assert_eq!(explain(Some(name), &mut output).unwrap(), OK, "{name}");
            assert!(output.starts_with(b"rule-7"));
        }
        assert!(explain(Some("17"), &mut Vec::new()).is_err());
    }

    #[test]
    fn wraps_at_blanks() {
        assert_eq!(wrap("aa bb cc", 5), ["aa bb", "cc"]);
        assert_eq!(wrap("", 5), [""]);
    }
}
