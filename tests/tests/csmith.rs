//! Random programs of Debian's `csmith`, all of their functions in the box, against native.
//!
//! Seeds are fixed, so a failure is reproducible: its message names the seed and the commands.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use libtest_mimic::Trial;
use privbox_tests::compare::{Program, Verdict, compare};
use privbox_tests::process::Run;
use privbox_tests::suite::{self, trial};
use privbox_tests::toolchain::{Toolchain, quick};

/// Programs of a whole run, and of a quick one.
const PROGRAMS: (u32, u32) = (320, 20);
/// Programs that are also built in strict mode.
const STRICT: u32 = 20;
const FIRST_SEED: u32 = 1;
const LEVELS: [&str; 5] = ["-O2", "-O0", "-O3", "-O1", "-Os"];
/// Small programs: many seeds find more than long ones.
const SHAPE: [&str; 14] = [
    "--max-funcs",
    "4",
    "--max-block-size",
    "3",
    "--max-block-depth",
    "3",
    "--max-expr-complexity",
    "5",
    "--max-array-dim",
    "2",
    "--max-array-len-per-dim",
    "5",
    "--max-struct-fields",
    "5",
];

static COMPARED: AtomicUsize = AtomicUsize::new(0);
static SKIPPED: AtomicUsize = AtomicUsize::new(0);

fn main() {
    suite::main(trials, || {
        println!(
            "csmith: {} programs compared, {} skipped because the native run exceeds 5 s",
            COMPARED.load(Ordering::Relaxed),
            SKIPPED.load(Ordering::Relaxed)
        );
    });
}

fn trials(tools: &Toolchain) -> Result<Vec<Trial>> {
    let here = std::env::current_dir()?;
    if Run::new("csmith", &here).arg("--version").run().is_err() {
        bail!("csmith cannot be run: install it with `apt install csmith libcsmith-dev`");
    }
    let count = if quick() { PROGRAMS.1 } else { PROGRAMS.0 };
    let mut trials = Vec::new();
    for seed in FIRST_SEED..FIRST_SEED + count {
        trials.push(random_program(tools, seed, false));
        if !quick() && seed < FIRST_SEED + STRICT {
            trials.push(random_program(tools, seed, true));
        }
    }
    Ok(trials)
}

fn random_program(tools: &Toolchain, seed: u32, strict: bool) -> Trial {
    let tools = tools.clone();
    let level = LEVELS[seed as usize % LEVELS.len()];
    let name = format!(
        "{}{seed:04}/{}",
        if strict { "strict" } else { "seed" },
        &level[1..]
    );
    trial(name, move |folder| {
        let source = generate(seed, folder)?;
        let mut program = Program {
            sources: vec![source],
            flags: vec![level.into(), "-w".into(), "-I/usr/include/csmith".into()],
            privbox: vec!["-fprivbox-fn=main".into()],
            stats: true,
            limit: Some(Duration::from_secs(5)),
            ..Program::default()
        };
        if strict {
            program.privbox.push("-fprivbox-strict".into());
            program.link.push("-static".into());
        }
        let shape = SHAPE.join(" ");
        match compare(&tools, &program, folder)
            .with_context(|| format!("seed {seed}: csmith --seed {seed} {shape} -o random.c"))?
        {
            Verdict::Equal(_) => COMPARED.fetch_add(1, Ordering::Relaxed),
            Verdict::NativeTimeOut => SKIPPED.fetch_add(1, Ordering::Relaxed),
        };
        Ok(())
    })
}

fn generate(seed: u32, folder: &Path) -> Result<std::path::PathBuf> {
    let source = folder.join("random.c");
    let outcome = Run::new("csmith", folder)
        .args(["--seed", &seed.to_string()])
        .args(SHAPE)
        .arg("-o")
        .arg(&source)
        .limit(Duration::from_secs(60))
        .run()?;
    if !outcome.ok() {
        bail!("csmith fails for seed {seed}: {}", outcome.stderr);
    }
    Ok(source)
}
