//! `tests/vm/*.c` in virtual machines: every program in every configuration that is for it. And `tests/features/*.c`,
//! in kernel mode; and the programs of `examples/rust` and of `tests/rust/programs`.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use libtest_mimic::{Arguments, Failed, Trial};
use privbox_tests::rust::Program;
use privbox_tests::suite;
use privbox_tests::toolchain::{Toolchain, quick, tests_folder};
use privbox_tests::vm::case::{self, Case};
use privbox_tests::vm::matrix::{self, Config};
use privbox_tests::vm::suite::{Job, Suite};

/// Tests within the programs: passed, skipped.
static PASSED: AtomicUsize = AtomicUsize::new(0);
static SKIPPED: AtomicUsize = AtomicUsize::new(0);

fn main() {
    suite::main(trials, || {
        println!(
            "within the programs: {} tests passed, {} skipped",
            PASSED.load(Ordering::Relaxed),
            SKIPPED.load(Ordering::Relaxed)
        );
    });
}

fn trials(tools: &Toolchain) -> Result<Vec<Trial>> {
    let mut cases = case::all(&tests_folder())?;
    cases.push(Case::rust_examples(Path::new(env!(
        "CARGO_BIN_EXE_rust-example-session"
    ))));
    let rust = Program::all()?;
    cases.extend(rust.iter().map(Case::rust_program));
    let configs = if quick() {
        matrix::quick()
    } else {
        matrix::all()
    };
    let arguments = Arguments::from_args();
    let mut jobs = Vec::new();
    for config in configs {
        let mut cases = cases.clone();
        // A machine boots for all that will be asked for, and for nothing else.
        cases.retain(|case| case.runs_in(&config) && wanted(&arguments, &name(&config, case)));
        if !cases.is_empty() {
            jobs.push(Job { config, cases });
        }
    }
    let suite = Suite::new(tools, jobs.clone());
    let each = |job: Job| {
        let suite = Arc::clone(&suite);
        job.cases.into_iter().map(move |case| {
            let (suite, config) = (Arc::clone(&suite), job.config.clone());
            Trial::test(name(&config, &case), move || {
                let passed = suite.verdict(&config, &case).map_err(Failed::from)?;
                PASSED.fetch_add(passed.tests, Ordering::Relaxed);
                SKIPPED.fetch_add(passed.skipped.len(), Ordering::Relaxed);
                for line in passed.skipped {
                    eprintln!("vm: {}: {line}", name(&config, &case));
                }
                Ok(())
            })
        })
    };
    Ok(jobs.into_iter().flat_map(each).collect())
}

fn name(config: &Config, case: &Case) -> String {
    format!("{}/{}", config.name(), case.name)
}

/// As libtest-mimic decides.
fn wanted(arguments: &Arguments, name: &str) -> bool {
    let is = |filter: &str| {
        if arguments.exact {
            name == filter
        } else {
            name.contains(filter)
        }
    };
    arguments.filter.as_deref().is_none_or(is) && !arguments.skip.iter().any(|skip| is(skip))
}
