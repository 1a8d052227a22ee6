//! Bad input of `privbox-cc` and `privbox`: a clear message, a distinct exit code, nothing half-written; and build systems.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::Trial;
use privbox_tests::process::{End, Outcome, Run};
use privbox_tests::suite::{self, trial};
use privbox_tests::toolchain::Toolchain;

const PROGRAM: &str = "#include <stdio.h>\nint twice(int n) { return 2 * n; }\nint main(void) { printf(\"%d\\n\", twice(21)); return 0; }\n";

type Body = fn(&Toolchain, &Path) -> Result<()>;

#[path = "tools/builds.rs"]
mod builds;

fn main() {
    suite::main(
        |tools| {
            let make = |&(name, body): &(&str, Body)| {
                let tools = tools.clone();
                trial(name.to_owned(), move |folder| body(&tools, folder))
            };
            let builds = builds::tests();
            Ok(TESTS
                .iter()
                .chain(&builds)
                .map(make)
                .collect::<Vec<Trial>>())
        },
        || {},
    );
}

const TESTS: &[(&str, Body)] = &[
    (
        "wrapper/unknown_clang_option_is_clangs_error",
        unknown_clang_option,
    ),
    ("wrapper/unknown_privbox_option", unknown_privbox_option),
    ("wrapper/bad_values_of_options", bad_values),
    ("wrapper/function_that_matches_nothing", no_match),
    ("wrapper/missing_source", missing_source),
    ("wrapper/syntax_error_leaves_no_object", syntax_error),
    ("wrapper/unwritable_output", unwritable_output),
    ("wrapper/missing_resources", missing_resources),
    ("wrapper/silent_on_success", silent),
    ("wrapper/no_privbox_is_plain_clang", no_privbox),
    ("wrapper/compile_then_link", compile_then_link),
    ("wrapper/glob_and_outside", glob_and_outside),
    ("wrapper/report_is_written", report),
    ("wrapper/object_without_a_note", object_without_note),
    ("wrapper/corrupt_object", corrupt_object),
    ("verify/missing_file", verify_missing),
    ("verify/not_elf", verify_not_elf),
    ("verify/plain_executable", verify_plain),
    ("verify/truncations", verify_truncated),
    ("verify/changed_text_is_found", verify_changed),
    ("verify/no_arguments_is_misuse", verify_misuse),
    ("verify/json", verify_json),
    ("inspect/human_and_json", inspect),
    ("runtime/bad_environment", bad_environment),
    ("runtime/kernel_mode_without_module", kernel_mode),
];

fn write(folder: &Path, name: &str, text: &str) -> Result<PathBuf> {
    let file = folder.join(name);
    fs::write(&file, text)?;
    Ok(file)
}

fn cc(tools: &Toolchain, folder: &Path, words: &[&str]) -> Result<Outcome> {
    Run::new(&tools.cc, folder).args(words).run()
}

fn privbox(tools: &Toolchain, folder: &Path, words: &[&str]) -> Result<Outcome> {
    Run::new(&tools.privbox, folder).args(words).run()
}

/// Fails unless `outcome` is a failure with an exit code and a message with each of `parts`.
fn refused(outcome: &Outcome, parts: &[&str]) -> Result<()> {
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&outcome.stdout),
        outcome.stderr
    );
    match outcome.end {
        End::Code(0) => bail!("accepted; output: {text}"),
        End::Code(101) => bail!("panicked: {text}"),
        End::Code(_) => {}
        other => bail!("ended with {other}: {text}"),
    }
    for part in parts {
        ensure!(
            text.contains(part),
            "the message does not name `{part}`: {text}"
        );
    }
    ensure!(!text.contains("panicked at"), "panicked: {text}");
    Ok(())
}

fn accepted(outcome: &Outcome) -> Result<()> {
    ensure!(
        outcome.ok(),
        "{}: {}{}",
        outcome.end,
        String::from_utf8_lossy(&outcome.stdout),
        outcome.stderr
    );
    Ok(())
}

/// The program, in a box.
fn built(tools: &Toolchain, folder: &Path) -> Result<PathBuf> {
    write(folder, "program.c", PROGRAM)?;
    accepted(&cc(
        tools,
        folder,
        &[
            "-O1",
            "-g",
            "-fprivbox-fn=main",
            "program.c",
            "-o",
            "program",
        ],
    )?)?;
    Ok(folder.join("program"))
}

fn unknown_clang_option(tools: &Toolchain, folder: &Path) -> Result<()> {
    write(folder, "program.c", PROGRAM)?;
    refused(
        &cc(
            tools,
            folder,
            &["-fno-such-option-of-clang", "-c", "program.c"],
        )?,
        &["-fno-such-option-of-clang"],
    )
}

fn unknown_privbox_option(tools: &Toolchain, folder: &Path) -> Result<()> {
    write(folder, "program.c", PROGRAM)?;
    refused(
        &cc(
            tools,
            folder,
            &["-fprivbox-no-such-thing", "-c", "program.c"],
        )?,
        &["-fprivbox-no-such-thing"],
    )
}

fn bad_values(tools: &Toolchain, folder: &Path) -> Result<()> {
    write(folder, "program.c", PROGRAM)?;
    for option in [
        "-fprivbox-level=nothing",
        "-fprivbox-level=",
        "-fprivbox-strength=strong",
        "-fprivbox-fn=[",
    ] {
        refused(
            &cc(tools, folder, &[option, "-c", "program.c"])?,
            &["privbox"],
        )
        .with_context(|| option.to_owned())?;
        ensure!(
            !folder.join("program.o").exists(),
            "{option}: an object was written"
        );
    }
    Ok(())
}

fn no_match(tools: &Toolchain, folder: &Path) -> Result<()> {
    write(folder, "program.c", PROGRAM)?;
    let outcome = cc(
        tools,
        folder,
        &[
            "-fprivbox-fn=no_such_function",
            "program.c",
            "-o",
            "program",
        ],
    )?;
    refused(&outcome, &["no_such_function"])?;
    ensure!(
        !folder.join("program").exists(),
        "an executable was written all the same"
    );
    Ok(())
}

fn missing_source(tools: &Toolchain, folder: &Path) -> Result<()> {
    refused(&cc(tools, folder, &["-c", "missing.c"])?, &["missing.c"])
}

fn syntax_error(tools: &Toolchain, folder: &Path) -> Result<()> {
    write(folder, "wrong.c", "int f( { return }\n")?;
    let outcome = cc(
        tools,
        folder,
        &["-fprivbox-fn=f", "-c", "wrong.c", "-o", "wrong.o"],
    )?;
    refused(&outcome, &["wrong.c:1"])?;
    ensure!(
        outcome.end == End::Code(1),
        "clang's exit code is 1, not {}",
        outcome.end
    );
    ensure!(!folder.join("wrong.o").exists(), "an object was written");
    Ok(())
}

fn unwritable_output(tools: &Toolchain, folder: &Path) -> Result<()> {
    write(folder, "program.c", PROGRAM)?;
    let to = "missing-folder/program.o";
    refused(
        &cc(
            tools,
            folder,
            &["-fprivbox-fn=main", "-c", "program.c", "-o", to],
        )?,
        &["missing-folder"],
    )?;
    refused(
        &cc(
            tools,
            folder,
            &[
                "-fprivbox-fn=main",
                "program.c",
                "-o",
                "missing-folder/program",
            ],
        )?,
        &["missing-folder"],
    )
}

fn missing_resources(tools: &Toolchain, folder: &Path) -> Result<()> {
    write(folder, "program.c", PROGRAM)?;
    let outcome = Run::new(&tools.cc, folder)
        .args(["-fprivbox-fn=main", "program.c", "-o", "program"])
        .env("PRIVBOX_RESOURCES", "/nonexistent/resources")
        .run()?;
    refused(&outcome, &["/nonexistent/resources"])
}

fn silent(tools: &Toolchain, folder: &Path) -> Result<()> {
    write(folder, "program.c", PROGRAM)?;
    let outcome = cc(
        tools,
        folder,
        &["-O2", "-fprivbox-fn=main", "program.c", "-o", "program"],
    )?;
    accepted(&outcome)?;
    ensure!(
        outcome.stdout.is_empty() && outcome.stderr.is_empty(),
        "chatter breaks configure: {}",
        outcome.stderr
    );
    Ok(())
}

fn no_privbox(tools: &Toolchain, folder: &Path) -> Result<()> {
    write(folder, "program.c", PROGRAM)?;
    accepted(&cc(
        tools,
        folder,
        &["-fno-privbox", "program.c", "-o", "program"],
    )?)?;
    let outcome = Run::new("./program", folder).run()?;
    ensure!(
        outcome.stdout == b"42\n",
        "the plain program printed {:?}",
        String::from_utf8_lossy(&outcome.stdout)
    );
    refused(
        &privbox(tools, folder, &["verify", "program"])?,
        &["program"],
    )
}

fn compile_then_link(tools: &Toolchain, folder: &Path) -> Result<()> {
    write(
        folder,
        "a b.c",
        "int twice(int n);\n#include <stdio.h>\nint main(void) { printf(\"%d\\n\", twice(21)); return 0; }\n",
    )?;
    write(folder, "twice.c", "int twice(int n) { return 2 * n; }\n")?;
    accepted(&cc(
        tools,
        folder,
        &[
            "-O2",
            "-fprivbox-fn=main",
            "-c",
            "a b.c",
            "-MD",
            "-MF",
            "a.d",
        ],
    )?)?;
    accepted(&cc(
        tools,
        folder,
        &["-O2", "-fprivbox-fn=main", "-c", "twice.c", "-o", "twice.o"],
    )?)?;
    ensure!(
        fs::read_to_string(folder.join("a.d"))?.contains("a\\ b.c"),
        "-MD wrote no dependencies"
    );
    write(folder, "response", "\"a b.o\" twice.o -o program\n")?;
    accepted(&cc(tools, folder, &["-fprivbox-fn=main", "@response"])?)?;
    let outcome = Run::new("./program", folder).env("PRIVBOX", "user").run()?;
    ensure!(
        outcome.stdout == b"42\n",
        "printed {:?}, {}",
        String::from_utf8_lossy(&outcome.stdout),
        outcome.stderr
    );
    accepted(&privbox(tools, folder, &["verify", "program"])?)
}

fn glob_and_outside(tools: &Toolchain, folder: &Path) -> Result<()> {
    write(
        folder,
        "program.c",
        "#include <stdio.h>\n__attribute__((noinline)) int box_a(int n) { return n + 1; }\n__attribute__((noinline)) int box_b(int n) { return n + 2; }\n__attribute__((noinline)) int other(int n) { return n + 3; }\nint main(void) { printf(\"%d\\n\", box_a(1) + box_b(2) + other(3)); return 0; }\n",
    )?;
    accepted(&cc(
        tools,
        folder,
        &[
            "-O1",
            "-fprivbox-fn=box_*",
            "-fprivbox-outside=box_b",
            "-fprivbox-report=report.json",
            "program.c",
            "-o",
            "program",
        ],
    )?)?;
    let outcome = Run::new("./program", folder)
        .env("PRIVBOX", "user")
        .env("PRIVBOX_STATS", "1")
        .run()?;
    ensure!(
        outcome.stdout == b"12\n",
        "printed {:?}, {}",
        String::from_utf8_lossy(&outcome.stdout),
        outcome.stderr
    );
    Ok(())
}

fn report(tools: &Toolchain, folder: &Path) -> Result<()> {
    write(folder, "program.c", PROGRAM)?;
    accepted(&cc(
        tools,
        folder,
        &[
            "-O0",
            "-fprivbox-fn=main",
            "-fprivbox-report=report.json",
            "program.c",
            "-o",
            "program",
        ],
    )?)?;
    let text = fs::read_to_string(folder.join("report.json")).context("no report was written")?;
    for name in ["main", "twice", "printf"] {
        ensure!(
            text.contains(name),
            "the report does not name {name}: {text}"
        );
    }
    Ok(())
}

fn object_without_note(tools: &Toolchain, folder: &Path) -> Result<()> {
    write(
        folder,
        "program.c",
        "int twice(int);\n#include <stdio.h>\nint main(void) { printf(\"%d\\n\", twice(21)); return 0; }\n",
    )?;
    write(folder, "twice.c", "int twice(int n) { return 2 * n; }\n")?;
    accepted(
        &Run::new(&tools.clang, folder)
            .args(["-c", "twice.c"])
            .run()?,
    )?;
    // Foreign code is no error: it is called out, and the report says so.
    accepted(&cc(
        tools,
        folder,
        &[
            "-fprivbox-fn=main",
            "-fprivbox-report=report.json",
            "program.c",
            "twice.o",
            "-o",
            "program",
        ],
    )?)?;
    ensure!(
        fs::read_to_string(folder.join("report.json"))?.contains("twice"),
        "the report does not name the call-out"
    );
    let outcome = Run::new("./program", folder).env("PRIVBOX", "user").run()?;
    ensure!(
        outcome.stdout == b"42\n",
        "printed {:?}",
        String::from_utf8_lossy(&outcome.stdout)
    );
    Ok(())
}

fn corrupt_object(tools: &Toolchain, folder: &Path) -> Result<()> {
    write(folder, "program.c", PROGRAM)?;
    accepted(&cc(
        tools,
        folder,
        &["-fprivbox-fn=main", "-c", "program.c", "-o", "whole.o"],
    )?)?;
    let whole = fs::read(folder.join("whole.o"))?;
    for length in [10, 63, 64, whole.len() / 2, whole.len() - 1] {
        fs::write(folder.join("cut.o"), &whole[..length])?;
        refused(
            &cc(
                tools,
                folder,
                &["-fprivbox-fn=main", "cut.o", "-o", "program"],
            )?,
            &["cut.o"],
        )
        .with_context(|| format!("cut to {length} bytes"))?;
    }
    Ok(())
}

fn verify_missing(tools: &Toolchain, folder: &Path) -> Result<()> {
    let outcome = privbox(tools, folder, &["verify", "missing"])?;
    refused(&outcome, &["missing"])?;
    ensure!(
        outcome.end == End::Code(2),
        "misuse is exit code 2, not {}",
        outcome.end
    );
    Ok(())
}

fn verify_not_elf(tools: &Toolchain, folder: &Path) -> Result<()> {
    for (name, text) in [
        ("empty", ""),
        ("text", "not an executable\n"),
        ("magic", "\x7fELF"),
    ] {
        write(folder, name, text)?;
        refused(&privbox(tools, folder, &["verify", name])?, &[name])?;
    }
    refused(&privbox(tools, folder, &["verify", "."])?, &["."])
}

fn verify_plain(tools: &Toolchain, folder: &Path) -> Result<()> {
    write(folder, "program.c", PROGRAM)?;
    accepted(
        &Run::new(&tools.clang, folder)
            .args(["program.c", "-o", "plain"])
            .run()?,
    )?;
    refused(&privbox(tools, folder, &["verify", "plain"])?, &["plain"])
}

fn verify_truncated(tools: &Toolchain, folder: &Path) -> Result<()> {
    let whole = fs::read(built(tools, folder)?)?;
    for part in 1..16 {
        fs::write(folder.join("cut"), &whole[..whole.len() * part / 32])?;
        refused(&privbox(tools, folder, &["verify", "cut"])?, &["cut"])
            .with_context(|| format!("{part}/32 of the file"))?;
    }
    Ok(())
}

/// Every byte of the text is covered by the digest, whatever its meaning.
fn verify_changed(tools: &Toolchain, folder: &Path) -> Result<()> {
    let whole = fs::read(built(tools, folder)?)?;
    let (start, end) = box_in_file(&whole).context("the executable has no box segment")?;
    let step = ((end - start - 0x4000) / 24).max(1);
    let mut tried = 0;
    for at in (start + 0x4000..end).step_by(step) {
        let mut changed = whole.clone();
        changed[at] ^= 0x01;
        fs::write(folder.join("changed"), &changed)?;
        refused(&privbox(tools, folder, &["verify", "changed"])?, &[])
            .with_context(|| format!("byte {at:#x} of the file was changed"))?;
        tried += 1;
    }
    ensure!(tried > 10, "the box is too small to test");
    Ok(())
}

/// File range of the executable segment that starts with the gate's header.
fn box_in_file(elf: &[u8]) -> Option<(usize, usize)> {
    let start = elf
        .windows(8)
        .position(|window| window == b"PRIVBOXG")
        .filter(|at| at % 4096 == 0)?;
    let word = |at: usize| Some(u64::from_le_bytes(elf.get(at..at + 8)?.try_into().ok()?) as usize);
    let (table, count) = (
        word(32)?,
        usize::from(u16::from_le_bytes(elf.get(56..58)?.try_into().ok()?)),
    );
    (0..count).map(|n| table + n * 56).find_map(|header| {
        let (offset, size) = (word(header + 8)?, word(header + 32)?);
        (offset == start).then_some((start, offset + size))
    })
}

fn verify_misuse(tools: &Toolchain, folder: &Path) -> Result<()> {
    for words in [
        &["verify"][..],
        &["verify", "--format", "poem", "x"],
        &["no-such-command"],
        &["verify", "--no-such-option", "x"],
    ] {
        let outcome = privbox(tools, folder, words)?;
        ensure!(
            outcome.end == End::Code(2),
            "{words:?}: misuse is exit code 2, not {}",
            outcome.end
        );
    }
    Ok(())
}

fn verify_json(tools: &Toolchain, folder: &Path) -> Result<()> {
    built(tools, folder)?;
    let outcome = privbox(tools, folder, &["verify", "--format", "json", "program"])?;
    accepted(&outcome)?;
    let text = String::from_utf8_lossy(&outcome.stdout).trim().to_owned();
    ensure!(
        text.starts_with(['{', '[']) && text.ends_with(['}', ']']),
        "not JSON: {text}"
    );
    Ok(())
}

fn inspect(tools: &Toolchain, folder: &Path) -> Result<()> {
    built(tools, folder)?;
    for format in ["human", "json"] {
        let outcome = privbox(tools, folder, &["inspect", "--format", format, "program"])?;
        accepted(&outcome)?;
        ensure!(
            String::from_utf8_lossy(&outcome.stdout).contains("main"),
            "{format}: main is not named"
        );
    }
    refused(
        &privbox(tools, folder, &["inspect", "missing"])?,
        &["missing"],
    )
}

fn bad_environment(tools: &Toolchain, folder: &Path) -> Result<()> {
    built(tools, folder)?;
    let long = "x".repeat(100_000);
    for value in ["usr", "USER ", "\u{1}", "%s%n", long.as_str()] {
        let outcome = Run::new("./program", folder).env("PRIVBOX", value).run()?;
        refused(&outcome, &["PRIVBOX"]).with_context(|| format!("PRIVBOX={:.20}", value))?;
    }
    let outcome = Run::new("./program", folder)
        .env("PRIVBOX", "user")
        .env("PRIVBOX_STATS", "perhaps")
        .run()?;
    refused(&outcome, &["PRIVBOX_STATS"])?;
    let outcome = Run::new("./program", folder).env("PRIVBOX", "").run()?;
    accepted(&outcome)
}

fn kernel_mode(tools: &Toolchain, folder: &Path) -> Result<()> {
    let program = built(tools, folder)?;
    if Path::new("/dev/privbox").exists() {
        return Ok(());
    }
    ensure!(
        fs::metadata(program)?.permissions().mode() & 0o111 != 0,
        "the executable is not executable"
    );
    refused(
        &Run::new("./program", folder)
            .env("PRIVBOX", "kernel")
            .run()?,
        &["kernel"],
    )
}
