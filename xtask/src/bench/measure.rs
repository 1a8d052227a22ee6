//! Running programs and making figures of their times.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::deps;
use crate::util;

/// What one run of a workload printed.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    pub checksum: String,
    /// CPU time of the workload, measured by itself, in seconds.
    pub seconds: f64,
}

/// Runs workloads, pinned to one CPU where `taskset` is there.
pub struct Runner {
    cpu: Option<usize>,
    rounds: u32,
}

impl Runner {
    /// `rounds` scales the work (100: one to two seconds).
    pub fn new(rounds: u32) -> Self {
        let cpu = std::thread::available_parallelism().map_or(0, |n| n.get() - 1);
        Self {
            cpu: deps::is_program("taskset").then_some(cpu),
            rounds,
        }
    }

    /// The CPU that runs are pinned to; `None` if they are not.
    pub fn cpu(&self) -> Option<usize> {
        self.cpu
    }

    /// One run. `PRIVBOX=user` makes a program with a box use it; others do not look at it.
    pub fn run(&self, executable: &Path) -> Result<Run> {
        // A time limit far above any run: a hanging variant must not stop the others.
        let mut command = Command::new("timeout");
        command.arg("300");
        if let Some(cpu) = self.cpu {
            command.args(["taskset", "-c", &cpu.to_string()]);
        }
        command
            .arg(executable)
            .arg(self.rounds.to_string())
            .env("PRIVBOX", "user")
            .env_remove("PRIVBOX_STATS");
        let output = util::capture(&mut command)?;
        parse(&String::from_utf8_lossy(&output.stdout)).with_context(|| {
            format!(
                "{} printed something else than a result",
                executable.display()
            )
        })
    }
}

fn parse(text: &str) -> Result<Run> {
    let field = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
            .with_context(|| format!("no line `{name}` in {text:?}"))
    };
    let nanoseconds: u64 = field("nanoseconds")?.parse()?;
    if nanoseconds == 0 {
        bail!("the workload took no time");
    }
    Ok(Run {
        checksum: field("checksum")?.to_owned(),
        seconds: nanoseconds as f64 / 1e9,
    })
}

/// The middle of a list; the mean of the two middle ones where their number is even.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    match n {
        0 => None,
        _ if n % 2 == 1 => Some(sorted[n / 2]),
        _ => Some((sorted[n / 2 - 1] + sorted[n / 2]) / 2.0),
    }
}

/// The least of a list.
pub fn minimum(values: &[f64]) -> Option<f64> {
    values.iter().copied().min_by(f64::total_cmp)
}

/// The geometric mean of positive numbers.
pub fn geometric_mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty())
        .then(|| (values.iter().map(|v| v.ln()).sum::<f64>() / values.len() as f64).exp())
}

/// The bytes of a program's sections whose name `wanted` accepts, by llvm-size.
pub fn section_bytes(executable: &Path, wanted: impl Fn(&str) -> bool) -> Result<u64> {
    let size: PathBuf = deps::llvm_prefix().join("bin/llvm-size");
    let output = util::capture(Command::new(size).arg("-A").arg("-d").arg(executable))?;
    // "name   size   address" per section, after a heading and before a total.
    let total = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let (name, bytes) = (words.next()?, words.next()?.parse::<u64>().ok()?);
            (words.next().is_some() && wanted(name)).then_some(bytes)
        })
        .sum();
    Ok(total)
}

/// Wall time of the fastest of `times` runs of each command, interleaved; the first failing one is an error.
pub fn fastest(
    times: usize,
    commands: &mut [&mut dyn FnMut() -> Result<()>],
) -> Result<Vec<Duration>> {
    let mut best = vec![Duration::MAX; commands.len()];
    for _ in 0..times {
        for (command, best) in commands.iter_mut().zip(&mut best) {
            *best = util::timed(&mut *command)?.1.min(*best);
        }
    }
    Ok(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(minimum(&[2.0, 1.0]), Some(1.0));
        assert_eq!(geometric_mean(&[]), None);
        assert!((geometric_mean(&[2.0, 8.0]).unwrap_or(0.0) - 4.0).abs() < 1e-12);
    }

    #[test]
    fn results_are_read() {
        let run = parse("checksum 00ff\nnanoseconds 1500000000\n").ok();
        assert_eq!(
            run,
            Some(Run {
                checksum: "00ff".to_owned(),
                seconds: 1.5
            })
        );
        assert!(parse("nanoseconds 15").is_err());
        assert!(parse("checksum 1\nnanoseconds x").is_err());
        assert!(parse("checksum 1\nnanoseconds 0").is_err());
    }
}
