//! Small packages made on the spot: what `cargo privbox` refuses, and how the user takes it back; what the report says of
//! crates with several units; profiles.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use libtest_mimic::Trial;
use privbox_tests::process::End;
use privbox_tests::rust::{cargo, succeed};
use privbox_tests::suite::trial;
use privbox_tests::toolchain::{Toolchain, quick};
use serde_json::Value;

use super::{entered, program, statistics};

pub fn trials(tools: &Toolchain) -> Vec<Trial> {
    type Body = fn(&Toolchain, &Path) -> Result<()>;
    if quick() {
        return Vec::new();
    }
    let all: [(&str, Body); 4] = [
        ("a_marked_function_must_run_in_the_box", marked),
        ("a_named_function_must_run_in_the_box", named),
        ("all_units_of_a_crate_are_reported", units),
        ("panics_may_abort", aborting),
    ];
    all.into_iter()
        .map(|(name, body)| {
            let tools = tools.clone();
            trial(format!("packages/{name}"), move |scratch| {
                body(&tools, scratch)
            })
        })
        .collect()
}

const MANIFEST: &str =
    "[package]\nname = \"app\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n[workspace]\n\n";

/// Assembly that the box does not take: `str` reads a selector.
const SELECTOR: &str = "
macro_rules! selector {
    () => {{
        let value: u64;
        // SAFETY: it reads a register that every process may read.
        unsafe { core::arch::asm!(\"str {}\", out(reg) value) };
        value
    }};
}
";

fn package(folder: &Path, manifest: &str, files: &[(&str, &str)]) -> Result<PathBuf> {
    let folder = folder.join("app");
    fs::create_dir_all(folder.join("src"))?;
    fs::write(folder.join("Cargo.toml"), format!("{MANIFEST}{manifest}"))?;
    for (name, text) in files {
        fs::write(folder.join("src").join(name), text)?;
    }
    Ok(folder)
}

/// What `cargo privbox build` says when it fails, as it must.
fn fails(tools: &Toolchain, package: &Path, options: &[&str]) -> Result<String> {
    let mut cargo = cargo(tools, package, "build", Some(options));
    let output = cargo
        .arg("--offline")
        .output()
        .context("cannot run cargo")?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() {
        bail!("{cargo:?} succeeds:\n{said}");
    }
    ensure!(
        !executable(package).exists(),
        "it left an executable behind"
    );
    Ok(said)
}

fn holds(text: &str, parts: &[&str]) -> Result<()> {
    for part in parts {
        ensure!(text.contains(part), "no `{part}` in:\n{text}");
    }
    Ok(())
}

/// With the mark, and by its author's name; kept outside by the user, the program is built and runs.
fn marked(tools: &Toolchain, scratch: &Path) -> Result<()> {
    let source = format!(
        "use privbox::privbox;\n{SELECTOR}
        #[privbox]
        fn refused() -> u64 {{ selector!() }}
        mod inner {{
            pub struct Word<T>(pub T);
            impl<T: Into<u64>> Word<T> {{
                #[privbox::privbox]
                pub fn method(self) -> u64 {{ self.0.into() + selector!() }}
            }}
        }}
        #[privbox]
        fn fine() -> u64 {{ 7 }}
        fn main() {{
            println!(\"{{}} {{}}\", refused() == inner::Word(0u32).method(), fine());
        }}"
    );
    let library = privbox_tests::toolchain::workspace().join("runtime/privbox");
    let package = package(
        scratch,
        &format!("[dependencies]\nprivbox = {{ path = {library:?} }}\n"),
        &[("main.rs", &source)],
    )?;
    // What the programs need is here already.
    fs::copy(
        privbox_tests::rust::programs().join("Cargo.lock"),
        package.join("Cargo.lock"),
    )?;
    let said = fails(tools, &package, &[])?;
    holds(
        &said,
        &[
            "`app::refused` is marked to run in the box and cannot: inline assembly that is not understood",
            "`<app::inner::Word<u32>>::method` is marked to run in the box and cannot",
            "help: ",
            "-fprivbox-outside='app::refused'",
        ],
    )?;
    ensure!(!said.contains("`app::fine`"), "{said}");

    let allowed = [
        "-fprivbox-outside=app::refused",
        "-fprivbox-outside=<app::inner::Word<u32>>::method",
    ];
    let mut cargo = cargo(tools, &package, "build", Some(&allowed));
    succeed(cargo.args(["--offline", "--target-dir", "allowed"]))?;
    let path = package.join("allowed/x86_64-unknown-linux-gnu/debug/app");
    let outcome = program(&path, &package, "user").run()?;
    let (line, _) = statistics(&outcome);
    ensure!(
        outcome.ok() && outcome.stdout == b"true 7\n" && line.is_some_and(entered),
        "ends with {}:\n{}",
        outcome.end,
        outcome.stderr
    );
    Ok(())
}

/// The same for names on the command line; what a glob matches besides may stay outside.
fn named(tools: &Toolchain, scratch: &Path) -> Result<()> {
    let source = format!(
        "{SELECTOR}
        #[inline(never)]
        pub fn refused() -> u64 {{ selector!() }}
        #[inline(never)]
        pub fn fine(n: u64) -> u64 {{ n + 1 }}
        fn main() {{
            println!(\"{{}}\", refused() == selector!() && fine(1) == 2);
        }}"
    );
    let package = package(scratch, "", &[("main.rs", &source)])?;
    let said = fails(tools, &package, &["-fprivbox-fn=app::refused"])?;
    holds(
        &said,
        &["`app::refused` is marked to run in the box and cannot: inline assembly"],
    )?;
    let mut cargo = cargo(tools, &package, "build", Some(&["-fprivbox-fn=*3app*"]));
    succeed(cargo.args(["--offline", "--target-dir", "glob"]))?;
    let path = package.join("glob/x86_64-unknown-linux-gnu/debug/app");
    let outcome = program(&path, &package, "user").run()?;
    let (line, _) = statistics(&outcome);
    ensure!(
        outcome.ok() && outcome.stdout == b"true\n" && line.is_some_and(entered),
        "ends with {}:\n{}",
        outcome.end,
        outcome.stderr
    );
    Ok(())
}

/// Incremental builds have many units per crate: each has its line, and units that went have none.
fn units(tools: &Toolchain, scratch: &Path) -> Result<()> {
    let module = |name: &str| {
        format!(
            "pub mod {name} {{\n#[inline(never)]\npub fn f(n: u64) -> String {{ format!(\"{name} {{n}}\") }}\n}}\n"
        )
    };
    let library = [module("first"), module("second"), module("third")].concat();
    let main = "fn main() { println!(\"{} {}\", app::first::f(1), app::second::f(2)); }";
    let package = package(
        scratch,
        "[profile.dev]\nincremental = true\ncodegen-units = 8\n",
        &[("lib.rs", &library), ("main.rs", main)],
    )?;
    let report = package.join("report.jsonl");
    let option = format!("-fprivbox-report={}", report.display());
    let build = || -> Result<(BTreeSet<String>, usize)> {
        let options = ["-fprivbox-fn=main", option.as_str()];
        let mut cargo = cargo(tools, &package, "build", Some(&options));
        succeed(cargo.args(["--offline", "--target-dir", "target"]))?;
        let text = fs::read_to_string(&report)?;
        let mut units = BTreeSet::new();
        let mut lines = 0;
        for line in text.lines() {
            let line: Value = serde_json::from_str(line)?;
            let (Some(object), Some(unit)) = (line["object"].as_str(), line["unit"].as_str())
            else {
                continue;
            };
            if object.ends_with(".rlib") {
                units.insert(unit.to_owned());
                lines += 1;
            }
        }
        Ok((units, lines))
    };
    let (before, lines) = build()?;
    ensure!(
        before.len() >= 3 && before.len() == lines,
        "{lines} lines of {before:?}"
    );
    fs::write(
        package.join("src/lib.rs"),
        [module("first"), module("second")].concat(),
    )?;
    let (after, lines) = build()?;
    // Each build has names of its own for the units.
    let library = package.join("target/x86_64-unknown-linux-gnu/debug/libapp.rlib");
    let mut members = Command::new("ar");
    let members = succeed(members.arg("t").arg(&library))?;
    let members: BTreeSet<String> = String::from_utf8_lossy(&members)
        .lines()
        .filter_map(|name| name.strip_suffix(".rcgu.o"))
        .map(|name| format!("rust:app({name})"))
        .collect();
    ensure!(
        after == members && after != before && after.len() == lines,
        "{lines} lines of {after:?}, the library has {members:?}"
    );
    let path = package.join("target/x86_64-unknown-linux-gnu/debug/app");
    let outcome = program(&path, &package, "user").run()?;
    let (line, _) = statistics(&outcome);
    ensure!(
        outcome.ok() && outcome.stdout == b"first 1 second 2\n" && line.is_some_and(entered),
        "ends with {}:\n{}",
        outcome.end,
        outcome.stderr
    );
    Ok(())
}

/// `panic = "abort"`: no destructor runs, the process ends as it does natively.
fn aborting(tools: &Toolchain, scratch: &Path) -> Result<()> {
    let source = "
        struct Loud;
        impl Drop for Loud { fn drop(&mut self) { println!(\"dropped\"); } }
        fn main() {
            let _guard = Loud;
            println!(\"{:?}\", std::panic::catch_unwind(|| std::env::args().count()));
            let none: Option<u32> = std::env::args().nth(1).map(|_| 1);
            println!(\"{}\", none.unwrap());
        }";
    let profile = "[profile.dev]\npanic = \"abort\"\nopt-level = 1\n";
    let package = package(scratch, profile, &[("main.rs", source)])?;
    succeed(cargo(tools, &package, "build", Some(&["-fprivbox-fn=main"])).arg("--offline"))?;
    let built = executable(&package);
    for mode in ["off", "user"] {
        let outcome = program(&built, &package, mode).run()?;
        ensure!(
            outcome.end == End::Signal(6)
                && outcome.stdout == b"Ok(1)\n"
                && outcome
                    .stderr
                    .contains("called `Option::unwrap()` on a `None` value"),
            "PRIVBOX={mode}: ends with {}, prints {:?}:\n{}",
            outcome.end,
            String::from_utf8_lossy(&outcome.stdout),
            outcome.stderr
        );
    }
    Ok(())
}

/// The first executable with options of the box: cargo privbox chooses a folder by them.
fn executable(package: &Path) -> PathBuf {
    let folders = fs::read_dir(package.join("target")).into_iter().flatten();
    folders
        .filter_map(|folder| Some(folder.ok()?.path()))
        .map(|folder| folder.join("x86_64-unknown-linux-gnu/debug/app"))
        .find(|file| file.exists())
        .unwrap_or_default()
}
