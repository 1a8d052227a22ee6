//! `cargo xtask demo`: unmodified SQLite with its queries in a box, from source to a compared run.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::Value;

use crate::sources;
use crate::toolchain;
use crate::util::{self, Project, seconds, thousands};

/// Options of `demo`.
#[derive(Args)]
pub struct Arguments {
    /// Rows of the workload's main table.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    orders: u32,
    /// Runs of each mode; the fastest counts.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
}

/// The function that enters the box when it is called.
const ENTRY: &str = "run_queries";

/// Runs the demonstration; any difference between the modes is an error.
pub fn run(project: &Project, arguments: &Arguments, install: bool) -> Result<()> {
    toolchain::build(project, install)?;
    let source = sources::fetch(project)?.folder("sqlite")?.to_path_buf();
    let executable = compile(project, &source)?;
    let (verified, verification) = verify(project, &executable)?;
    let inspected = inspect(project, &executable)?;
    let compared = compare(&executable, arguments)?;
    println!(
        "compare    the outputs are equal: {} lines\n",
        compared.output.lines().count()
    );
    let ratio = compared.boxed / compared.native;
    let rows = [
        ("functions in the box", count(&verified, "functions")),
        ("bytes in the box", count(&verified, "text_bytes")),
        ("memory accesses", count(&inspected, "accesses")),
        ("masks emitted", count(&inspected, "masks")),
        ("masks elided", count(&inspected, "elided")),
        ("functions called out", count(&inspected, "callouts")),
        (
            "call-outs while running",
            compared.callouts.map_or("?".to_owned(), thousands),
        ),
        (
            "verification",
            format!("{:.3} s", verification.as_secs_f64()),
        ),
        ("run time, normal code", format!("{:.3} s", compared.native)),
        ("run time, in the box", format!("{:.3} s", compared.boxed)),
        ("ratio", format!("{ratio:.3}")),
    ];
    for (name, value) in rows {
        println!("| {name:24} | {value:>12} |");
    }
    println!(
        "\nthe executable: {}\nrun it: PRIVBOX=user PRIVBOX_STATS=1 {0}",
        executable.display()
    );
    Ok(())
}

/// Compiles as a user would: the amalgamation as it is, and our queries.
fn compile(project: &Project, source: &Path) -> Result<PathBuf> {
    let folder = project.scratch("demo")?;
    let compiler = project.tool("privbox-cc");
    let ours = project.root.join("examples/sqlite-query/query.c");
    let option = format!("-fprivbox-fn={ENTRY}");
    println!("compile    sqlite3.c and query.c: privbox-cc -O2 {option}");
    let executable = folder.join("query");
    let mut command = Command::new(compiler);
    command
        .args(["-O2", &option, "-w", "-I"])
        .arg(source)
        .arg(ours)
        .arg(source.join("sqlite3.c"));
    command.args(["-lm", "-o"]).arg(&executable);
    let (_, took) = util::timed(|| util::capture(&mut command))?;
    println!("           {} (linking verified it already)", seconds(took));
    Ok(executable)
}

/// What the verifier says of the executable, and how long it took.
fn verify(project: &Project, executable: &Path) -> Result<(Value, Duration)> {
    let mut command = Command::new(project.tool("privbox"));
    command.args(["verify", "--format", "json"]).arg(executable);
    let (output, took) = util::timed(|| util::capture(&mut command))?;
    let report = json(&output.stdout).context("privbox verify --format json")?;
    println!(
        "verify     accepted: {} functions",
        count(&report, "functions")
    );
    Ok((report, took))
}

fn inspect(project: &Project, executable: &Path) -> Result<Value> {
    let mut command = Command::new(project.tool("privbox"));
    command
        .args(["inspect", "--format", "json"])
        .arg(executable);
    json(&util::capture(&mut command)?.stdout).context("privbox inspect --format json")
}

fn json(bytes: &[u8]) -> Result<Value> {
    let value: Value = serde_json::from_slice(bytes)?;
    // {"files": [one report per file that was named]}
    value["files"]
        .get(0)
        .cloned()
        .context("the report names no file")
}

/// A number of a report, or the length of a list; `?` if it is not there.
fn count(report: &Value, name: &str) -> String {
    let value = &report[name];
    let number = value
        .as_u64()
        .or_else(|| value.as_array().map(|list| list.len() as u64));
    number.map_or("?".to_owned(), thousands)
}

struct Compared {
    output: String,
    /// CPU seconds of the workload, the fastest run.
    native: f64,
    boxed: f64,
    /// How often the box called out, by the runtime's own count.
    callouts: Option<u64>,
}

/// Runs the same executable with its normal code and in user mode, in turn.
fn compare(executable: &Path, arguments: &Arguments) -> Result<Compared> {
    println!(
        "run        {} times with the normal code and in the box, in turn",
        arguments.runs
    );
    let mut result = Compared {
        output: String::new(),
        native: f64::INFINITY,
        boxed: f64::INFINITY,
        callouts: None,
    };
    for _ in 0..arguments.runs {
        let native = start(executable, arguments, "off")?;
        let boxed = start(executable, arguments, "user")?;
        if native.output != boxed.output {
            bail!(
                "the box computed something else than the normal code; compare\n  PRIVBOX=off {0} {1}\n  \
                 PRIVBOX=user {0} {1}",
                executable.display(),
                arguments.orders
            );
        }
        result.native = result.native.min(native.seconds);
        result.boxed = result.boxed.min(boxed.seconds);
        result.callouts = boxed.callouts;
        result.output = boxed.output;
    }
    Ok(result)
}

struct Run {
    output: String,
    seconds: f64,
    callouts: Option<u64>,
}

fn start(executable: &Path, arguments: &Arguments, mode: &str) -> Result<Run> {
    let mut command = Command::new(executable);
    command
        .arg(arguments.orders.to_string())
        .env("PRIVBOX", mode)
        .env("PRIVBOX_STATS", "1");
    let output = util::capture(&mut command)?;
    let messages = String::from_utf8_lossy(&output.stderr).into_owned();
    let seconds = messages.lines().find_map(|line| line.trim().parse().ok());
    // "privbox: mode=user entries=1 callouts=12 ..."
    let statistics = messages
        .lines()
        .find(|line| line.starts_with("privbox: mode="));
    let entries = statistics
        .and_then(|line| statistic(line, "entries"))
        .unwrap_or(0);
    if mode == "user" && entries == 0 {
        bail!("PRIVBOX=user did not enter the box: PRIVBOX_STATS=1 counts no entry\n{messages}");
    }
    Ok(Run {
        output: String::from_utf8_lossy(&output.stdout).into_owned(),
        seconds: seconds
            .with_context(|| format!("{} printed no time: {messages}", executable.display()))?,
        callouts: statistics.and_then(|line| statistic(line, "callouts")),
    })
}

/// A number of the runtime's statistics: 12 of "callouts" in "privbox: entries=1 callouts=12".
fn statistic(line: &str, name: &str) -> Option<u64> {
    line.split_whitespace()
        .find_map(|word| word.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::{count, statistic};

    #[test]
    fn reports_are_read() {
        let report = serde_json::json!({"file": "x", "functions": 1548, "callouts": ["printf"]});
        assert_eq!(count(&report, "functions"), "1,548");
        assert_eq!(count(&report, "callouts"), "1");
        assert_eq!(count(&report, "masks"), "?");
        assert_eq!(
            statistic("privbox: entries=1 callouts=12", "callouts"),
            Some(12)
        );
        assert_eq!(statistic("callouts", "callouts"), None);
    }
}
