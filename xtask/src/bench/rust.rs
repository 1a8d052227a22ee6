//! `cargo xtask bench rust`: what the box costs Rust programs.
//!
//! * Six workloads of well-known crates (`benches/rust`), natively and in the user-mode box at levels `mask` and `spap`: runs are
//!   interleaved and pinned to one CPU; a figure is the median of the ratios of runs made one after the other.
//!   Both sides have the same allocator.
//! * The key-value server of `examples/rust`: requests a second over loopback, one connection, pipelined; and in guests whose
//!   clock counts instructions, what a request takes natively, in user mode and in kernel mode.
//! * `cargo privbox build` against `cargo build --release`, from nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use serde::Serialize;

use super::guest;
use super::measure::{geometric_mean, median};
use crate::toolchain;
use crate::util::{self, Project, cargo};
use crate::vm::Switch;

const TARGET: &str = "x86_64-unknown-linux-gnu";
const LEVELS: [&str; 2] = ["mask", "spap"];
/// Rounds of each workload for a few hundred milliseconds.
const ROUNDS: [(&str, u32); 6] = [
    ("serde_json", 600),
    ("regex", 1000),
    ("hashbrown", 300),
    ("miniz_oxide", 100),
    ("sha2", 500),
    ("httparse", 500),
];
/// What is built from `benches/rust`.
const PROGRAM: &str = "privbox-bench-rust";
/// Requests to the key-value server, here and in a guest.
const REQUESTS: usize = 200_000;
const GUEST_REQUESTS: usize = 20_000;
/// Requests at a time: an answer for each, or what a busy server sees.
const DEPTHS: [u32; 2] = [1, 50];

/// Options of `bench rust`.
#[derive(Args)]
pub struct Options {
    /// Runs of each workload and variant.
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Only these workloads (comma separated).
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    only: Vec<String>,
    /// A tenth of the work and three runs: to see that everything works.
    #[arg(long)]
    quick: bool,
    /// Kernels of the guests, by the beginning of their version (comma separated).
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "6.1",
        value_name = "VERSIONS"
    )]
    kernels: Vec<String>,
    /// Page-table isolation in the guests (comma separated).
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "off,on",
        value_name = "on|off"
    )]
    pti: Vec<Switch>,
}

/// Runs the benchmark.
pub fn run(project: &Project, options: &Options, install: bool) -> Result<()> {
    toolchain::build(project, install)?;
    let (runs, share) = if options.quick {
        (options.runs.min(3), 10)
    } else {
        (options.runs, 1)
    };
    for name in &options.only {
        ensure!(
            ROUNDS.iter().any(|(known, _)| known == name),
            "no workload '{name}': there are {}",
            ROUNDS.map(|(name, _)| name).join(", ")
        );
    }
    let folder = project.root.join("benches/rust");
    let mut report = Report {
        runs,
        ..Report::default()
    };
    let mut programs = BTreeMap::new();
    for variant in ["native"].into_iter().chain(LEVELS) {
        println!("build      {variant}");
        // The first build fetches crates and fills the cache with the standard library.
        let times = if options.quick || variant == "spap" {
            1
        } else {
            2
        };
        let (release, seconds) = build(project, &folder, variant, &[], times)?;
        programs.insert(variant, release.join(PROGRAM));
        report.build_seconds.insert(variant, seconds);
    }
    report.build_ratio = report.build_seconds["mask"] / report.build_seconds["native"];
    let same_allocator = ["--features", "mimalloc"];
    let (native, _) = build(project, &folder, "native-mimalloc", &same_allocator, 1)?;
    programs.insert("native", native.join(PROGRAM));
    for (name, rounds) in ROUNDS {
        if !options.only.is_empty() && !options.only.iter().any(|chosen| chosen == name) {
            continue;
        }
        let ratios = workload(&programs, name, (rounds / share).max(1), runs)?;
        report.ratios.insert(name, ratios);
    }
    for level in LEVELS {
        let all: Vec<f64> = report.ratios.values().map(|by| by[level]).collect();
        let mean = geometric_mean(&all).context("nothing was measured")?;
        report.geometric_mean.insert(level, mean);
    }
    let load = native.join("kv-load");
    let server = Server::build(project, &load)?;
    report.kv_server = Some(server.rates(REQUESTS / share as usize, runs)?);
    guest::each(&options.kernels, &options.pti, |kernel, name, pti| {
        let requests = GUEST_REQUESTS / share as usize;
        let figures = server.instructions(kernel, pti, requests, install)?;
        report
            .guest_instructions
            .insert(format!("{kernel}, {name}"), figures);
        Ok(())
    })?;
    let file = project.scratch("bench")?.join("rust.json");
    fs::write(&file, serde_json::to_string_pretty(&report)? + "\n")
        .map_err(|error| util::Failure::Unwritable(file.clone(), error))?;
    print!("\n{}", table(&report));
    println!(
        "\nMedians of {runs} interleaved runs, {}: `{}`.",
        super::today(),
        super::command_line()
    );
    println!("every figure: {}", file.display());
    Ok(())
}

/// Every figure.
#[derive(Debug, Default, Serialize)]
struct Report {
    runs: u32,
    /// CPU time in the box by native CPU time: by crate, by level.
    ratios: BTreeMap<&'static str, BTreeMap<&'static str, f64>>,
    geometric_mean: BTreeMap<&'static str, f64>,
    build_seconds: BTreeMap<&'static str, f64>,
    build_ratio: f64,
    kv_server: Option<Rates>,
    /// Per request: by configuration, by requests at a time, by mode.
    guest_instructions: BTreeMap<String, BTreeMap<String, BTreeMap<&'static str, u64>>>,
}

fn table(report: &Report) -> String {
    let mut text = String::from("| run time against native | mask | spap |\n| --- | --- | --- |\n");
    let mean = ("**geometric mean**", &report.geometric_mean);
    for (name, by_level) in report
        .ratios
        .iter()
        .map(|(name, by)| (*name, by))
        .chain([mean])
    {
        let _ = writeln!(
            text,
            "| {name} | {:.3} | {:.3} |",
            by_level["mask"], by_level["spap"]
        );
    }
    let _ = writeln!(
        text,
        "\nbuild: `cargo build --release` {:.1} s, `cargo privbox build --release` {:.1} s (the standard library in the cache): {:.2}",
        report.build_seconds["native"], report.build_seconds["mask"], report.build_ratio
    );
    if let Some(server) = &report.kv_server {
        let rates: Vec<String> = server
            .requests_per_second
            .iter()
            .map(|(variant, rate)| format!("{variant} {rate:.0}"))
            .collect();
        let _ = writeln!(
            text,
            "key-value server, requests a second: {}; call-outs of all {} requests: {}",
            rates.join(", "),
            server.requests,
            server.call_outs
        );
    }
    if report.guest_instructions.is_empty() {
        return text;
    }
    text.push_str("\n| guest instructions per request | native | user mode | kernel mode |\n| --- | --- | --- | --- |\n");
    for (configuration, by_depth) in &report.guest_instructions {
        for (depth, by) in by_depth {
            let _ = writeln!(
                text,
                "| {configuration}, {depth} | {} | {} | {} |",
                by["native"], by["user mode"], by["kernel mode"]
            );
        }
    }
    text
}

/// Builds a package from nothing `times` times; returns the folder of its programs and the seconds of the last build.
fn build(
    project: &Project,
    folder: &Path,
    variant: &str,
    more: &[&str],
    times: u32,
) -> Result<(PathBuf, f64)> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let target = project.scratch(&format!("bench-rust/{name}-{variant}"))?;
    let native = variant.starts_with("native");
    let mut seconds = 0.0;
    for _ in 0..times {
        if target.exists() {
            fs::remove_dir_all(&target).with_context(|| target.display().to_string())?;
        }
        let mut command = if native {
            let mut command = cargo();
            command.arg("build");
            command
        } else {
            let mut command = Command::new(project.tool("cargo-privbox"));
            command.args(["privbox", "build"]);
            command.arg(format!("-fprivbox-level={variant}"));
            command
        };
        command.args(["--release", "--quiet", "--locked", "--target-dir"]);
        command.arg(&target).args(more).current_dir(folder);
        command.env_remove("CARGO_TARGET_DIR");
        let start = Instant::now();
        util::capture(&mut command)?;
        seconds = start.elapsed().as_secs_f64();
    }
    let release = if native {
        target.join("release")
    } else {
        target.join(TARGET).join("release")
    };
    Ok((release, seconds))
}

/// Median ratios of one workload, by level.
fn workload(
    programs: &BTreeMap<&'static str, PathBuf>,
    name: &str,
    rounds: u32,
    runs: u32,
) -> Result<BTreeMap<&'static str, f64>> {
    let mut ratios: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for _ in 0..runs {
        let native = once(&programs["native"], name, rounds)?;
        for level in LEVELS {
            let boxed = once(&programs[level], name, rounds)?;
            ensure!(
                boxed.0 == native.0,
                "{name} at level {level} computes {}, natively {}",
                boxed.0,
                native.0
            );
            ratios.entry(level).or_default().push(boxed.1 / native.1);
        }
    }
    let medians = LEVELS
        .into_iter()
        .filter_map(|level| Some((level, median(&ratios[level])?)));
    let medians: BTreeMap<_, _> = medians.collect();
    println!("run        {name}: {medians:.3?}");
    Ok(medians)
}

/// Checksum and seconds of one run.
fn once(program: &Path, name: &str, rounds: u32) -> Result<(String, f64)> {
    let mut command = Command::new("taskset");
    command
        .args(["-c", "1"])
        .arg(program)
        .arg(name)
        .arg(rounds.to_string());
    command.env("PRIVBOX", "user");
    let output = util::capture(&mut command)?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut words = text.split_whitespace();
    let (checksum, seconds) = (words.next(), words.next().and_then(|s| s.parse().ok()));
    match (checksum, seconds) {
        (Some(checksum), Some(seconds)) => Ok((checksum.to_owned(), seconds)),
        _ => bail!("{} {name} printed '{}'", program.display(), text.trim()),
    }
}

/// The key-value server: requests a second here, and instructions per request in guests, by variant.
struct Server<'a> {
    project: &'a Project,
    load: &'a Path,
    native: PathBuf,
    boxed: PathBuf,
}

impl<'a> Server<'a> {
    fn build(project: &'a Project, load: &'a Path) -> Result<Self> {
        println!("build      kv-server");
        let folder = project.root.join("examples/rust");
        let (native, _) = build(project, &folder, "native", &[], 1)?;
        let (boxed, _) = build(project, &folder, "mask", &[], 1)?;
        Ok(Self {
            project,
            load,
            native: native.join("kv-server"),
            boxed: boxed.join("kv-server"),
        })
    }

    /// Medians of requests a second over loopback, and what the server in the box did.
    fn rates(&self, requests: usize, runs: u32) -> Result<Rates> {
        let mut all: BTreeMap<&'static str, Vec<f64>> = BTreeMap::new();
        let mut did = String::new();
        for _ in 0..runs {
            for (variant, program) in [("native", &self.native), ("user mode", &self.boxed)] {
                let mut command = Command::new(self.load);
                command.arg(program).arg(requests.to_string());
                command.arg(DEPTHS[1].to_string()).env("PRIVBOX", "user");
                let output = util::capture(&mut command)?;
                let load = Load::read(&String::from_utf8_lossy(&output.stdout))?;
                all.entry(variant)
                    .or_default()
                    .push(requests as f64 / load.seconds);
                did = load.server;
            }
        }
        let medians: BTreeMap<_, _> = all
            .into_iter()
            .filter_map(|(variant, rates)| Some((variant, median(&rates)?)))
            .collect();
        let call_outs = call_outs(&did)?;
        for (variant, rate) in &medians {
            println!("kv-server  {variant}: {rate:.0} requests/s");
        }
        println!("kv-server  in the box: {did}");
        Ok(Rates {
            requests_per_second: medians,
            requests,
            call_outs,
        })
    }

    /// Guest instructions per request, the client's and the kernel's included, in one configuration.
    fn instructions(
        &self,
        kernel: &str,
        pti: bool,
        requests: usize,
        install: bool,
    ) -> Result<BTreeMap<String, BTreeMap<&'static str, u64>>> {
        let mut guest = guest::boot(self.project, kernel, pti, &self.boxed, install)?;
        let mut figures = BTreeMap::new();
        for depth in DEPTHS {
            let mut by_mode = BTreeMap::new();
            for (variant, program, mode) in [
                ("native", &self.native, "off"),
                ("user mode", &self.boxed, "user"),
                ("kernel mode", &self.boxed, "kernel"),
            ] {
                let words = vec![
                    self.load.into(),
                    program.into(),
                    requests.to_string().into(),
                    depth.to_string().into(),
                ];
                let text = guest::output(&mut guest, self.project, words, mode)?;
                let load = Load::read(&text)?;
                by_mode.insert(variant, load.ticks / requests as u64);
            }
            println!("           {depth} at a time: {by_mode:?}");
            figures.insert(format!("{depth} at a time"), by_mode);
        }
        guest::finish(guest)?;
        Ok(figures)
    }
}

#[derive(Debug, Serialize)]
struct Rates {
    requests_per_second: BTreeMap<&'static str, f64>,
    requests: usize,
    /// Of the whole run: the mark is that they do not grow with the requests.
    call_outs: u64,
}

/// What `kv-load` prints.
struct Load {
    seconds: f64,
    ticks: u64,
    server: String,
}

impl Load {
    fn read(text: &str) -> Result<Self> {
        let read = || {
            let (first, server) = text.split_once('\n')?;
            let (seconds, ticks) = first.split_once(' ')?;
            Some(Self {
                seconds: seconds.parse().ok()?,
                ticks: ticks.parse().ok()?,
                server: server.trim().to_owned(),
            })
        };
        read().with_context(|| format!("kv-load printed '{}'", text.trim()))
    }
}

/// Of the server's last line, `Stats { entries: 1, call_outs: 2, gate_calls: 3 }`.
fn call_outs(line: &str) -> Result<u64> {
    line.split_once("call_outs: ")
        .and_then(|(_, rest)| rest.split(',').next()?.parse().ok())
        .with_context(|| format!("the server says '{line}'"))
}
