//! `cargo xtask bench gate`: what system calls, entries, call-outs and page faults cost in kernel mode.
//!
//! `benches/gate/gate.c` runs in guests whose clock counts instructions, so the figures repeat exactly. It runs
//! twice in each: with `PRIVBOX=off`, when the module knows nothing of the process, and with `PRIVBOX=kernel`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Serialize;

use crate::toolchain;
use crate::util::{self, Project};
use crate::vm::{self, End, Guest, Switch, Task, Trouble};

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

/// The time of one run: there is no real-time clock to hurry it.
const LIMIT: Duration = Duration::from_secs(600);

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
    for kernel in &options.kernels {
        for &pti in &options.pti {
            let name = if pti == Switch::On {
                "pti=on"
            } else {
                "pti=off"
            };
            println!("measure    {kernel}, {name}");
            let figures = measure(project, &program, kernel, pti, install)
                .with_context(|| format!("kernel {kernel}, {name}"))?;
            all.entry(kernel.clone())
                .or_default()
                .insert(name.to_owned(), figures);
        }
    }
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
    pti: Switch,
    install: bool,
) -> Result<Figures> {
    let options = vm::Options {
        pti: Some(pti == Switch::On),
        icount: true,
        ..vm::Options::new(project, kernel)
    };
    let mut guest = Guest::boot(project, &options.prepare(project, install)?)?;
    guest.load_module("")?;
    guest.trust(program)?;
    let plain = run_in(&mut guest, project, program, "off")?;
    let boxed = run_in(&mut guest, project, program, "kernel")?;
    let reports = guest.finish();
    if !reports.is_empty() {
        return Err(Trouble::Kernel(reports.join("\n")).into());
    }
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

/// What the program prints in a mode.
fn run_in(guest: &mut Guest, project: &Project, program: &Path, mode: &str) -> Result<String> {
    let mut variables = guest.variables().to_vec();
    variables.retain(|(name, _)| name != "PRIVBOX");
    variables.push(("PRIVBOX".into(), mode.into()));
    let task = Task {
        folder: project.root.clone(),
        variables,
        words: vec![program.into()],
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let end = guest.run(&task, LIMIT, &mut out, &mut err)?;
    if end != End::Code(0) {
        bail!(
            "PRIVBOX={mode} {}: {end}\n{}",
            program.display(),
            String::from_utf8_lossy(&err)
        );
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
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
