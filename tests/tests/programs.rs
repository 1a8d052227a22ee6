//! Real programs, unmodified, with real workloads: zlib, zstd, lz4, Lua, SQLite, QuickJS and (C++)
//! Jsonnet, native against box.
//!
//! Their sources are the C and C++ code that crates.io packages carry (`cargo xtask sources`); the workloads
//! are in `tests/programs/`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use libtest_mimic::Trial;
use privbox_tests::compare::{Program, Verdict, compare};
use privbox_tests::suite::{self, trial};
use privbox_tests::toolchain::{Toolchain, cpu_has_v3, quick, tests_folder, workspace};

/// A program: its library's files and its workload's arguments.
struct Real {
    name: &'static str,
    /// Files or folders (every .c and .S in them) of the sources.
    files: &'static [&'static str],
    /// Files of the folders that are not wanted.
    without: &'static [&'static str],
    flags: &'static [&'static str],
    /// Folders of the sources with headers, and with what they embed.
    include: &'static [&'static str],
    link: &'static [&'static str],
    /// Folder of `tests/programs/` whose files are the arguments.
    scripts: Option<&'static str>,
    /// A folder of the sources whose scripts are arguments too: the program's own tests.
    own_tests: Option<&'static str>,
    /// Ways to build it; the first in the quick run too, if the program is quick.
    ways: &'static [Way],
    quick: bool,
}

/// Name, options of both compilers, options of privbox-cc, options of linking.
struct Way(
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
    &'static [&'static str],
);

const O0: Way = Way("O0", &["-O0"], &[], &[]);
const O2: Way = Way("O2", &["-O2"], &[], &[]);
const O3: Way = Way("O3", &["-O3"], &[], &[]);
const OS: Way = Way("Os", &["-Os"], &[], &[]);
const V3: Way = Way("O3-v3", &["-O3", "-march=x86-64-v3"], &[], &[]);
const PKS: Way = Way("pks", &["-O2"], &["-fprivbox-level=pks"], &[]);
const SPAP: Way = Way("spap", &["-O2"], &["-fprivbox-level=spap"], &[]);
const TRANSIENT: Way = Way(
    "transient",
    &["-O2"],
    &["-fprivbox-strength=transient"],
    &[],
);
const STRICT: Way = Way("strict", &["-O2"], &["-fprivbox-strict"], &["-static"]);
const NO_PIE: Way = Way("no-pie", &["-O2", "-fno-pie"], &[], &["-no-pie"]);
const BFD: Way = Way("bfd", &["-O2"], &[], &["-fuse-ld=bfd"]);

const PROGRAMS: &[Real] = &[
    Real {
        name: "sqlite",
        files: &["sqlite3.c"],
        without: &[],
        flags: &[],
        include: &[],
        link: &["-lm"],
        scripts: Some("sql"),
        own_tests: None,
        ways: &[O2, O0],
        quick: false,
    },
    Real {
        name: "zstd",
        // With its hand-written assembly: plain code, so a call-out.
        files: &["common", "compress", "decompress"],
        without: &[],
        flags: &[],
        include: &[],
        link: &[],
        scripts: None,
        own_tests: None,
        ways: &[O2, O0],
        quick: false,
    },
    Real {
        name: "zlib",
        files: &[""],
        without: &["gzclose.c", "gzlib.c", "gzread.c", "gzwrite.c"],
        flags: &[],
        include: &[],
        link: &[],
        scripts: None,
        own_tests: None,
        ways: &[O2, O0, OS, V3, PKS, TRANSIENT, STRICT, BFD],
        quick: true,
    },
    Real {
        name: "lz4",
        files: &["lz4.c", "lz4hc.c", "lz4frame.c", "xxhash.c"],
        without: &[],
        flags: &[],
        include: &[],
        link: &[],
        scripts: None,
        own_tests: None,
        ways: &[O2, O0, O3, PKS, STRICT],
        quick: true,
    },
    Real {
        name: "lua",
        files: &[""],
        without: &["lua.c", "luac.c"],
        flags: &["-DLUA_USE_POSIX"],
        include: &[],
        link: &["-lm"],
        scripts: Some("lua"),
        own_tests: None,
        ways: &[O2, O0, O3, OS, PKS, SPAP, TRANSIENT, STRICT, NO_PIE],
        quick: true,
    },
    Real {
        name: "quickjs",
        files: &[
            "quickjs.c",
            "libregexp.c",
            "libunicode.c",
            "dtoa.c",
            "quickjs-libc.c",
        ],
        // They are parts of others, throw on purpose, measure time, or need the threads and objects of another host.
        without: &[
            "assert.js",
            "bug1354.js",
            "bug648.js",
            "bug775.js",
            "bug776.js",
            "fixture_cyclic_import.js",
            "fixture_reexport_direct.js",
            "fixture_reexport_missing.js",
            "fixture_reexport_source.js",
            "fixture_string_exports.js",
            "fixture_throwing_module.js",
            "microbench.js",
            "test_builtin.js",
            "test_worker.js",
            "test_worker_module.js",
        ],
        flags: &["-D_GNU_SOURCE"],
        include: &[],
        link: &["-lm", "-lpthread"],
        scripts: None,
        own_tests: Some("tests"),
        ways: &[O2, SPAP],
        quick: false,
    },
    Real {
        name: "jsonnet",
        files: &["core", "third_party/md5"],
        without: &[
            "lexer_test.cpp",
            "libjsonnet_test.cpp",
            "libjsonnet_test_file.c",
            "libjsonnet_test_snippet.c",
            "parser_test.cpp",
        ],
        flags: &["-std=c++17"],
        include: &["include", "third_party/md5", "third_party/json"],
        link: &[],
        scripts: None,
        own_tests: Some("test_suite"),
        ways: &[O2],
        quick: false,
    },
];

fn main() {
    suite::main(trials, || {});
}

fn trials(tools: &Toolchain) -> Result<Vec<Trial>> {
    let sources = sources()?;
    let mut trials = Vec::new();
    for real in PROGRAMS {
        if quick() && !real.quick {
            continue;
        }
        let folder = sources
            .get(real.name)
            .with_context(|| format!("`cargo xtask sources` does not list {}", real.name))?;
        let count = if quick() { 1 } else { real.ways.len() };
        for way in &real.ways[..count] {
            let (tools, program) = (tools.clone(), program(real, way, folder)?);
            let skip = way.0.ends_with("v3") && !cpu_has_v3();
            trials.push(
                trial(
                    format!("{}/{}", real.name, way.0),
                    move |scratch| match compare(&tools, &program, scratch)? {
                        Verdict::Equal(native) if native.ok() => Ok(()),
                        Verdict::Equal(native) => {
                            bail!("the workload itself ends with {}", native.end)
                        }
                        Verdict::NativeTimeOut => bail!("the workload itself takes too long"),
                    },
                )
                .with_ignored_flag(skip),
            );
        }
    }
    Ok(trials)
}

fn program(real: &Real, way: &Way, folder: &Path) -> Result<Program> {
    let own = tests_folder().join("programs");
    let words = |words: &[&str]| {
        words
            .iter()
            .map(|&word| word.to_owned())
            .collect::<Vec<_>>()
    };
    let main = |extension: &str| own.join(real.name).with_extension(extension);
    let mut sources = vec![main("c")];
    if !sources[0].exists() {
        sources = vec![main("cpp")];
    }
    for file in real.files {
        let path = folder.join(file);
        if path.is_dir() {
            sources.extend(files_of(&path, &["c", "cpp", "S"], real.without)?);
        } else {
            sources.push(path);
        }
    }
    let mut flags = words(way.1);
    flags.extend(words(real.flags));
    flags.push("-w".into());
    flags.push(format!("-I{}", folder.display()));
    flags.push(format!("-I{}", own.display()));
    // For `#embed`; clang's assembler does not know the option.
    if !sources
        .iter()
        .any(|file| file.extension().is_some_and(|end| end == "S"))
    {
        flags.push(format!("--embed-dir={}", folder.display()));
    }
    for include in real.include {
        flags.push(format!("-I{}", folder.join(include).display()));
    }
    let mut privbox = words(&["-fprivbox-fn=main"]);
    privbox.extend(words(way.2));
    let mut link = words(real.link);
    link.extend(words(way.3));
    let mut scripts = match real.scripts {
        Some(folder) => files(&own.join(folder))?,
        None => Vec::new(),
    };
    if let Some(tests) = real.own_tests {
        scripts.extend(files_of(
            &folder.join(tests),
            &["js", "jsonnet"],
            real.without,
        )?);
    }
    let args = scripts
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    let limit = Some(Duration::from_secs(60));
    Ok(Program {
        sources,
        flags,
        privbox,
        link,
        args,
        limit,
        stats: true,
        ..Program::default()
    })
}

fn files_of(folder: &Path, extensions: &[&str], without: &[&str]) -> Result<Vec<PathBuf>> {
    let mut found = files(folder)?;
    found.retain(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let wanted = file
            .extension()
            .is_some_and(|e| extensions.iter().any(|&wanted| e == wanted));
        wanted && !without.contains(&name.as_ref())
    });
    Ok(found)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut files: Vec<_> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .collect();
    files.sort();
    Ok(files)
}

/// Program and folder of its sources, as `cargo xtask sources` prints them.
fn sources() -> Result<BTreeMap<String, PathBuf>> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()))
        .args(["xtask", "sources"])
        .current_dir(workspace())
        .output()
        .context("cargo cannot be run")?;
    if !output.status.success() {
        bail!(
            "`cargo xtask sources` fails: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text
        .lines()
        .filter_map(|line| {
            line.split_once('\t')
                .map(|(name, folder)| (name.to_owned(), folder.into()))
        })
        .collect())
}
