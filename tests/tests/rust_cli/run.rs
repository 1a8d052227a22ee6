//! `run`, `test`, `bench`, and the page's first commands.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use privbox_tests::process::{End, Outcome, Run};
use privbox_tests::rust;
use privbox_tests::toolchain::workspace;

use super::{Body, Package, path, shown, succeeds};

pub const TESTS: &[(&str, Body)] = &[
    ("run/as_the_page_says", page),
    ("run/in_the_box", run),
    ("run/profiles_and_features", profiles),
    ("run/tests_of_all_kinds", tests),
    ("run/tests_as_a_whole", tests_as_a_whole),
    ("run/benchmarks", benchmarks),
    ("run/examples", examples),
];

/// docs/rust.md, first code blocks: the commands, `src/main.rs`, and what is printed.
fn page(package: &Package) -> Result<()> {
    let text = fs::read_to_string(workspace().join("docs/rust.md"))?;
    let block = |language: &str| -> Result<&str> {
        let start = format!("```{language}\n");
        let (_, rest) = text
            .split_once(&start)
            .with_context(|| format!("docs/rust.md has no block of {language}"))?;
        Ok(rest.split_once("```").map_or(rest, |(block, _)| block))
    };
    // Not inside this project, whose workspace would take the package in.
    let scratch = tempfile::tempdir()?;
    let folder = scratch.path();
    let new = folder.join("hello").display().to_string();
    let commands = block("sh")?;
    ensure!(
        commands.contains("cargo new /tmp/hello && cd /tmp/hello"),
        "docs/rust.md: another folder than this test knows"
    );
    let commands = commands.replace("/tmp/hello", &new);
    let (command, prints) = block("console")?
        .strip_prefix("$ ")
        .and_then(|block| block.split_once('\n'))
        .context("docs/rust.md: no command in the first console block")?;
    fs::write(folder.join("main.rs"), block("rust")?)?;
    // The commands were built elsewhere than in target/release if the test says so.
    let script = format!(
        "set -e\nunset CARGO_TARGET_DIR RUSTFLAGS RUSTC_WRAPPER CARGO_MANIFEST_DIR\n\
         cd {}\n{commands}\ncp {}/main.rs src/main.rs\nexport PATH='{}'\n{command}\n{}\n",
        workspace().display(),
        folder.display(),
        path(&package.tools).to_string_lossy(),
        command.replace("cargo privbox run", "cargo run"),
    );
    let run = Run::new("sh", folder)
        .args(["-c", &script])
        .limit(std::time::Duration::from_secs(600));
    let printed = succeeds(&run)?;
    let native = prints.replace("User", "Off");
    ensure!(
        printed == format!("{prints}{native}"),
        "it prints\n{printed}and docs/rust.md says\n{prints}"
    );
    Ok(())
}

/// Arguments, exit code and standard output are the program's; `PRIVBOX` is the user's.
fn run(package: &Package) -> Result<()> {
    let one = package.cargo("privbox run -- a b seven");
    let outcome = one.run()?;
    let printed = String::from_utf8_lossy(&outcome.stdout);
    ensure!(
        outcome.end == End::Code(7)
            && printed
                == "one: 3 words, generated, ONE MACRO\nplain: 3628800\nUser, entered: true\n",
        "{}",
        shown(&outcome)
    );
    let off = succeeds(&package.cargo("privbox run -q -- a").env("PRIVBOX", "off"))?;
    ensure!(off.ends_with("Off, entered: false\n"), "{off}");
    let example = succeeds(&package.cargo("privbox run -q -p app --example show"))?;
    ensure!(
        example == "show: 2 words, generated, ONE MACRO\nUser, entered: true\n",
        "{example}"
    );
    // From another folder, and with the host's target named.
    let manifest = package.folder.join("Cargo.toml").display().to_string();
    let elsewhere = super::cargo(
        &package.tools,
        &workspace(),
        &format!(
            "privbox run -q --manifest-path {manifest} --target {} --bin two",
            super::TARGET
        ),
    );
    let two = succeeds(&elsewhere)?;
    ensure!(two.starts_with("two: true, 1 words"), "{two}");
    Ok(())
}

/// A profile of the user's own, with link-time optimisation, and a feature of a dependency.
fn profiles(package: &Package) -> Result<()> {
    let run = package.cargo("privbox run -q --profile small --features loud -- x");
    let printed = succeeds(&run)?;
    ensure!(
        printed
            == "counting\none: 1 words, generated, ONE MACRO\nplain: 3628800\nUser, entered: true\n",
        "{printed}"
    );
    Ok(())
}

/// The package's tests pass, and say so, and this line besides.
fn all_pass(run: &Run, also: &str) -> Result<Outcome> {
    let outcome = run.run()?;
    ensure!(outcome.ok(), "{}", shown(&outcome));
    let text = String::from_utf8_lossy(&outcome.stdout);
    for line in [
        "test tests::reports ... ok",
        "test tests::panics - should panic ... ok",
        "test tests::counts ... ok",
        "test result: ok. 3 passed",
        also,
    ] {
        ensure!(text.contains(line), "no '{line}': {}", shown(&outcome));
    }
    Ok(outcome)
}

/// Unit, integration and documentation tests; marked functions in any of them enter the box.
fn tests(package: &Package) -> Result<()> {
    let run = package
        .cargo("privbox test --workspace -- --nocapture")
        .env("EXPECT_BOX", "1");
    let outcome = all_pass(&run, "whole: User, entered: true")?;
    let documentation = outcome.stderr.contains("Doc-tests app");
    ensure!(documentation, "{}", shown(&outcome));
    // Outside the box they run as well.
    succeeds(
        &package
            .cargo("privbox test -q -p app")
            .env("PRIVBOX", "off"),
    )?;
    Ok(())
}

/// `-fprivbox-fn=main`: all of each test program runs in the box, the harness and functions without a mark included.
fn tests_as_a_whole(package: &Package) -> Result<()> {
    let run = package
        .cargo("privbox test --workspace -fprivbox-fn=main")
        .env("PRIVBOX_STATS", "1");
    let outcome = all_pass(&run, "test from_outside ... ok")?;
    // Unit tests of `app`, of its two programs, of `words` and of `shout`, and `whole`; the tests of a procedural macro
    // are the host's, but are compiled for the target as the others are.
    let (own, _) = privbox_tests::compare::statistics(&outcome.stderr);
    let entered = own
        .iter()
        .filter(|line| line.contains("mode=user ") && !line.contains(" entries=0 "));
    ensure!(
        entered.count() >= 5 && own.iter().all(|line| !line.contains(" entries=0 ")),
        "{}",
        shown(&outcome)
    );
    Ok(())
}

fn benchmarks(package: &Package) -> Result<()> {
    let printed = succeeds(&package.cargo("privbox bench -q -p app --bench quick"))?;
    ensure!(
        printed == "quick: 4 words, generated, ONE MACRO\nUser, entered: true\n",
        "{printed}"
    );
    Ok(())
}

/// The programs of `examples/rust` answer the same natively, with the box off, and in it. (In kernel mode: `tests/vm.rs`.)
fn examples(package: &Package) -> Result<()> {
    let session = |folder: &Path, mode: &str| {
        let run = Run::new(env!("CARGO_BIN_EXE_rust-example-session"), &package.folder)
            .arg(folder)
            .env("PRIVBOX", mode);
        succeeds(&run)
    };
    let native = session(&rust::examples(&package.tools, None)?, "off")?;
    let boxed = rust::examples(&package.tools, Some("mask"))?;
    for mode in ["off", "user"] {
        let printed = session(&boxed, mode)?;
        ensure!(
            printed == native,
            "PRIVBOX={mode}: they answer\n{printed}\nnatively\n{native}"
        );
    }
    Ok(())
}
