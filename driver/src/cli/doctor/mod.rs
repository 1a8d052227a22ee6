//! `privbox doctor`: whether kernel mode works here, and if not, why and what to do.
//!
//! | file | what it looks at |
//! | --- | --- |
//! | `system` | how the machine is looked at: files below a root, so that tests can make one up |
//! | `machine` | the CPU: features, bugs |
//! | `kernel` | release, configuration, settings, lockdown |
//! | `module` | the module, the device, what is trusted |
//! | `tools` | the compiler, QEMU |

mod kernel;
mod machine;
mod module;
mod system;
mod tools;

use std::io::Write;

use anyhow::Result;
use serde::Serialize;

use system::System;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// As it should be.
    Ok,
    /// Worth knowing.
    Note,
    /// Kernel mode does not work because of this.
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Clone, Serialize)]
struct Check {
    /// A word for machines: `smep`, `module`.
    name: &'static str,
    state: State,
    /// What was found.
    finding: String,
    /// What to do.
    advice: Option<String>,
}

impl Check {
    fn ok(name: &'static str, finding: impl Into<String>) -> Self {
        Self {
            name,
            state: State::Ok,
            finding: finding.into(),
            advice: None,
        }
    }

    fn note(name: &'static str, finding: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            name,
            state: State::Note,
            finding: finding.into(),
            advice: Some(advice.into()),
        }
    }

    fn bad(name: &'static str, finding: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            name,
            state: State::Bad,
            finding: finding.into(),
            advice: Some(advice.into()),
        }
    }
}

/// What belongs together.
#[derive(Debug, Serialize)]
struct Group {
    name: &'static str,
    checks: Vec<Check>,
}

/// How to print.
#[derive(Debug, Clone, Copy)]
pub enum Format {
    /// For people.
    Human,
    /// One JSON document.
    Json,
}

/// Looks at this machine; [`super::FINDINGS`] if kernel mode does not work.
pub fn run(format: Format, output: &mut Vec<u8>) -> Result<u8> {
    let groups = examine(&System::this());
    let works = works(&groups);
    match format {
        Format::Human => print(&groups, output)?,
        Format::Json => super::json::print(
            &serde_json::json!({ "kernel_mode": works, "groups": groups }),
            output,
        )?,
    }
    Ok(if works { super::OK } else { super::FINDINGS })
}

fn examine(system: &System) -> Vec<Group> {
    let mut groups = vec![
        Group {
            name: "machine",
            checks: machine::checks(system),
        },
        Group {
            name: "kernel",
            checks: kernel::checks(system),
        },
        Group {
            name: "module",
            checks: module::checks(system),
        },
        Group {
            name: "tools",
            checks: tools::checks(system),
        },
    ];
    // Who has the module loaded and open need not be told that it could not be loaded.
    if groups[2]
        .checks
        .iter()
        .any(|check| check.name == "device" && check.state == State::Ok)
    {
        for check in groups
            .iter_mut()
            .take(2)
            .flat_map(|group| &mut group.checks)
        {
            if check.state == State::Bad {
                check.state = State::Note;
            }
        }
    }
    groups
}

fn works(groups: &[Group]) -> bool {
    groups
        .iter()
        .flat_map(|group| &group.checks)
        .all(|check| check.state != State::Bad)
}

fn print(groups: &[Group], output: &mut Vec<u8>) -> Result<()> {
    for group in groups {
        writeln!(output, "{}", group.name)?;
        for check in &group.checks {
            let mark = match check.state {
                State::Ok => "ok  ",
                State::Note => "note",
                State::Bad => "BAD ",
            };
            for (index, line) in super::wrap(&check.finding, 88).iter().enumerate() {
                writeln!(
                    output,
                    "  {}  {line}",
                    if index == 0 { mark } else { "    " }
                )?;
            }
            for (index, line) in super::wrap(check.advice.as_deref().unwrap_or_default(), 84)
                .iter()
                .filter(|line| !line.is_empty())
                .enumerate()
            {
                writeln!(
                    output,
                    "        {} {line}",
                    if index == 0 { "->" } else { "  " }
                )?;
            }
        }
    }
    let bad = groups
        .iter()
        .flat_map(|group| &group.checks)
        .filter(|check| check.state == State::Bad)
        .count();
    match bad {
        0 => writeln!(output, "\nKernel mode works here.")?,
        1 => writeln!(
            output,
            "\nKernel mode does not work here: 1 problem above. User mode (PRIVBOX=user) works on any x86-64 Linux."
        )?,
        n => writeln!(
            output,
            "\nKernel mode does not work here: {n} problems above. User mode (PRIVBOX=user) works on any x86-64 Linux."
        )?,
    }
    Ok(())
}

#[cfg(test)]
mod tests;
