//! `build`, `check`, `verify`, and `privbox-rustc` without `cargo privbox`.

use std::fs;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use privbox_tests::compare;
use privbox_tests::process::{End, Run};

use super::{Body, Package, TARGET, fails, files, has_box, shown, succeeds};

pub const TESTS: &[(&str, Body)] = &[
    ("build/all_targets", all_targets),
    ("build/offline", offline),
    ("build/lists_what_is_outside", outside),
    ("build/compiler_flags", compiler_flags),
    ("build/functions_by_path", by_path),
    ("build/wrapper_alone", wrapper),
    ("build/other_wrappers", other_wrappers),
    ("check/makes_no_code", check),
    ("verify/every_executable", verify),
    ("verify/findings_name_functions_and_lines", findings),
];

/// Every program of the workspace has a box; what runs while building, and shared libraries, have none.
fn all_targets(package: &Package) -> Result<()> {
    succeeds(&package.cargo("privbox build --workspace --all-targets"))?;
    let debug = package.target("debug");
    for name in ["one", "two", "examples/show"] {
        ensure!(has_box(&debug.join(name))?, "{name} has no box");
    }
    ensure!(
        !has_box(&debug.join("libwords.so"))?,
        "a shared library has a box"
    );
    // What runs while building is the host's.
    let host = package.folder.join("target/privbox/debug");
    let mut seen = 0;
    for folder in fs::read_dir(host.join("build"))? {
        for script in files(&folder?.path(), "build-script-build", "")? {
            ensure!(!has_box(&script)?, "{} has a box", script.display());
            seen += 1;
        }
    }
    for library in files(&host.join("deps"), "lib", ".so")? {
        ensure!(!has_box(&library)?, "{} has a box", library.display());
        seen += 1;
    }
    // The build script of `app`, and two procedural macros.
    ensure!(seen >= 3, "only {seen} things that run while building");
    Ok(())
}

/// With everything fetched, no network is needed, nor a lock file that changes.
fn offline(package: &Package) -> Result<()> {
    succeeds(&package.cargo("privbox build --offline"))?;
    succeeds(&package.cargo("privbox build --offline --locked"))?;
    Ok(())
}

/// `build -v` says which functions the boxes leave for, why, and who calls them; whether cargo compiled anything or not.
fn outside(package: &Package) -> Result<()> {
    for _ in 0..2 {
        let outcome = package.cargo("privbox build -v").run()?;
        ensure!(outcome.ok(), "{}", shown(&outcome));
        let (_, list) = outcome
            .stderr
            .split_once("/two: ")
            .with_context(|| shown(&outcome))?;
        ensure!(
            list.contains("functions outside the box are called from it")
                && list.contains("  getenv: not compiled by privbox-cc\n    from two::ask"),
            "{}",
            shown(&outcome)
        );
    }
    Ok(())
}

/// RUSTFLAGS are for the programs in the box too: a `--cfg`, another processor, a linker's option.
fn compiler_flags(package: &Package) -> Result<()> {
    let flags = "--cfg noisy -Ctarget-cpu=x86-64-v2 -Clink-arg=-Wl,--defsym=of_the_user=42";
    let run = package
        .cargo("privbox run -q --target-dir target/flags -- a")
        .env("RUSTFLAGS", flags);
    let printed = succeeds(&run)?;
    ensure!(
        printed.starts_with("one: 101 words") && printed.ends_with("User, entered: true\n"),
        "{printed}"
    );
    let program = package
        .folder
        .join("target/flags")
        .join(TARGET)
        .join("debug/one");
    let symbols = succeeds(&Run::new("nm", &package.folder).arg(&program))?;
    ensure!(
        symbols.contains("of_the_user"),
        "the linker's option is lost"
    );
    Ok(())
}

/// Functions without the attribute; those of one program are no mistake in the other.
fn by_path(package: &Package) -> Result<()> {
    let stats = |words: &str| -> Result<String> {
        let outcome = package
            .cargo(&format!("privbox run -q --target-dir target/path {words}"))
            .env("PRIVBOX_STATS", "1")
            .run()?;
        ensure!(outcome.ok(), "{}", shown(&outcome));
        let (own, _) = compare::statistics(&outcome.stderr);
        Ok(own.first().copied().unwrap_or_default().to_owned())
    };
    let marked = stats("--bin one -- a")?;
    ensure!(marked.contains(" entries=1 "), "{marked}");
    // Other options, the same folder: compiled anew.
    let named = stats("-fprivbox-fn=app::plain --bin one -- a")?;
    ensure!(named.contains(" entries=2 "), "{named}");
    let main = stats("-fprivbox-fn=one::main --bin one -- a")?;
    ensure!(main.contains(" entries=1 "), "{main}");
    succeeds(&package.cargo("privbox build --target-dir target/path -fprivbox-fn=one::main"))?;
    // A function that is not there, in either program's own crate and in a library's.
    for name in [
        "app::no_such",
        "two::no_such",
        "words::cuont",
        "<two::No>::such",
    ] {
        fails(
            &package.cargo(&format!(
                "privbox build --target-dir target/path -fprivbox-fn={name}"
            )),
            101,
            &[
                &format!("no function matches -fprivbox-fn={name}"),
                "#[privbox] always does",
            ],
        )?;
    }
    Ok(())
}

/// `RUSTC_WRAPPER=privbox-rustc` and plain cargo.
fn wrapper(package: &Package) -> Result<()> {
    let run = |flags: &str| {
        let wrapper = package.tools.privbox.with_file_name("privbox-rustc");
        let run = package
            .cargo("run -q --target-dir target/wrapper -- a")
            .env("RUSTC_WRAPPER", &wrapper.to_string_lossy())
            .env("PRIVBOX", "user")
            .env("PRIVBOX_STATS", "1")
            .env("PRIVBOX_FLAGS", flags)
            .run()?;
        ensure!(run.ok(), "{}", shown(&run));
        Ok(run.stderr)
    };
    let text = run("")?;
    ensure!(text.contains("mode=user entries=1 "), "{text}");
    let text = run("-fprivbox-fn=app::plain")?;
    ensure!(text.contains("mode=user entries=2 "), "{text}");
    Ok(())
}

/// The user's own wrappers of rustc run as well, with either way to wire ours, from the environment and from cargo's
/// configuration. They see all crates, and those of the workspace.
fn other_wrappers(package: &Package) -> Result<()> {
    let folder = package.folder.join("target/wrappers");
    fs::create_dir_all(&folder)?;
    let log = folder.join("log");
    let script = |name: &str| -> Result<String> {
        let file = folder.join(name);
        let text = format!(
            "#!/bin/sh\nlast=\nfor word; do [ \"$last\" = --crate-name ] && echo \"{name} $word\" >> '{}'; last=$word; done\n\
             exec \"$@\"\n",
            log.display()
        );
        fs::write(&file, text)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
        Ok(file.display().to_string())
    };
    let (all, members) = (script("all")?, script("members")?);
    let built = folder.join("built");
    let runs = |run: Run, saw: &[&str]| -> Result<String> {
        if built.exists() {
            fs::remove_dir_all(&built)?;
        }
        fs::write(&log, "")?;
        let printed = succeeds(&run.env("RUSTC_WORKSPACE_WRAPPER", &members))?;
        let log = fs::read_to_string(&log)?;
        for line in saw {
            ensure!(
                log.lines().any(|known| known == *line),
                "not '{line}':\n{log}"
            );
        }
        ensure!(!log.contains("members privbox"), "{log}");
        Ok(printed)
    };
    let target = "--target-dir target/wrappers/built";
    let printed = runs(
        package
            .cargo(&format!("privbox run -q {target} -- a"))
            .env("RUSTC_WRAPPER", &all),
        &[
            "all privbox",
            "all app",
            "all one",
            "all shout",
            "members app",
            "members one",
        ],
    )?;
    ensure!(printed.ends_with("User, entered: true\n"), "{printed}");
    let one = ["all words", "members words"];
    let configured =
        format!("privbox build -p words {target} --config build.rustc-wrapper='{all}'");
    runs(package.cargo(&configured), &one)?;
    let by_hand = package.cargo(&format!("build -p words {target}"));
    let ours = package.tools.privbox.with_file_name("privbox-rustc");
    let by_hand = by_hand.env("RUSTC_WRAPPER", &ours.to_string_lossy());
    runs(by_hand.env("PRIVBOX_RUSTC_WRAPPER", &all), &one)?;
    let library = fs::read(built.join("debug/libwords.rlib"))?;
    let mut names = library.windows(15);
    ensure!(names.any(|name| name == b".privbox.text._"), "no box");
    // One that is not there is an error that names it.
    let missing = package.cargo(&format!("privbox build -p words {target}"));
    fails(
        &missing.env("RUSTC_WRAPPER", "/no/such/wrapper"),
        101,
        &["cannot run '/no/such/wrapper "],
    )?;
    Ok(())
}

/// `check` compiles nothing, and its exit code is cargo's.
fn check(package: &Package) -> Result<()> {
    succeeds(&package.cargo("privbox check --workspace --target-dir target/check"))?;
    let deps = package
        .folder
        .join("target/check")
        .join(TARGET)
        .join("debug/deps");
    ensure!(
        !files(&deps, "libapp", ".rmeta")?.is_empty()
            && files(&deps, "libapp", ".rlib")?.is_empty(),
        "check makes libraries"
    );
    package.edit("words/src/lib.rs", "-> usize {", "-> usize { missing();")?;
    fails(
        &package.cargo("privbox check --workspace --target-dir target/check"),
        101,
        &["cannot find function `missing`"],
    )?;
    Ok(())
}

/// All programs of the package, one after the other.
fn verify(package: &Package) -> Result<()> {
    let text = succeeds(&package.cargo("privbox verify"))?;
    for program in ["debug/one: verified", "debug/two: verified"] {
        ensure!(text.contains(program), "{text}");
    }
    ensure!(text.contains("level mask"), "{text}");
    fails(
        &package.cargo("privbox verify -p words"),
        2,
        &["this package has no executable"],
    )?;
    Ok(())
}

/// A program whose bytes were changed behind the linker's back: the finding is in Rust's words.
fn findings(package: &Package) -> Result<()> {
    succeeds(&package.cargo("privbox build"))?;
    let program = package.target("debug").join("one");
    let offset = box_function(package, &program, "3app6report")?;
    let file = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(&program)?;
    let mut before = [0; 2];
    file.read_exact_at(&mut before, offset)?;
    // `syscall`
    file.write_all_at(&[0x0f, 0x05], offset)?;
    let outcome = package.cargo("privbox verify").run();
    // Other tests use it.
    file.write_all_at(&before, offset)?;
    let outcome = outcome?;
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&outcome.stdout),
        outcome.stderr
    );
    ensure!(
        outcome.end == End::Code(1)
            && text.contains("syscall")
            && text.contains("app::report")
            && text.contains("app/src/lib.rs:"),
        "{}",
        shown(&outcome)
    );
    Ok(())
}

/// Where in the file a function of the box begins: the one whose mangled path ends so, not what is made for it.
fn box_function(package: &Package, program: &Path, part: &str) -> Result<u64> {
    let number = |text: &str| u64::from_str_radix(text.trim_start_matches("0x"), 16);
    let symbols = succeeds(&Run::new("nm", &package.folder).arg(program))?;
    let mut address = None;
    for line in symbols.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let [value, _, name] = words[..]
            && let Some((function, _)) = name.split_once(".privbox")
            && function.ends_with(part)
        {
            address = Some(number(value)?);
        }
    }
    let address = address.with_context(|| format!("no function of the box is named {part}"))?;
    let segments = succeeds(&Run::new("readelf", &package.folder).arg("-lW").arg(program))?;
    for line in segments.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let ["LOAD", offset, start, _, size, ..] = words[..] {
            let (offset, start, size) = (number(offset)?, number(start)?, number(size)?);
            if (start..start + size).contains(&address) {
                return Ok(address - start + offset);
            }
        }
    }
    bail!("address {address:#x} is in no segment")
}
