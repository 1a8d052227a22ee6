//! `cargo xtask bench gate`: what system calls, entries, call-outs and page faults cost in kernel mode.
//!
//! `benches/gate/gate.c` runs in guests whose clock counts instructions, so the figures repeat exactly. It runs
//! twice in each: with `PRIVBOX=off`, when the module knows nothing of the process, and with `PRIVBOX=kernel`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};
use clap::Args;
use serde::Serialize;

use super::guest;
use crate::toolchain;
use crate::util::{self, Project};
use crate::vm::Switch;

/// Options of `bench gate`.
#[derive(Args)]
pub struct Options {
    /// Kernels, by the beginning of their version (comma separated).
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "6.1,6.12",
        value_name = "VERSIONS"
    )]
    kernels: Vec<String>,
    /// Page-table isolation (comma separated).
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "off,on",
        value_name = "on|off"
    )]
    pti: Vec<Switch>,
}

/// What is measured both ways, in the order of the table.
const CALLS: &[&str] = &[
    "empty",
    "enosys",
    "getppid",
    "read",
    "write",
    "epoll_wait",
    "futex_wake",
    "round_trip",
    "page_fault",
];

/// Guest instructions in one configuration: medians.
#[derive(Debug, Default, Serialize)]
struct Figures {
    /// By the `syscall` instruction, in a process that the module does not know.
    syscall: BTreeMap<String, u64>,
    /// The same in a process in kernel mode, outside its box.
    syscall_attached: BTreeMap<String, u64>,
    /// In the box.
    gate: BTreeMap<String, u64>,
    enter_exit: u64,
    callout: u64,
    /// Demotion and return: what a page fault in the box costs more than one in ring 3.
    demotion: i64,
    page_fault: u64,
    /// Context switches in all round trips of a place.
    switches: BTreeMap<String, Switches>,
}

/// A pattern that differs makes the round trips' figures incomparable.
#[derive(Debug, Default, Serialize)]
struct Switches {
    /// The measured side slept; was made to yield.
    own: [u64; 2],
    /// The same of the other end of the pipes.
    partner: [u64; 2],
}

type All = BTreeMap<String, BTreeMap<String, Figures>>;

/// Runs the benchmark.
pub fn run(project: &Project, options: &Options, install: bool) -> Result<()> {
    toolchain::build(project, install)?;
    let program = build(project)?;
    let mut all = All::new();
    guest::each(&options.kernels, &options.pti, |kernel, name, pti| {
        let figures = measure(project, &program, kernel, pti, install)?;
        all.entry(kernel.to_owned())
            .or_default()
            .insert(name.to_owned(), figures);
        Ok(())
    })?;
    let file = project.scratch("bench")?.join("gate.json");
    fs::write(&file, serde_json::to_string_pretty(&all)? + "\n")?;
    print!("\n{}", table(&all));
    println!(
        "\nMedians of guest instructions, two RDTSC included (`empty`), {}: `{}`. \
         Switches: those because it slept + those because it was made to yield, of each side.",
        super::today(),
        super::command_line()
    );
    println!("every figure: {}", file.display());
    Ok(())
}

fn build(project: &Project) -> Result<std::path::PathBuf> {
    let program = project.scratch("bench/gate")?.join("gate");
    util::capture(
        Command::new(project.tool("privbox-cc"))
            .args(["-O2", "-Wall", "-Wextra", "-o"])
            .arg(&program)
            .arg(project.root.join("benches/gate/gate.c")),
    )?;
    Ok(program)
}

/// Both runs in one configuration, one after the other in one guest.
fn measure(
    project: &Project,
    program: &Path,
    kernel: &str,
    pti: bool,
    install: bool,
) -> Result<Figures> {
    let mut guest = guest::boot(project, kernel, pti, program, install)?;
    let mut run = |mode| guest::output(&mut guest, project, vec![program.into()], mode);
    let (plain, boxed) = (run("off")?, run("kernel")?);
    guest::finish(guest)?;
    let mut figures = Figures::default();
    if mode(&boxed) != Some("2") {
        bail!("the program did not run in kernel mode:\n{boxed}");
    }
    for (place, name, value) in plain.lines().filter_map(figure) {
        if place == "syscall" {
            figures.syscall.insert(name.to_owned(), value);
        }
    }
    for (output, kind) in [
        (&plain, "syscall"),
        (&boxed, "syscall_attached"),
        (&boxed, "gate"),
    ] {
        let place = kind.split('_').next().unwrap_or(kind);
        let found = output
            .lines()
            .filter_map(switches)
            .find(|(at, _)| *at == place);
        let Some((_, found)) = found else {
            bail!("the program printed no switches of context ({kind})");
        };
        figures.switches.insert(kind.to_owned(), found);
    }
    for (place, name, value) in boxed.lines().filter_map(figure) {
        match (place, name) {
            (_, "enter_exit") => figures.enter_exit = value,
            (_, "callout") => figures.callout = value,
            ("gate", _) => {
                figures.gate.insert(name.to_owned(), value);
            }
            _ => {
                figures.syscall_attached.insert(name.to_owned(), value);
            }
        }
    }
    for name in CALLS {
        for (place, found) in [
            ("syscall", &figures.syscall),
            ("syscall, attached", &figures.syscall_attached),
            ("gate", &figures.gate),
        ] {
            if !found.contains_key(*name) {
                bail!("the program printed no figure for {name} ({place})");
            }
        }
    }
    figures.page_fault = figures.gate["page_fault"];
    figures.demotion = figures.page_fault as i64 - figures.syscall["page_fault"] as i64;
    Ok(figures)
}

/// `figure WHERE NAME MINIMUM MEDIAN`
fn figure(line: &str) -> Option<(&str, &str, u64)> {
    let mut words = line.strip_prefix("figure ")?.split_whitespace();
    let (place, name) = (words.next()?, words.next()?);
    Some((place, name, words.nth(1)?.parse().ok()?))
}

/// `switches WHERE SLEPT YIELDED SLEPT YIELDED`: of the measured side, then of its partner.
fn switches(line: &str) -> Option<(&str, Switches)> {
    let mut words = line.strip_prefix("switches ")?.split_whitespace();
    let place = words.next()?;
    let numbers: Vec<u64> = words.map_while(|w| w.parse().ok()).collect();
    let [a, b, c, d] = numbers[..] else {
        return None;
    };
    let (own, partner) = ([a, b], [c, d]);
    Some((place, Switches { own, partner }))
}

fn mode(output: &str) -> Option<&str> {
    output.lines().find_map(|line| line.strip_prefix("mode "))
}

/// A Markdown table: a row for each figure, two columns for each configuration.
fn table(all: &All) -> String {
    let columns: Vec<(String, &Figures)> = all
        .iter()
        .flat_map(|(kernel, row)| {
            row.iter()
                .map(move |(pti, figures)| (format!("{kernel}, {pti}"), figures))
        })
        .collect();
    let mut text = String::from("| guest instructions |");
    for (name, _) in &columns {
        let _ = write!(text, " {name}: syscall | attached | gate |");
    }
    text += "\n| --- |";
    text += &" --- | --- | --- |".repeat(columns.len());
    for name in CALLS {
        let _ = write!(text, "\n| {name} |");
        for (_, figures) in &columns {
            let _ = write!(
                text,
                " {} | {} | {} |",
                figures.syscall[*name], figures.syscall_attached[*name], figures.gate[*name]
            );
        }
    }
    let _ = write!(text, "\n| switches in 1000 round trips |");
    for (_, figures) in &columns {
        for kind in ["syscall", "syscall_attached", "gate"] {
            let [own, partner] = [figures.switches[kind].own, figures.switches[kind].partner]
                .map(|n| format!("{} + {}", n[0], n[1]));
            let _ = write!(text, " {own}, {partner} |");
        }
    }
    let mut more = |name: &str, value: &dyn Fn(&Figures) -> i64| {
        let _ = write!(text, "\n| {name} |");
        for (_, figures) in &columns {
            let _ = write!(text, " | | {} |", value(figures));
        }
    };
    more("enter + exit", &|f| f.enter_exit as i64);
    more("call-out", &|f| f.callout as i64);
    more("demotion + return", &|f| f.demotion);
    text + "\n"
}

#[cfg(test)]
mod tests {
    #[test]
    fn figures_are_read() {
        assert_eq!(
            super::figure("figure gate enosys 50 52"),
            Some(("gate", "enosys", 52))
        );
        assert_eq!(super::figure("figure gate enosys 50"), None);
        assert_eq!(super::figure("mode 2"), None);
        assert_eq!(super::mode("mode 2\nfigure"), Some("2"));
        let (place, found) = super::switches("switches gate 1000 0 1001 1").unwrap();
        assert_eq!(
            (place, found.own, found.partner),
            ("gate", [1000, 0], [1001, 1])
        );
        assert!(super::switches("switches gate 1000 0 1001").is_none());
    }
}
