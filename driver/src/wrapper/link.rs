//! The link job: adds the box, fills the manifest, verifies the result.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use privbox_pass::UnitRecord;
use serde_json::{Map, Value, json};

use super::jobs::{Job, Kind};
use super::names::Globs;
use super::{Context, Failure, crates, report};
use crate::diagnose::{self, Symbolizer, demangle};
use crate::image;
use crate::object::{join, record};
use crate::records::{self, Found};
use crate::resources::Resources;
use crate::temporary::{AtomicOutput, Scratch};

/// Programs that build systems link to try the compiler. They do not have the functions of
/// `-fprivbox-fn=`, which for them is no mistake: (start of the file name, who).
const PROBES: [(&str, &str); 4] = [
    ("conftest", "autoconf"),
    ("cmTC_", "CMake"),
    ("sanitycheckc", "Meson"),
    ("compilercheck", "hand-written configure scripts"),
];

/// Takes what is not the box's out of a link without one.
pub const DISCARD: &str = "SECTIONS { /DISCARD/ : { *(.privbox.*) } } INSERT AFTER .text;\n";

/// Whether a link without compilations has to be looked after at all.
pub fn concerns_box(context: &Context, jobs: &[Job]) -> Result<bool> {
    if !context.options.entry.is_empty() {
        return Ok(true);
    }
    Ok(jobs
        .iter()
        .filter(|job| job.kind() == Kind::Link)
        .any(|job| look(job).box_code))
}

/// Runs the link job.
pub fn link(context: &Context, job: &Job, scratch: &Scratch) -> Result<(), Failure> {
    let found = look(job);
    let output = PathBuf::from(job.value("-o").unwrap_or(OsStr::new("a.out")));
    // A relocatable output keeps both halves for the final link.
    let relocatable = job.has("-r") || job.has("--relocatable");
    if relocatable || (!found.box_code && context.options.entry.is_empty()) {
        return context.run(&job.program, &job.arguments, scratch);
    }
    let entries: Vec<&str> = found
        .units
        .iter()
        .flat_map(|unit| &unit.entries)
        .map(String::as_str)
        .collect();
    if job.has("-shared") || job.has("--shared") || job.has("-Bshareable") {
        if let Some(name) = entries.first() {
            return Err(Failure::Error(anyhow!(
                "cannot link '{}': entry function '{name}' in a shared library: a box is part of an \
                 executable; link the code statically, or build the library with -fno-privbox",
                output.display()
            )));
        }
        return without_box(context, job, scratch);
    }
    if entries.is_empty() {
        if !is_probe(&output) {
            // The linker says what is wrong with it; that a function is missing would be misleading.
            if found.corrupt {
                without_box(context, job, scratch)?;
            }
            requested_exist(context, &found.units.iter().collect::<Vec<_>>())?;
        }
        return without_box(context, job, scratch);
    }
    with_box(context, job, &found.units, &output, scratch)
}

fn is_probe(output: &Path) -> bool {
    let name = output.file_name().unwrap_or_default().to_string_lossy();
    PROBES.iter().any(|(start, _)| name.starts_with(start))
}

/// A link in which nothing enters the box: as clang would, and the clones are left out.
fn without_box(context: &Context, job: &Job, scratch: &Scratch) -> Result<(), Failure> {
    let script = scratch.path("discard.ld");
    fs::write(&script, DISCARD).context("cannot write a linker script")?;
    let mut arguments = job.arguments.clone();
    arguments.splice(0..0, [OsString::from("-T"), script.into()]);
    context.run(&linker(context, job), &arguments, scratch)
}

fn with_box(
    context: &Context,
    job: &Job,
    inputs: &[UnitRecord],
    output: &Path,
    scratch: &Scratch,
) -> Result<(), Failure> {
    if context.lto {
        // One write: other compilers of a parallel build share the terminal.
        let text = format!(
            "privbox-cc: warning: '{}': -flto is left out with a box: units are optimised one by one\n",
            output.display()
        );
        let _ = io::stderr().write_all(text.as_bytes());
    }
    let library = if context.options.strict {
        "libprivbox-strict.a"
    } else {
        "libprivbox.a"
    };
    let library = Resources::file(library)?;
    let script = Resources::file("privbox.ld")?;
    let atomic = AtomicOutput::new(output, scratch)
        .with_context(|| format!("cannot write '{}'", output.display()))?;
    let arguments = box_arguments(job, &library, &script, atomic.path());
    let result = context
        .run(&linker(context, job), &arguments, scratch)
        .and_then(|()| finish(context, inputs, output, atomic.path()));
    match result {
        Ok(()) => {
            atomic
                .commit()
                .with_context(|| format!("cannot write '{}'", output.display()))?;
            Ok(())
        }
        Err(failure) => {
            atomic.discard();
            Err(failure)
        }
    }
}

/// lld, unless the user chose a linker.
fn linker(context: &Context, job: &Job) -> PathBuf {
    let chosen = context.arguments.iter().any(|argument| {
        let argument = argument.as_bytes();
        argument.starts_with(b"-fuse-ld=")
            || argument.starts_with(b"--ld-path=")
            || argument.starts_with(b"-B")
    });
    if chosen {
        job.program.clone()
    } else {
        join::linker(job)
    }
}

fn box_arguments(job: &Job, library: &Path, script: &Path, output: &Path) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = vec![
        "-T".into(),
        script.into(),
        // Clones that nothing reaches; normal sections are retained (object/retain.rs), those of
        // foreign objects by what refers to them, `__start_`/`__stop_` symbols included.
        "--gc-sections".into(),
        "-z".into(),
        "nostart-stop-gc".into(),
        // GNU ld begins a segment between code and data only then; Debian's default.
        "-z".into(),
        "separate-code".into(),
    ];
    let first = arguments.len();
    arguments.extend(job.arguments.iter().cloned());
    if let Some(at) = arguments.iter().rposition(|argument| argument == "-o")
        && let Some(word) = arguments.get_mut(at + 1)
    {
        *word = output.into();
    } else {
        arguments.extend(["-o".into(), output.into()]);
    }
    // Before the last C library: GNU ld takes from an archive only what is missing so far.
    let before = arguments.iter().rposition(|argument| argument == "-lc");
    let at = before.filter(|&at| at >= first).unwrap_or(arguments.len());
    arguments.insert(at, library.into());
    arguments
}

/// What the linked file must be.
fn finish(
    context: &Context,
    inputs: &[UnitRecord],
    output: &Path,
    linked: &Path,
) -> Result<(), Failure> {
    let mut bytes = fs::read(linked).context("cannot read the linked file")?;
    let units = records::of_executable(&bytes)?;
    if !is_probe(output) {
        // Libraries' units that nothing refers to are no part of the file, and what is asked of them is no mistake.
        let all: Vec<&UnitRecord> = units.iter().chain(inputs).collect();
        requested_exist(context, &all)?;
    }
    let (level, strength) = one_kind(context, &units)?;
    let report = image::finish(&mut bytes, level, strength, context.options.verify)?;
    if let Some(file) = &context.options.report {
        report::link(file, output, outside(&units, &bytes)?)?;
    }
    if !report.findings.is_empty() {
        let name = output.display().to_string();
        let symbolizer = Symbolizer::new(linked, &bytes);
        let text = diagnose::findings(&name, &symbolizer, &bytes, &report.findings);
        return Err(Failure::Error(anyhow!(
            "'{name}' does not verify\n{text}note: this is a bug of privbox-cc if all code in the box \
             is its own; -fno-privbox-verify links all the same"
        )));
    }
    // In place: the linker gave the file its mode.
    fs::write(linked, bytes).context("cannot write the manifest")?;
    Ok(())
}

/// Each name of `-fprivbox-fn` must be an entry function somewhere. The name of one in a crate is a path.
fn requested_exist(context: &Context, units: &[&UnitRecord]) -> Result<()> {
    let entries: BTreeSet<&str> = units
        .iter()
        .flat_map(|unit| &unit.entries)
        .map(String::as_str)
        .collect();
    let asked = units
        .iter()
        .flat_map(|unit| &unit.requested)
        .chain(&context.options.entry);
    let missing: BTreeSet<&str> = asked
        .map(String::as_str)
        .filter(|glob| {
            !entries.contains(glob)
                && !in_another_program(glob, units)
                && !Globs::new([*glob]).is_ok_and(|globs| {
                    let path = |path: String| path == **glob || globs.matches(&path);
                    let named = |e: &&str| globs.matches(e) || path(demangle(e));
                    entries.iter().any(named)
                })
        })
        .collect();
    let Some(first) = missing.first() else {
        return Ok(());
    };
    let all = missing
        .iter()
        .map(|name| format!("-fprivbox-fn={name}"))
        .collect::<Vec<_>>()
        .join(", ");
    let globs = Globs::new([*first])?;
    let reason = units
        .iter()
        .flat_map(|unit| unit.outside.iter().map(move |outside| (unit, outside)))
        .map(|(unit, outside)| (unit, outside, demangle(&outside.name)))
        .find(|(_, outside, name)| globs.matches(&outside.name) || globs.matches(name))
        .map(|(unit, outside, name)| {
            format!(
                "\nnote: '{name}' of {} cannot run in the box: {}",
                unit.unit, outside.reason
            )
        });
    let compiled = if units
        .iter()
        .all(|unit| !unit.requested.contains(&(*first).to_owned()))
    {
        "\nnote: the option must be given when the function is compiled, not only at link time"
    } else {
        ""
    };
    if let Some(reason) = reason {
        bail!("no function that {all} names can run in the box{reason}{compiled}");
    }
    if first.contains("::") {
        bail!(
            "no function matches {all}{compiled}\nnote: names are paths as in 'app::serve', for methods as in \
             '<app::Server>::run'; a generic function has a name for each use, and an inlined one has none: '*serve*' \
             may help, and the attribute #[privbox] always does"
        );
    }
    bail!(
        "no function matches {all}{compiled}\nnote: names are the linker's: C++ names are mangled, \
         and a glob such as '*name*' may help"
    );
}

/// Is this a path in a crate that is no part of this executable? The options of `cargo privbox` are for all
/// executables of a package, and each has a crate of its own; that a crate of the name is there at all, `cargo privbox` looks.
fn in_another_program(name: &str, units: &[&UnitRecord]) -> bool {
    let here: BTreeSet<&str> = units
        .iter()
        .filter_map(|unit| crates::of_unit(&unit.unit))
        .collect();
    // In C++ `::` is behind a name space, and there are no crates.
    !here.is_empty() && crates::named(name).iter().any(|name| !here.contains(name))
}

/// The level and strength of all units.
fn one_kind(
    context: &Context,
    units: &[UnitRecord],
) -> Result<(privbox_pass::Level, privbox_pass::Strength)> {
    let mut kinds: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    let own = units
        .iter()
        .filter(|unit| !unit.unit.starts_with(record::RUNTIME));
    for unit in own.filter(|unit| !unit.functions.is_empty()) {
        kinds
            .entry((&unit.level, &unit.strength))
            .or_insert(&unit.unit);
    }
    if kinds.len() > 1 {
        let list: Vec<String> = kinds
            .iter()
            .map(|((level, strength), unit)| format!("level {level}, strength {strength}: {unit}"))
            .collect();
        bail!(
            "units of different levels or strengths cannot be one box:\n  {}\nnote: compile all with \
             the same -fprivbox-level and -fprivbox-strength",
            list.join("\n  ")
        );
    }
    let (level, strength) = kinds.keys().next().copied().unwrap_or_default();
    let level = match level {
        "pks" => privbox_pass::Level::Pks,
        "spap" => privbox_pass::Level::Spap,
        _ => privbox_pass::Level::Mask,
    };
    let strength = match strength {
        "transient" => privbox_pass::Strength::Transient,
        _ => privbox_pass::Strength::Architectural,
    };
    for (option, given, actual) in [
        (
            "level",
            context.options.level.map(privbox_pass::Level::name),
            level.name(),
        ),
        (
            "strength",
            context.options.strength.map(privbox_pass::Strength::name),
            strength.name(),
        ),
    ] {
        if let Some(given) = given.filter(|given| *given != actual) {
            bail!(
                "-fprivbox-{option}={given} at link time, but the objects were compiled with \
                 -fprivbox-{option}={actual}: compile them again with the option you want"
            );
        }
    }
    Ok((level, strength))
}

/// For the report: code that the box reaches only by leaving it, and why.
fn outside(units: &[UnitRecord], linked: &[u8]) -> Result<Map<String, Value>> {
    let clones: BTreeSet<&str> = units
        .iter()
        .flat_map(|unit| &unit.functions)
        .map(|f| f.name.as_str())
        .collect();
    let reached = image::linked_clones(linked)?;
    let reasons: BTreeMap<&str, &str> = units
        .iter()
        .flat_map(|unit| &unit.outside)
        .map(|outside| (outside.name.as_str(), outside.reason.as_str()))
        .collect();
    let mut callers: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for function in units.iter().flat_map(|unit| &unit.functions) {
        // Without a symbol table, what was dropped is not known: all is listed.
        if reached
            .as_ref()
            .is_some_and(|reached| !reached.contains(&function.name))
        {
            continue;
        }
        for callee in function
            .callouts
            .iter()
            .filter(|callee| !clones.contains(callee.as_str()))
        {
            callers.entry(callee).or_default().insert(&function.name);
        }
    }
    let list: Vec<Value> = callers
        .into_iter()
        .map(|(name, callers)| {
            let reason = reasons
                .get(name)
                .copied()
                .unwrap_or("not compiled by privbox-cc");
            json!({ "name": name, "reason": reason, "called_by": callers })
        })
        .collect();
    let mut fields = Map::new();
    fields.insert("outside".to_owned(), list.into());
    Ok(fields)
}

/// What the inputs of a link job say about the box.
fn look(job: &Job) -> Found {
    let mut all = Found::default();
    for path in inputs(job) {
        let found = records::of_input(&path);
        all.box_code |= found.box_code;
        all.corrupt |= found.corrupt;
        all.units.extend(found.units);
    }
    all
}

/// Files that the linker may read objects from. Words that are options or their values do no
/// harm: they are no objects.
fn inputs(job: &Job) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    let mut libraries = Vec::new();
    let mut files = Vec::new();
    let mut only_static = job.has("-static");
    let mut words = job.arguments.iter();
    while let Some(word) = words.next() {
        let bytes = word.as_bytes();
        let value = |prefix: &[u8]| {
            bytes
                .strip_prefix(prefix)
                .map(|rest| OsStr::from_bytes(rest).to_os_string())
        };
        match bytes {
            b"-o" => {
                words.next();
            }
            b"-Bstatic" | b"-static" => only_static = true,
            b"-Bdynamic" => only_static = false,
            b"-L" => folders.extend(words.next().map(PathBuf::from)),
            b"-l" => libraries.extend(words.next().cloned().map(|name| (name, only_static))),
            _ => {
                if let Some(folder) = value(b"-L") {
                    folders.push(folder.into());
                } else if let Some(name) = value(b"-l") {
                    libraries.push((name, only_static));
                } else if !bytes.starts_with(b"-") {
                    files.push(PathBuf::from(word));
                }
            }
        }
    }
    // The C library and the like have no box: looking through them would only cost time.
    const SYSTEM: [&[u8]; 10] = [
        b"c", b"m", b"gcc", b"gcc_s", b"gcc_eh", b"stdc++", b"pthread", b"dl", b"rt", b"util",
    ];
    for (name, only_static) in libraries {
        if SYSTEM.contains(&name.as_bytes()) {
            continue;
        }
        files.extend(library(&folders, &name, only_static));
    }
    files
}

/// Finds `-lNAME` as linkers do: per folder, a shared library before an archive.
fn library(folders: &[PathBuf], name: &OsStr, only_static: bool) -> Option<PathBuf> {
    if let Some(exact) = name.as_bytes().strip_prefix(b":") {
        return folders
            .iter()
            .map(|folder| folder.join(OsStr::from_bytes(exact)))
            .find(|p| p.is_file());
    }
    for folder in folders {
        for suffix in [".so", ".a"] {
            if only_static && suffix == ".so" {
                continue;
            }
            let mut file = OsString::from("lib");
            file.push(name);
            file.push(suffix);
            let path = folder.join(file);
            if path.is_file() {
                return Some(path);
            }
        }
    }
    None
}
