//! What cargo compiles again, and that the result is right.

use std::fs;

use anyhow::{Result, ensure};

use super::{Body, Package, fails, shown};

pub const TESTS: &[(&str, Body)] = &[
    ("rebuild/only_what_is_needed", needed),
    ("rebuild/after_an_error", after_error),
];

/// Runs both programs; returns the crates that cargo compiled, and what was printed.
fn build(package: &Package) -> Result<(Vec<String>, String)> {
    let outcome = package.cargo("privbox build --workspace").run()?;
    ensure!(outcome.ok(), "{}", shown(&outcome));
    let compiled = outcome
        .stderr
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Compiling "))
        .filter_map(|rest| rest.split(' ').next())
        .map(str::to_owned)
        .collect();
    let mut printed = String::new();
    for program in ["one", "two"] {
        let run = privbox_tests::process::Run::new(
            package.target("debug").join(program),
            &package.folder,
        );
        printed.push_str(&super::succeeds(&run.arg("x").env("PRIVBOX", "user"))?);
    }
    Ok((compiled, printed))
}

fn needed(package: &Package) -> Result<()> {
    let (_, first) = build(package)?;
    let (compiled, printed) = build(package)?;
    ensure!(
        compiled.is_empty() && printed == first,
        "nothing has changed, and cargo compiles {compiled:?}"
    );

    // A library below: it and what is above.
    package.edit(
        "words/src/lib.rs",
        "{ 100 } else { 0 }",
        "{ 100 } else { 20 }",
    )?;
    let (mut compiled, printed) = build(package)?;
    compiled.sort();
    ensure!(
        compiled == ["app", "words"] && printed.contains("one: 21 words"),
        "{compiled:?}\n{printed}"
    );

    // A program: the other one is the same file.
    let other = package.target("debug").join("one");
    let before = fs::metadata(&other)?.modified()?;
    package.edit("app/src/bin/two.rs", "two: ", "TWO: ")?;
    let (compiled, printed) = build(package)?;
    ensure!(
        compiled == ["app"]
            && printed.contains("TWO: true, 21 words")
            && fs::metadata(&other)?.modified()? == before,
        "{compiled:?}\n{printed}"
    );

    // What the build script writes, and a procedural macro.
    package.edit("app/build.rs", "\\\"generated\\\"", "\\\"made\\\"")?;
    package.edit("shout/src/lib.rs", "to_uppercase", "to_lowercase")?;
    let (mut compiled, printed) = build(package)?;
    compiled.sort();
    compiled.dedup();
    ensure!(
        compiled == ["app", "shout"] && printed.contains("one: 21 words, made, one macro"),
        "{compiled:?}\n{printed}"
    );
    ensure!(printed.contains("User, entered: true"), "{printed}");
    Ok(())
}

/// An error in between leaves nothing behind that the next build would take for finished.
fn after_error(package: &Package) -> Result<()> {
    build(package)?;
    package.edit("words/src/lib.rs", "-> usize {", "-> usize { missing();")?;
    fails(
        &package.cargo("privbox build --workspace"),
        101,
        &["cannot find function `missing`"],
    )?;
    package.edit(
        "words/src/lib.rs",
        "{ missing();",
        "{ println!(\"mended\");",
    )?;
    let (_, printed) = build(package)?;
    ensure!(printed.contains("mended\none: 1 words"), "{printed}");
    Ok(())
}
