//! The speed of the tools themselves: compiling and verifying.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Serialize;

use super::figures::Problem;
use super::measure;
use super::programs::{PROGRAMS, VARIANTS};
use crate::sources::Sources;
use crate::util::{self, Project};

/// How long the amalgamation of SQLite takes to compile (wall time, the fastest of some runs).
#[derive(Debug, Serialize)]
pub struct CompileTime {
    pub clang_seconds: f64,
    pub privbox_cc_seconds: f64,
    pub ratio: f64,
}

/// How long an executable takes to verify.
#[derive(Debug, Serialize)]
pub struct Verification {
    pub program: String,
    /// Functions in the box, and those that were compiled again with a mask on every access.
    pub functions: u64,
    pub fallbacks: u64,
    pub text_bytes: u64,
    /// Wall time of `privbox verify`, start of the process included; the fastest of some runs.
    pub seconds: f64,
    pub megabytes_per_second: f64,
}

/// Runs of each of the two compilers.
const COMPILES: usize = 3;
/// Runs of the verifier.
const VERIFICATIONS: usize = 5;

/// Compiles sqlite3.c with both compilers in turn.
pub fn compile_time(
    project: &Project,
    sources: &Sources,
    problems: &mut Vec<Problem>,
) -> Option<CompileTime> {
    measured("sqlite", "compile", problems, || {
        let program = PROGRAMS
            .iter()
            .find(|p| p.name == "sqlite")
            .context("no program is called sqlite")?;
        let (files, include) = program.sources(project, sources)?;
        let file = files
            .iter()
            .find(|f| f.ends_with("sqlite3.c"))
            .context("sqlite has no sqlite3.c")?;
        let object = project
            .scratch("bench/overhead/sqlite")?
            .join("compile-time.o");
        let compile = |variant: usize, compiler: PathBuf| {
            program.compile(
                project,
                &compiler,
                &VARIANTS[variant],
                &include,
                file,
                &object,
            )
        };
        let mut clang = || compile(0, PathBuf::from("clang-22"));
        let mut privbox_cc = || compile(1, project.tool("privbox-cc"));
        let best = measure::fastest(COMPILES, &mut [&mut clang, &mut privbox_cc])?;
        let (clang, privbox) = (best[0].as_secs_f64(), best[1].as_secs_f64());
        Ok(CompileTime {
            clang_seconds: clang,
            privbox_cc_seconds: privbox,
            ratio: privbox / clang,
        })
    })
}

/// Verifies executables, some times each.
pub fn verifier(
    project: &Project,
    executables: impl Iterator<Item = (&'static str, PathBuf)>,
    problems: &mut Vec<Problem>,
) -> Vec<Verification> {
    let mut results = Vec::new();
    for (program, executable) in executables {
        results.extend(measured(program, "verify", problems, || {
            let mut verify = || {
                util::capture(
                    Command::new(project.tool("privbox"))
                        .arg("verify")
                        .arg(&executable),
                )
                .map(|_| ())
            };
            let best = measure::fastest(VERIFICATIONS, &mut [&mut verify])?;
            let report = inspect(project, &executable)?;
            let text_bytes = report["text_bytes"].as_u64().context("no text_bytes")?;
            let seconds = best[0].as_secs_f64();
            Ok(Verification {
                program: program.to_owned(),
                functions: report["functions"]
                    .as_array()
                    .map_or(0, |list| list.len() as u64),
                fallbacks: report["fallbacks"].as_u64().context("no fallbacks")?,
                text_bytes,
                seconds,
                megabytes_per_second: text_bytes as f64 / 1e6 / seconds,
            })
        }));
    }
    results
}

/// `privbox inspect` of one file.
fn inspect(project: &Project, executable: &Path) -> Result<serde_json::Value> {
    let mut command = Command::new(project.tool("privbox"));
    command
        .args(["inspect", "--format", "json"])
        .arg(executable);
    let report: serde_json::Value = serde_json::from_slice(&util::capture(&mut command)?.stdout)?;
    report["files"]
        .get(0)
        .cloned()
        .context("privbox inspect reports no file")
}

/// A result, or a problem on the list.
fn measured<T>(
    program: &str,
    stage: &'static str,
    problems: &mut Vec<Problem>,
    work: impl FnOnce() -> Result<T>,
) -> Option<T> {
    match work() {
        Ok(result) => Some(result),
        Err(error) => {
            let message = util::tail(&format!("{error:#}"), 20);
            println!("FAILED     {program}: {stage}: {message}");
            problems.push(Problem {
                program: program.to_owned(),
                variant: "mask".to_owned(),
                stage,
                message,
            });
            None
        }
    }
}
