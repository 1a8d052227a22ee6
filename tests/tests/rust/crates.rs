//! Well-known crates' own tests, unmodified, as whole programs in the box.
//!
//! `tests/rust/crates/Cargo.toml` pins the crates, which cargo fetches; a copy of each is made a member of a workspace, whose
//! `tests.lock` pins what their tests need besides.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use libtest_mimic::Trial;
use privbox_tests::rust::{cargo, succeed};
use privbox_tests::suite::trial;
use privbox_tests::toolchain::{Toolchain, quick, workspace};
use serde_json::Value;

use super::{Once, entered, folder, program, statistics};

/// The crates, and how many tests pass natively.
const CRATES: [(&str, usize); 6] = [
    ("arrayvec", 52),
    ("bytes", 1055),
    ("memchr", 142),
    ("regex-syntax", 147),
    ("serde_json", 143),
    ("smallvec", 63),
];

/// The tests of one crate: its folder, and the programs with their tests.
struct Built {
    name: String,
    folder: PathBuf,
    programs: Vec<PathBuf>,
}

static BUILT: Once<Vec<Built>> = Once::new();

pub fn trials(tools: &Toolchain) -> Vec<Trial> {
    if quick() {
        return Vec::new();
    }
    let one = |(name, count): (&'static str, usize)| {
        let tools = tools.clone();
        trial(format!("crates/{name}"), move |_| {
            let all = BUILT.get(|| build(&tools))?;
            let built = all
                .iter()
                .find(|built| built.name == name)
                .context("cargo built no test of it")?;
            passes(built, count)
        })
    };
    CRATES.into_iter().map(one).collect()
}

fn passes(built: &Built, expected: usize) -> Result<()> {
    let mut passed = 0;
    for path in &built.programs {
        let run = program(path, &built.folder, "user")
            .env("CARGO_MANIFEST_DIR", &built.folder.to_string_lossy());
        let outcome = run.run()?;
        let text = String::from_utf8_lossy(&outcome.stdout);
        ensure!(
            outcome.ok(),
            "{} ends with {}:\n{text}\n{}",
            run.line(),
            outcome.end,
            outcome.stderr
        );
        let (line, _) = statistics(&outcome);
        ensure!(
            line.is_some_and(entered),
            "{} did not run in the box: {}",
            run.line(),
            line.unwrap_or("no statistics")
        );
        passed += count(&text);
    }
    ensure!(
        passed == expected,
        "{passed} tests passed, natively {expected}"
    );
    Ok(())
}

/// N of `test result: ok. N passed; ...`.
fn count(text: &str) -> usize {
    text.lines()
        .filter_map(|line| line.strip_prefix("test result: ok. "))
        .filter_map(|line| line.split(' ').next()?.parse::<usize>().ok())
        .sum()
}

fn build(tools: &Toolchain) -> Result<Vec<Built>> {
    let members = fetch()?;
    let root = folder(tools).join("crates");
    fs::create_dir_all(&root)?;
    let mut names = Vec::new();
    for (name, source) in &members {
        let copied = source.file_name().context("no name")?;
        let copy = root.join(copied);
        // The source of a version never changes.
        if !copy.join("Cargo.toml").is_file() {
            let mut copying = Command::new("cp");
            succeed(copying.arg("-r").arg(source).arg(&copy))
                .with_context(|| format!("cannot copy {name}"))?;
        }
        names.push(format!("{:?}", copied.to_string_lossy()));
    }
    let manifest = format!(
        "[workspace]\nresolver = \"2\"\nmembers = [{}]\n\n\
         # Some optimisation: less to instrument and to prove, and slices' own code is inlined.\n\
         [profile.dev]\nopt-level = 1\ndebug = false\nincremental = false\n",
        names.join(", ")
    );
    write(&root.join("Cargo.toml"), &manifest)?;
    let lock = workspace().join("tests/rust/crates/tests.lock");
    let lock = fs::read_to_string(&lock).with_context(|| lock.display().to_string())?;
    write(&root.join("Cargo.lock"), &lock)?;

    let options = ["-fprivbox-fn=main"];
    let mut cargo = cargo(tools, &root, "test", Some(&options));
    cargo.args(["--workspace", "--lib", "--tests", "--no-run", "--locked"]);
    cargo.arg("--message-format=json-render-diagnostics");
    cargo.arg("--target-dir").arg(root.join("target"));
    let messages = succeed(&mut cargo).context(
        "if Cargo.lock needs to be updated: make tests.lock anew, `cargo generate-lockfile` in the \
         workspace of the crates",
    )?;
    let mut built: Vec<Built> = members
        .iter()
        .map(|(name, source)| Built {
            name: name.clone(),
            folder: root.join(source.file_name().unwrap_or_default()),
            programs: Vec::new(),
        })
        .collect();
    for line in messages.split(|&byte| byte == b'\n') {
        let Ok(message) = serde_json::from_slice::<Value>(line) else {
            continue;
        };
        let (Some(executable), Some(manifest)) = (
            message["executable"].as_str(),
            message["manifest_path"].as_str(),
        ) else {
            continue;
        };
        if message["profile"]["test"] == true
            && let Some(one) = built
                .iter_mut()
                .find(|one| Path::new(manifest).starts_with(&one.folder))
        {
            one.programs.push(executable.into());
        }
    }
    Ok(built)
}

/// Leaves a file alone that is right already: cargo looks at times.
fn write(path: &Path, text: &str) -> Result<()> {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    fs::write(path, text).with_context(|| path.display().to_string())
}

/// Fetches the crates; their names and where cargo keeps their sources.
fn fetch() -> Result<Vec<(String, PathBuf)>> {
    let manifest = workspace().join("tests/rust/crates/Cargo.toml");
    let mut fetch = Command::new("cargo");
    fetch.args(["fetch", "--quiet", "--locked", "--manifest-path"]);
    succeed(fetch.arg(&manifest)).context("the crates cannot be fetched from crates.io")?;
    let mut metadata = Command::new("cargo");
    metadata.args(["metadata", "--locked", "--offline", "--format-version=1"]);
    let metadata: Value =
        serde_json::from_slice(&succeed(metadata.arg("--manifest-path").arg(&manifest))?)?;
    let packages = metadata["packages"].as_array().context("no packages")?;
    let mut found = Vec::new();
    for (name, _) in CRATES {
        let manifest = packages
            .iter()
            .find(|package| package["name"] == name)
            .and_then(|package| package["manifest_path"].as_str())
            .with_context(|| format!("tests/rust/crates/Cargo.toml does not name {name}"))?;
        let source = Path::new(manifest).parent().context("no folder")?;
        found.push((name.to_owned(), source.to_path_buf()));
    }
    Ok(found)
}
