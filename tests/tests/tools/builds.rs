//! Build systems with `CC=privbox-cc`: CMake, a compiler cache, one source in two folders.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use privbox_tests::process::{Outcome, Run};
use privbox_tests::toolchain::Toolchain;

use super::{Body, accepted, cc, write};

/// Tests of tools that are not everywhere: absent ones are left out, and the tests say so.
pub fn tests() -> Vec<(&'static str, Body)> {
    let mut tests: Vec<(&str, Body)> = vec![("builds/one_source_in_two_folders", two_folders)];
    for (tool, name, body) in [
        ("cmake", "builds/cmake", cmake as Body),
        ("ccache", "builds/ccache", ccache as Body),
    ] {
        if find(tool).is_some() {
            tests.push((name, body));
        } else {
            eprintln!("{name}: left out, {tool} is not installed");
        }
    }
    tests
}

fn find(tool: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(tool))
        .find(|file| file.is_file())
}

/// Runs it in a box and looks at what it prints.
fn prints(program: &Path, folder: &Path, text: &str) -> Result<()> {
    let outcome = Run::new(program, folder)
        .env("PRIVBOX", "user")
        .env("PRIVBOX_STATS", "1")
        .run()?;
    accepted(&outcome)?;
    let output = String::from_utf8_lossy(&outcome.stdout).into_owned();
    ensure!(output == text, "it printed {output:?}, not {text:?}");
    ensure!(
        outcome.stderr.contains("mode=user entries=1 "),
        "it did not enter the box: {}",
        outcome.stderr
    );
    Ok(())
}

/// Objects that are the same byte for byte, but for nothing that is theirs alone.
fn two_folders(tools: &Toolchain, folder: &Path) -> Result<()> {
    let part = "static int count;\n__attribute__((noinline)) static int next(int n) { return n + ++count; }\n\
                __attribute__((weak)) int both(int n) { return next(n); }\n";
    for name in ["one", "two"] {
        let inside = folder.join(name);
        fs::create_dir(&inside)?;
        write(&inside, "part.c", part)?;
        accepted(&cc(
            tools,
            &inside,
            &["-O1", "-c", "part.c", "-o", "part.o"],
        )?)?;
    }
    ensure!(fs::read(folder.join("one/part.o"))? == fs::read(folder.join("two/part.o"))?);
    write(
        folder,
        "main.c",
        "#include <stdio.h>\nint both(int);\nint main(void) { int n = both(3); printf(\"%d %d\\n\", n, both(3)); return 0; }\n",
    )?;
    for linker in ["-fuse-ld=lld", "-fuse-ld=bfd"] {
        let words = [
            "-O1",
            linker,
            "-fprivbox-fn=main",
            "main.c",
            "one/part.o",
            "two/part.o",
            "-o",
            "main",
        ];
        accepted(&cc(tools, folder, &words)?)?;
        prints(&folder.join("main"), folder, "4 5\n")?;
    }
    Ok(())
}

const LISTS: &str = "\
cmake_minimum_required(VERSION 3.16)
project(boxed C CXX)
include(CheckFunctionExists)
include(CheckCSourceCompiles)
check_function_exists(epoll_create1 HAVE_EPOLL)
check_function_exists(no_such_function_anywhere HAVE_NONSENSE)
check_c_source_compiles(\"int main(void) { return sizeof(long) == 8 ? 0 : 1; }\" HAVE_C)
if(NOT HAVE_EPOLL OR HAVE_NONSENSE OR NOT HAVE_C)
  message(FATAL_ERROR \"checks: ${HAVE_EPOLL} ${HAVE_NONSENSE} ${HAVE_C}\")
endif()
find_package(Threads REQUIRED)
add_library(parts STATIC part.c)
add_library(outer SHARED outer.c)
add_executable(boxed main.c)
target_compile_options(boxed PRIVATE -fprivbox-fn=main)
target_link_libraries(boxed parts outer Threads::Threads m)
add_executable(plain plain.cpp)
target_link_libraries(plain parts)
";

fn project(folder: &Path) -> Result<()> {
    write(folder, "CMakeLists.txt", LISTS)?;
    write(folder, "part.c", "int part(int n) { return n * 2; }\n")?;
    write(folder, "outer.c", "int outer(int n) { return n + 5; }\n")?;
    write(
        folder,
        "main.c",
        "#include <stdio.h>\nint part(int), outer(int);\nint main(void) { printf(\"%d\\n\", outer(part(4))); return 0; }\n",
    )?;
    write(
        folder,
        "plain.cpp",
        "extern \"C\" int part(int);\nint main() { return part(21) - 42; }\n",
    )?;
    Ok(())
}

fn run(program: &str, words: &[String], folder: &Path) -> Result<Outcome> {
    let outcome = Run::new(Path::new(program), folder).args(words).run()?;
    accepted(&outcome).with_context(|| format!("{program} {words:?}"))?;
    Ok(outcome)
}

fn cmake(tools: &Toolchain, folder: &Path) -> Result<()> {
    project(folder)?;
    for kind in ["Debug", "Release", "RelWithDebInfo"] {
        let words = [
            "-S.".to_owned(),
            format!("-B{kind}"),
            format!("-DCMAKE_BUILD_TYPE={kind}"),
            format!("-DCMAKE_C_COMPILER={}", tools.cc.display()),
            format!("-DCMAKE_CXX_COMPILER={}", tools.cxx.display()),
        ];
        run("cmake", &words, folder)?;
        run("cmake", &["--build".to_owned(), kind.to_owned()], folder)?;
        let built = folder.join(kind);
        prints(&built.join("boxed"), folder, "13\n")?;
        accepted(&Run::new(built.join("plain"), folder).run()?)?;
    }
    Ok(())
}

/// A cached object is as good as a new one, and other options of the box are another object.
fn ccache(tools: &Toolchain, folder: &Path) -> Result<()> {
    write(
        folder,
        "main.c",
        "#include <stdio.h>\nint main(void) { puts(\"here\"); return 0; }\n",
    )?;
    let cached = |object: &str, options: &[&str]| -> Result<()> {
        let status = Command::new("ccache")
            .arg(&tools.cc)
            .args(["-O1", "-c", "main.c", "-o", object])
            .args(options)
            .env("CCACHE_DIR", folder.join("cache"))
            .current_dir(folder)
            .status()?;
        ensure!(status.success(), "ccache: {status}");
        accepted(&cc(tools, folder, &[object, "-o", "main"])?)
    };
    let boxed = "-fprivbox-fn=main";
    cached("first.o", &[boxed])?;
    prints(&folder.join("main"), folder, "here\n")?;
    cached("second.o", &[boxed])?;
    prints(&folder.join("main"), folder, "here\n")?;
    let hits = Command::new("ccache")
        .args(["--print-stats"])
        .env("CCACHE_DIR", folder.join("cache"))
        .output()?;
    let hits = String::from_utf8_lossy(&hits.stdout).into_owned();
    let hit = hits.lines().any(|line| line.ends_with("_cache_hit\t1"));
    ensure!(hit, "nothing came out of the cache:\n{hits}");
    cached("third.o", &[])?;
    let outcome = Run::new(folder.join("main"), folder)
        .env("PRIVBOX", "user")
        .env("PRIVBOX_STATS", "1")
        .run()?;
    accepted(&outcome)?;
    ensure!(
        !outcome.stderr.contains("entries=1 "),
        "a function was boxed that this build does not name: {}",
        outcome.stderr
    );
    Ok(())
}
