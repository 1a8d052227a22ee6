//! `cargo xtask bench rust`: what the box costs Rust programs.
//!
//! * Six workloads of well-known crates (`benches/rust`), natively and in the user-mode box at levels `mask` and `spap`: runs are
//!   interleaved and pinned to one CPU; a figure is the median of the ratios of runs made one after the other.
//! * The key-value server of `examples/rust`: requests a second over loopback, one connection, pipelined.
//! * `cargo privbox build` against `cargo build --release`, from nothing.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use serde_json::json;

use super::measure::{geometric_mean, median};
use crate::toolchain;
use crate::util::{self, Project, cargo};

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
const REQUESTS: usize = 200_000;

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
    let mut programs = BTreeMap::new();
    let mut builds = BTreeMap::new();
    for variant in ["native"].into_iter().chain(LEVELS) {
        println!("build      {variant}");
        let (program, seconds) = build(project, &folder, "privbox-bench-rust", variant)?;
        programs.insert(variant, program);
        builds.insert(variant, seconds);
    }
    let mut table = String::from("| crate | mask | spap |\n| --- | --- | --- |\n");
    let mut figures = BTreeMap::new();
    let mut all: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (name, rounds) in ROUNDS {
        if !options.only.is_empty() && !options.only.iter().any(|chosen| chosen == name) {
            continue;
        }
        let ratios = workload(&programs, name, (rounds / share).max(1), runs)?;
        table.push_str(&format!("| {name} |"));
        for level in LEVELS {
            let ratio = ratios.get(level).copied().unwrap_or(f64::NAN);
            table.push_str(&format!(" {ratio:.3} |"));
            all.entry(level).or_default().push(ratio);
        }
        table.push('\n');
        figures.insert(name, ratios);
    }
    table.push_str("| geometric mean |");
    let mut means = BTreeMap::new();
    for level in LEVELS {
        let mean = geometric_mean(&all[level]).context("nothing was measured")?;
        table.push_str(&format!(" {mean:.3} |"));
        means.insert(level, mean);
    }
    println!("\n{table}");
    let build_ratio = builds["mask"] / builds["native"];
    println!(
        "build      cargo {:.1} s, cargo privbox {:.1} s (with the standard library in the cache): {build_ratio:.2}",
        builds["native"], builds["mask"]
    );
    let server = server(project, share as usize)?;
    let report = json!({
        "runs": runs,
        "ratios": figures,
        "geomean": means,
        "build_seconds": builds,
        "build_ratio": build_ratio,
        "kv_server": server,
    });
    let file = project.root.join("target/bench/rust.json");
    util::make_folder(file.parent().context("no folder")?)?;
    fs::write(&file, serde_json::to_string_pretty(&report)?)
        .map_err(|error| util::Failure::Unwritable(file.clone(), error))?;
    println!("written    {}", file.display());
    Ok(())
}

/// Builds a package from nothing; returns a program of it and the seconds of the second of two builds, the first of which
/// fetches crates and fills the cache with the standard library.
fn build(project: &Project, folder: &Path, program: &str, variant: &str) -> Result<(PathBuf, f64)> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let target = project.scratch(&format!("bench-rust/{name}-{variant}"))?;
    let mut seconds = 0.0;
    for _ in 0..2 {
        if target.exists() {
            fs::remove_dir_all(&target).with_context(|| target.display().to_string())?;
        }
        let mut command = if variant == "native" {
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
        command.arg(&target).current_dir(folder);
        command.env_remove("CARGO_TARGET_DIR");
        let start = Instant::now();
        util::capture(&mut command)?;
        seconds = start.elapsed().as_secs_f64();
    }
    let release = if variant == "native" {
        target.join("release")
    } else {
        target.join(TARGET).join("release")
    };
    Ok((release.join(program), seconds))
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

/// Requests a second of the key-value server, by variant, and what it did while it served.
fn server(project: &Project, share: usize) -> Result<serde_json::Value> {
    let folder = project.root.join("examples/rust");
    let mut results = BTreeMap::new();
    for variant in ["native", "mask"] {
        let (program, _) = build(project, &folder, "kv-server", variant)?;
        let (rate, stats) = serve(&program, REQUESTS / share)?;
        println!("kv-server  {variant}: {rate:.0} requests/s; {stats}");
        results.insert(
            variant,
            json!({ "requests_per_second": rate, "stats": stats }),
        );
    }
    Ok(json!(results))
}

fn serve(program: &Path, requests: usize) -> Result<(f64, String)> {
    let mut server = Command::new(program)
        .arg("127.0.0.1:0")
        .env("PRIVBOX", "user")
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {}", program.display()))?;
    let result = talk(&mut server, requests);
    // Whatever happened, it ends.
    let _ = server.kill();
    server.wait()?;
    result
}

fn talk(server: &mut std::process::Child, requests: usize) -> Result<(f64, String)> {
    let mut output = BufReader::new(server.stdout.take().context("no output")?);
    let mut line = String::new();
    output.read_line(&mut line)?;
    let address = line
        .strip_prefix("listening on ")
        .and_then(|rest| rest.split_whitespace().next())
        .with_context(|| format!("the server says '{}'", line.trim()))?;
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let start = Instant::now();
    // Pipelined by 50: what is measured is the server, not the loopback's latency.
    for chunk in 0..requests / 50 {
        let mut batch = Vec::new();
        for n in 0..50 {
            let key = (chunk * 7 + n) % 1000;
            if n % 2 == 0 {
                writeln!(batch, "set key{key} value {chunk}")?;
            } else {
                writeln!(batch, "get key{key}")?;
            }
        }
        stream.write_all(&batch)?;
        for _ in 0..50 {
            line.clear();
            ensure!(reader.read_line(&mut line)? > 0, "the server has gone");
            ensure!(
                !line.starts_with("error"),
                "the server says '{}'",
                line.trim()
            );
        }
    }
    let rate = requests as f64 / start.elapsed().as_secs_f64();
    stream.write_all(b"shutdown\n")?;
    let mut rest = String::new();
    output.read_to_string(&mut rest)?;
    Ok((rate, rest.trim().to_owned()))
}
