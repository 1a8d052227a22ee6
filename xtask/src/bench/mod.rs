//! `cargo xtask bench overhead`: what the instrumentation costs, against the same program without it.
//!
//! Every program is built in every variant, runs are interleaved and pinned to one CPU, and a program's
//! ratio is the median over the runs of (variant's time / native time of the same run). Whatever fails to
//! build, to run or to give the native checksum is reported and counts as a failure of the command.

mod figures;
mod gate;
mod guest;
mod measure;
mod paper;
mod programs;
mod rust;
mod speed;
mod table;

use std::collections::BTreeMap;
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};

use crate::sources::{self, Sources};
use crate::toolchain;
use crate::util::{self, Project};
use figures::{Cell, Figures, Problem};
use measure::{Run, Runner};
use programs::{PROGRAMS, Program, VARIANTS, Variant};

/// What can be measured.
#[derive(Subcommand)]
pub enum What {
    /// Run time, code size and compile time of instrumented programs against clang -O2.
    Overhead(Options),
    /// Guest instructions of system calls through `syscall` and through the gate, of entries, call-outs, page faults.
    Gate(gate::Options),
    /// Rust: work of well-known crates in the box, requests of the key-value server, build time.
    Rust(rust::Options),
}

/// Options of `bench overhead`.
#[derive(Args)]
pub struct Options {
    /// Runs of each program and variant.
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Only these programs (comma separated).
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    only: Vec<String>,
    /// Only these variants (comma separated); `native` is always among them.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    variants: Vec<String>,
    /// A tenth of the work, three runs, no compile-time measurement: to see that everything works.
    #[arg(long)]
    quick: bool,
}

/// Runs the benchmark.
pub fn run(project: &Project, what: &What, install: bool) -> Result<()> {
    let options = match what {
        What::Gate(options) => return gate::run(project, options, install),
        What::Rust(options) => return rust::run(project, options, install),
        What::Overhead(options) => options,
    };
    let programs = choose(PROGRAMS, |p| p.name, &options.only, "program")?;
    let variants: Vec<&Variant> = choose(VARIANTS, |v| v.name, &options.variants, "variant")?;
    let variants: Vec<&Variant> = VARIANTS
        .iter()
        .filter(|v| v.options.is_none() || variants.iter().any(|chosen| chosen.name == v.name))
        .collect();
    toolchain::build(project, install)?;
    let sources = sources::fetch(project)?;
    let (runs, rounds) = if options.quick {
        (options.runs.min(3), 10)
    } else {
        (options.runs, 100)
    };
    let runner = Runner::new(rounds);
    let mut problems = Vec::new();
    let mut cells = build(project, &sources, &programs, &variants, &mut problems)?;
    check(&runner, &programs, &variants, &mut cells, &mut problems);
    measure(
        &runner,
        runs,
        &programs,
        &variants,
        &mut cells,
        &mut problems,
    );
    let compile_time = if options.quick || !programs.iter().any(|p| p.name == "sqlite") {
        None
    } else {
        println!("compile    sqlite3.c, clang-22 and privbox-cc in turn");
        speed::compile_time(project, &sources, &mut problems)
    };
    let executables = cells.iter().flat_map(|(program, row)| {
        let cell = row
            .iter()
            .find(|(variant, cell)| **variant == "mask" && cell.executable.is_some());
        cell.and_then(|(_, cell)| Some((*program, cell.executable.clone()?)))
    });
    let verifier = speed::verifier(project, executables, &mut problems);
    let mut figures = Figures {
        command: command_line(),
        date: today(),
        machine: machine(),
        runs,
        rounds,
        cpu: runner.cpu(),
        geomean: BTreeMap::new(),
        geomean_of_minima: BTreeMap::new(),
        geomean_text_growth: BTreeMap::new(),
        geomean_programs: BTreeMap::new(),
        programs: cells,
        compile_time,
        verifier,
        problems,
    };
    figures.derive(&variants);
    let file = project.scratch("bench")?.join("overhead.json");
    fs::write(&file, serde_json::to_string_pretty(&figures)? + "\n")?;
    print!("\n{}", table::render(&figures, &variants, &programs));
    println!("\nevery figure: {}", file.display());
    if !figures.problems.is_empty() {
        bail!(
            "{} of the measurements failed (see above)",
            figures.problems.len()
        );
    }
    Ok(())
}

/// The named members of a list; all of them where no name is given.
fn choose<'a, T>(
    all: &'a [T],
    name: impl Fn(&T) -> &str,
    wanted: &[String],
    kind: &str,
) -> Result<Vec<&'a T>> {
    for want in wanted {
        if !all.iter().any(|one| name(one) == want) {
            let known: Vec<&str> = all.iter().map(&name).collect();
            bail!(
                "no {kind} is called {want:?}; there are {}",
                known.join(", ")
            );
        }
    }
    Ok(all
        .iter()
        .filter(|one| wanted.is_empty() || wanted.iter().any(|want| want == name(one)))
        .collect())
}

type Cells = BTreeMap<&'static str, BTreeMap<&'static str, Cell>>;

/// Builds everything, as many at a time as there are CPUs.
fn build(
    project: &Project,
    sources: &Sources,
    programs: &[&Program],
    variants: &[&Variant],
    problems: &mut Vec<Problem>,
) -> Result<Cells> {
    // Slow programs come first in the list, so that no CPU idles at the end.
    let jobs: Vec<(&Program, &Variant)> = programs
        .iter()
        .flat_map(|p| variants.iter().map(move |v| (*p, *v)))
        .collect();
    println!(
        "build      {} programs in {} variants",
        programs.len(),
        variants.len()
    );
    let (next, done) = (AtomicUsize::new(0), Mutex::new((Cells::new(), Vec::new())));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some((program, variant)) = jobs.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let result = program.build(project, sources, variant).and_then(|built| {
                        // A box's text is in sections of its own; for native, it is .text.
                        let of_box = variant.options.is_some();
                        let bytes =
                            measure::section_bytes(&built.executable, |name| match of_box {
                                true => name.starts_with(".privbox.text"),
                                false => name == ".text",
                            })?;
                        Ok((built, bytes))
                    });
                    let Ok(mut done) = done.lock() else { return };
                    match result {
                        Ok((built, bytes)) => {
                            if !built.took.is_zero() {
                                println!(
                                    "           {} {} ({})",
                                    program.name,
                                    variant.name,
                                    util::seconds(built.took)
                                );
                            }
                            let cell = done
                                .0
                                .entry(program.name)
                                .or_default()
                                .entry(variant.name)
                                .or_default();
                            cell.executable = Some(built.executable);
                            cell.text_bytes = Some(bytes);
                        }
                        Err(error) => done.1.push(problem(program, variant, "build", &error)),
                    }
                }
            });
        }
    });
    let (cells, mut found) = done
        .into_inner()
        .ok()
        .context("a building thread panicked")?;
    report(&found);
    problems.append(&mut found);
    Ok(cells)
}

fn problem(
    program: &Program,
    variant: &Variant,
    stage: &'static str,
    error: &anyhow::Error,
) -> Problem {
    Problem {
        program: program.name.to_owned(),
        variant: variant.name.to_owned(),
        stage,
        message: util::tail(&format!("{error:#}"), 20),
    }
}

fn report(problems: &[Problem]) {
    for problem in problems {
        println!(
            "FAILED     {} {}: {}: {}",
            problem.program, problem.variant, problem.stage, problem.message
        );
    }
}

/// Runs everything once: warms the caches and compares checksums with native. What fails is not measured.
fn check(
    runner: &Runner,
    programs: &[&Program],
    variants: &[&Variant],
    cells: &mut Cells,
    problems: &mut Vec<Problem>,
) {
    println!("check      every variant computes what native computes");
    for program in programs {
        let Some(row) = cells.get_mut(program.name) else {
            continue;
        };
        let mut expected = None;
        for variant in variants {
            let Some(cell) = row.get_mut(variant.name) else {
                continue;
            };
            let Some(executable) = &cell.executable else {
                continue;
            };
            let result = runner.run(executable).map(|run| run.checksum);
            let found = match (result, &expected) {
                (Err(error), _) => Some(problem(program, variant, "run", &error)),
                (Ok(sum), None) if variant.options.is_none() => {
                    cell.checksum = Some(sum.clone());
                    expected = Some(sum);
                    None
                }
                (Ok(sum), Some(native)) if sum == *native => {
                    cell.checksum = Some(sum);
                    None
                }
                (Ok(sum), native) => {
                    let native = native.as_deref().unwrap_or("nothing");
                    let error = anyhow::anyhow!("computed {sum}, native {native}");
                    Some(problem(program, variant, "checksum", &error))
                }
            };
            if let Some(found) = found {
                report(std::slice::from_ref(&found));
                problems.push(found);
            }
        }
    }
}

/// The measured runs: one of every program and variant, then the next.
fn measure(
    runner: &Runner,
    runs: u32,
    programs: &[&Program],
    variants: &[&Variant],
    cells: &mut Cells,
    problems: &mut Vec<Problem>,
) {
    match runner.cpu() {
        Some(cpu) => println!("measure    {runs} interleaved runs, pinned to CPU {cpu}"),
        None => println!("measure    {runs} interleaved runs, NOT pinned: taskset is missing"),
    }
    for _ in 0..runs {
        for program in programs {
            let Some(row) = cells.get_mut(program.name) else {
                continue;
            };
            // All variants of a round or none: ratios pair runs by index.
            let mut times: Vec<(&str, f64)> = Vec::new();
            for variant in variants {
                let Some(cell) = row.get_mut(variant.name) else {
                    continue;
                };
                let (Some(executable), Some(_)) = (&cell.executable, &cell.checksum) else {
                    continue;
                };
                match runner.run(executable) {
                    Ok(Run { checksum, seconds }) if Some(&checksum) == cell.checksum.as_ref() => {
                        times.push((variant.name, seconds));
                    }
                    other => {
                        let error = other
                            .err()
                            .unwrap_or_else(|| anyhow::anyhow!("another checksum than before"));
                        let found = problem(program, variant, "run", &error);
                        report(std::slice::from_ref(&found));
                        problems.push(found);
                        cell.checksum = None;
                    }
                }
            }
            for (variant, seconds) in times {
                row.entry(variant).or_default().seconds.push(seconds);
            }
        }
    }
}

fn command_line() -> String {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    format!("cargo xtask {}", arguments.join(" "))
}

fn today() -> String {
    util::capture(std::process::Command::new("date").args(["-u", "+%Y-%m-%d"]))
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .unwrap_or_default()
}

fn machine() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or_else(|| "unknown CPU".to_owned(), |(_, name)| name.to_owned())
}
