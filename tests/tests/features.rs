//! `tests/features/*.c` and `*.cpp`: a program per feature of C, some for C++, native against box, in every variant.

use std::path::PathBuf;

use anyhow::{Result, bail};
use libtest_mimic::Trial;
use privbox_tests::compare::{Program, Verdict, compare};
use privbox_tests::directive::Case;
use privbox_tests::suite::{self, trial};
use privbox_tests::toolchain::{Toolchain, cpu_has_v3, quick, tests_folder};

/// Options of one way to build a case.
struct Variant {
    name: String,
    flags: Vec<String>,
    privbox: Vec<String>,
    link: Vec<String>,
}

fn main() {
    suite::main(trials, || {});
}

fn trials(tools: &Toolchain) -> Result<Vec<Trial>> {
    let mut sources: Vec<PathBuf> = std::fs::read_dir(tests_folder().join("features"))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "c" || extension == "cpp")
        })
        .collect();
    sources.sort();
    let mut trials = Vec::new();
    for source in sources {
        let case = Case::read(&source)?;
        for variant in variants(&case) {
            let (tools, case) = (tools.clone(), case.clone());
            let skip = case.only_cpu.is_some() && !cpu_has_v3();
            trials.push(
                trial(format!("{}/{}", case.name, variant.name), move |folder| {
                    let (libraries, flags): (Vec<String>, Vec<String>) = case
                        .flags
                        .iter()
                        .cloned()
                        .partition(|flag| flag.starts_with("-l"));
                    let program = Program {
                        sources: std::iter::once(&case.source)
                            .chain(&case.with)
                            .cloned()
                            .collect(),
                        plain: case.with_plain.clone(),
                        flags: variant.flags.iter().chain(&flags).cloned().collect(),
                        privbox: case
                            .privbox
                            .iter()
                            .chain(&variant.privbox)
                            .cloned()
                            .collect(),
                        // Libraries after the files that need them, or static linking does not find them.
                        link: libraries.into_iter().chain(variant.link).collect(),
                        args: case.args.clone(),
                        stats: !case.leaves_out("stats"),
                        ..Program::default()
                    };
                    match compare(&tools, &program, folder)? {
                        Verdict::Equal(native) if native.end == case.end => Ok(()),
                        Verdict::Equal(native) => {
                            bail!("the program ended with {}, not {}", native.end, case.end)
                        }
                        Verdict::NativeTimeOut => bail!("the native program does not end"),
                    }
                })
                .with_ignored_flag(skip),
            );
        }
    }
    Ok(trials)
}

fn variants(case: &Case) -> Vec<Variant> {
    let words = |text: &[&str]| text.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    let one = |name: &str, level: &str, privbox: &[&str], link: &[&str], flags: &[&str]| Variant {
        name: name.to_owned(),
        flags: level
            .split(',')
            .map(str::to_owned)
            .chain(words(flags))
            .collect(),
        privbox: words(privbox),
        link: words(link),
    };
    if quick() {
        // Two levels in turn: the quick run is for the developer's loop.
        let level = if case.levels.len() == 1 {
            case.levels[0].as_str()
        } else if case.name.len().is_multiple_of(2) {
            "-O0"
        } else {
            "-O2"
        };
        return vec![one(&level[1..], level, &[], &[], &[])];
    }
    let mut variants: Vec<Variant> = case
        .levels
        .iter()
        .map(|level| {
            one(
                level.replace(",-", "").trim_start_matches('-'),
                level,
                &[],
                &[],
                &[],
            )
        })
        .collect();
    if !case.leaves_out("levels-of-help") {
        variants.push(one("pks", "-O2", &["-fprivbox-level=pks"], &[], &[]));
        variants.push(one("spap", "-O2", &["-fprivbox-level=spap"], &[], &[]));
        variants.push(one(
            "transient",
            "-O2",
            &["-fprivbox-strength=transient"],
            &[],
            &[],
        ));
    }
    if !case.leaves_out("strict") {
        variants.push(one(
            "strict",
            "-O2",
            &["-fprivbox-strict"],
            &["-static"],
            &[],
        ));
    }
    for link in &case.links {
        variants.push(match link.as_str() {
            "static" => one(link, "-O2", &[], &["-static"], &[]),
            "static-pie" => one(link, "-O2", &[], &["-static-pie"], &["-fPIE"]),
            "no-pie" => one(link, "-O2", &[], &["-no-pie"], &["-fno-pie"]),
            "bfd" => one(link, "-O2", &[], &["-fuse-ld=bfd"], &[]),
            other => one(other, "-O2", &[], &[other], &[]),
        });
    }
    variants
}
