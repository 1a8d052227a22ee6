//! `privbox-cc` in clang's place: the same files, the same messages, the same codes.

mod common;

use std::fs;
use std::io::Write;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use common::{Folder, fails, stderr, stdout, succeeds};
use object::{Object, ObjectSection};

const HELLO: &str = "#include <stdio.h>\nint main(void) { return printf(\"hello\\n\") != 6; }\n";

fn folder() -> Folder {
    let folder = Folder::new();
    folder
        .write("hello.c", HELLO)
        .write("f.c", "int f(int x) { return x + 1; }\n");
    folder
}

#[test]
fn what_makes_no_object_is_clangs_output_exactly() {
    let folder = folder();
    folder
        .write("bad.c", "int f(void) { return 1 }\n")
        .write("a.s", ".globl x\nx: ret\n");
    let commands: &[&[&str]] = &[
        &["--version"],
        &["-print-resource-dir"],
        &["-print-search-dirs"],
        &["-dumpmachine"],
        &["-E", "hello.c"],
        &["-S", "-o", "-", "hello.c"],
        &["-S", "-emit-llvm", "-o", "-", "f.c"],
        &["-M", "hello.c"],
        &["-MM", "-MP", "hello.c"],
        &["-fsyntax-only", "hello.c"],
        &["-fsyntax-only", "bad.c"],
        &["-dM", "-E", "-x", "c", "/dev/null"],
        &["-###", "-c", "f.c"],
        &["-c", "a.s"],
        &["-no-such-option", "-c", "f.c"],
        &["-c", "missing.c"],
        &["-march=no-such-cpu", "-c", "f.c"],
        &[],
    ];
    for command in commands {
        // Without resources: their include folder would show in `-###`.
        let ours = folder
            .wrapper()
            .env("PRIVBOX_RESOURCES", "/nowhere")
            .args(*command)
            .output()
            .unwrap();
        let theirs = folder.command("clang-22").args(*command).output().unwrap();
        assert_eq!(ours.status, theirs.status, "{command:?}");
        assert_eq!(stdout(&ours), stdout(&theirs), "{command:?}");
        assert_eq!(stderr(&ours), stderr(&theirs), "{command:?}");
    }
}

#[test]
fn objects_carry_a_record_and_nothing_is_said() {
    let folder = folder();
    let output = folder.cc(&["-O2", "-g", "-Wall", "-c", "hello.c", "f.c"]);
    succeeds(&output);
    assert_eq!(stderr(&output) + &stdout(&output), "");
    assert_eq!(folder.files(), ["f.c", "f.o", "hello.c", "hello.o"]);
    let bytes = fs::read(folder.join("f.o")).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    let record = file
        .section_by_name(".privbox.unit")
        .unwrap()
        .data()
        .unwrap();
    let record: serde_json::Value = serde_json::from_slice(record).unwrap();
    assert_eq!(record["unit"], "f.c");
    assert_eq!(record["functions"][0]["name"], "f");
}

#[test]
fn the_same_input_gives_the_same_object() {
    let folder = folder();
    let compile = || {
        succeeds(&folder.cc(&["-O2", "-c", "hello.c"]));
        fs::read(folder.join("hello.o")).unwrap()
    };
    assert!(compile() == compile());
}

#[test]
fn no_privbox_is_clang() {
    let folder = folder();
    succeeds(&folder.cc(&["-fno-privbox", "-O2", "-c", "f.c", "-o", "ours.o"]));
    succeeds(
        &folder
            .command("clang-22")
            .args(["-O2", "-c", "f.c", "-o", "clang.o"])
            .output()
            .unwrap(),
    );
    assert!(fs::read(folder.join("ours.o")).unwrap() == fs::read(folder.join("clang.o")).unwrap());
}

#[test]
fn dependency_files_are_clangs() {
    let folder = folder();
    for options in [&["-MD"][..], &["-MMD", "-MF", "d e.d", "-MT", "x y", "-MP"]] {
        let mut command = vec!["-c", "hello.c", "-o", "out dir.o"];
        command.extend(options);
        succeeds(&folder.cc(&command));
        let dependencies = if options.len() == 1 {
            "out dir.d"
        } else {
            "d e.d"
        };
        let ours = fs::read_to_string(folder.join(dependencies)).unwrap();
        succeeds(&folder.command("clang-22").args(&command).output().unwrap());
        assert_eq!(ours, fs::read_to_string(folder.join(dependencies)).unwrap());
    }
}

#[test]
fn response_files_nest_and_may_hold_our_options() {
    let folder = folder();
    folder
        .write("outer", "-O2 @inner\n'-DTEXT=\"a b\"'")
        .write("inner", "-fprivbox-outside=f -c \"f.c\" -o f\\ out.o");
    succeeds(&folder.cc(&["@outer"]));
    assert!(folder.join("f out.o").is_file());
}

#[test]
fn long_command_lines() {
    let folder = folder();
    let mut words: Vec<String> = (0..20_000)
        .map(|n| format!("-DMACRO_{n}=some_value"))
        .collect();
    words.extend(["-c", "f.c"].map(str::to_owned));
    folder.write("long", &words.join("\n"));
    succeeds(&folder.cc(&["@long"]));
    words.extend(["-E".to_owned()]);
    folder.write("long", &words.join("\n"));
    succeeds(&folder.cc(&["@long"]));
}

#[test]
fn source_from_standard_input() {
    let folder = folder();
    for function in ["g", "g*"] {
        let mut child = folder
            .wrapper()
            .args(["-x", "c", "-", "-O1", "-c", "-o", "in.o"])
            .arg(format!("-fprivbox-fn={function}"))
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(b"int g(int x) { return x; }")
            .unwrap();
        assert!(child.wait().unwrap().success());
        let bytes = fs::read(folder.join("in.o")).unwrap();
        let file = object::File::parse(&*bytes).unwrap();
        let record = file
            .section_by_name(".privbox.unit")
            .unwrap()
            .data()
            .unwrap();
        assert!(
            String::from_utf8_lossy(record).contains("\"entries\":[\"g\"]"),
            "{function}"
        );
    }
}

#[test]
fn entry_functions_survive_the_optimiser() {
    let folder = folder();
    folder.write(
        "static.c",
        "static int tiny(int x) { return x * 3; }\n\
         static inline __attribute__((always_inline)) int forced(int x) { return x * 5; }\n\
         int use(int x) { return tiny(x) + forced(x) + tiny(7); }\n",
    );
    // At -O0 clang inlines `always_inline` functions before anything can be done about it.
    for (level, entries) in [("-O0", 1), ("-O1", 2), ("-O2", 2), ("-O3", 2), ("-Os", 2)] {
        succeeds(&folder.cc(&[
            "-fprivbox-fn=tiny",
            "-fprivbox-fn=forced",
            level,
            "-c",
            "static.c",
        ]));
        let bytes = fs::read(folder.join("static.o")).unwrap();
        let file = object::File::parse(&*bytes).unwrap();
        let record = file
            .section_by_name(".privbox.unit")
            .unwrap()
            .data()
            .unwrap();
        let record: serde_json::Value = serde_json::from_slice(record).unwrap();
        assert_eq!(
            record["entries"].as_array().unwrap().len(),
            entries,
            "{level}: {record}"
        );
    }
}

#[test]
fn a_failed_compilation_leaves_no_object() {
    let folder = folder();
    folder
        .write("bad.c", "int f(void) { return 1 }\n")
        .write("bad.o", "stale");
    let output = folder.cc(&["-c", "bad.c", "f.c"]);
    fails(&output, 1, "expected ';'");
    // The other source is compiled all the same, as clang does.
    assert_eq!(folder.files(), ["bad.c", "f.c", "f.o", "hello.c"]);
    fails(
        &folder.cc(&["bad.c", "hello.c", "-o", "program"]),
        1,
        "expected ';'",
    );
    assert!(!folder.join("program").exists());
}

#[test]
fn outputs_that_are_no_files() {
    let folder = folder();
    succeeds(&folder.cc(&["-c", "f.c", "-o", "/dev/null"]));
    assert!(
        fs::metadata("/dev/null")
            .unwrap()
            .file_type()
            .is_char_device()
    );
    let output = folder.cc(&["-c", "f.c", "-o", "-"]);
    succeeds(&output);
    assert!(output.stdout.starts_with(b"\x7fELF"));
    fails(
        &folder.cc(&["-c", "f.c", "-o", "missing/f.o"]),
        1,
        "missing/f.o",
    );
}

#[test]
fn links_without_entry_functions_are_ordinary() {
    let folder = folder();
    succeeds(&folder.cc(&["-O2", "hello.c", "f.c", "-o", "a program"]));
    let output = folder
        .command(folder.join("a program").to_str().unwrap())
        .output()
        .unwrap();
    assert_eq!(
        (output.status.code(), stdout(&output).as_str()),
        (Some(0), "hello\n")
    );
    let bytes = fs::read(folder.join("a program")).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    let ours: Vec<_> = file
        .sections()
        .filter(|s| s.name().unwrap().contains("privbox"))
        .collect();
    assert!(ours.is_empty());
    succeeds(&folder.cc(&["-fPIC", "-shared", "f.c", "-o", "libf.so"]));
    succeeds(&folder.cc(&["-c", "f.c"]));
    succeeds(&folder.cc(&["-r", "f.o", "-o", "partial.o"]));
}

#[test]
fn entry_functions_in_shared_libraries_are_an_error() {
    let folder = folder();
    let output = folder.cc(&["-fPIC", "-shared", "-fprivbox-fn=f", "f.c", "-o", "libf.so"]);
    fails(&output, 1, "entry function 'f' in a shared library");
}

#[test]
fn names_that_match_nothing_are_an_error_at_link_time() {
    let folder = folder();
    succeeds(&folder.cc(&["-fprivbox-fn=nowhere", "-c", "hello.c"]));
    let link = ["-fprivbox-fn=nowhere", "hello.o", "-o", "program"];
    fails(
        &folder.cc(&link),
        1,
        "no function matches -fprivbox-fn=nowhere",
    );
    // Configure scripts try the compiler with programs of their own.
    folder.write("conftest.c", "int main(void) { return 0; }\n");
    succeeds(&folder.cc(&["-fprivbox-fn=nowhere", "conftest.c", "-o", "conftest"]));
}

#[test]
fn values_are_checked() {
    let folder = folder();
    for (option, message) in [
        ("-fprivbox-level=high", "expected 'mask', 'pks' or 'spap'"),
        (
            "-fprivbox-strength=strong",
            "expected 'architectural' or 'transient'",
        ),
        ("-fprivbox-mask-bits=64", "expected a number from 32 to 63"),
        ("-fprivbox-fn=", "needs a value"),
        ("-fprivbox-fn", "needs a value"),
        ("-fprivbox-fn=[", "not a valid glob"),
        ("-fprivbox-spap=1", "takes no value"),
        ("-fprivbox-nonsense", "unknown option '-fprivbox-nonsense'"),
        // Clang refuses it without -flto.
        ("-fwhole-program-vtables", "-flto"),
    ] {
        fails(&folder.cc(&[option, "-c", "f.c"]), 1, message);
    }
}

/// A build that asks for link-time optimisation works, and says that there was none.
#[test]
fn link_time_optimisation_is_left_out() {
    let folder = folder();
    let is_elf = |name: &str| fs::read(folder.join(name)).unwrap().starts_with(b"\x7fELF");
    for option in ["-flto", "-flto=thin", "-flto=auto"] {
        succeeds(&folder.cc(&[option, "-O2", "-c", "f.c"]));
        assert!(is_elf("f.o"), "{option}");
    }
    folder.write(
        "main.c",
        "int f(int);\nint main(void) { return f(1) == 0; }\n",
    );
    let linked = folder.cc(&[
        "-flto",
        "-O2",
        "-fprivbox-fn=main",
        "main.c",
        "f.o",
        "-o",
        "program",
    ]);
    succeeds(&linked);
    let said = String::from_utf8_lossy(&linked.stderr).into_owned();
    assert!(said.contains("'program': -flto is left out"), "{said}");
    let flags = ["-flto", "-fwhole-program-vtables", "-c", "f.c"];
    fails(&folder.cc(&flags), 1, "-fno-privbox");
    // Without the box it is clang's.
    succeeds(&folder.cc(&["-flto", "-fno-privbox", "-c", "f.c"]));
    assert!(!is_elf("f.o"));
    succeeds(&folder.cc(&[
        "-flto",
        "-O2",
        "-fno-privbox",
        "main.c",
        "f.o",
        "-o",
        "program",
    ]));
}

#[test]
fn other_targets_are_left_to_clang() {
    let folder = folder();
    succeeds(&folder.cc(&["-m32", "-c", "f.c"]));
    assert_eq!(fs::read(folder.join("f.o")).unwrap()[4], 1, "ELFCLASS32");
}

#[test]
fn save_temps_keeps_clangs_files() {
    let folder = folder();
    succeeds(&folder.cc(&["-save-temps", "-c", "f.c"]));
    assert_eq!(
        folder.files(),
        ["f.bc", "f.c", "f.i", "f.o", "f.s", "hello.c"]
    );
    let bytes = fs::read(folder.join("f.o")).unwrap();
    assert!(
        object::File::parse(&*bytes)
            .unwrap()
            .section_by_name(".privbox.unit")
            .is_some()
    );
}

#[test]
fn reports_have_one_line_per_object() {
    let folder = folder();
    let compile = |source: &str| {
        succeeds(&folder.cc(&["-fprivbox-report=r e.json", "-O2", "-c", source]));
    };
    std::thread::scope(|scope| {
        for source in ["f.c", "hello.c", "f.c"] {
            scope.spawn(move || compile(source));
        }
    });
    let text = fs::read_to_string(folder.join("r e.json")).unwrap();
    let mut objects: Vec<String> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["object"].to_string())
        .collect();
    objects.sort();
    assert_eq!(objects, ["\"f.o\"", "\"hello.o\""]);
}

#[test]
fn a_missing_clang_is_explained() {
    let folder = folder();
    let output = folder
        .wrapper()
        .env("PRIVBOX_CLANG", "/nowhere/clang")
        .args(["-c", "f.c"])
        .output();
    fails(&output.unwrap(), 1, "cannot find '/nowhere/clang'");
}

#[test]
fn help_has_our_options() {
    let output = folder().cc(&["--help-privbox"]);
    succeeds(&output);
    assert!(stdout(&output).contains("-fprivbox-fn=NAME"));
}

/// A clang that plans one job and sleeps in it, after writing to its output.
fn sleeping_clang(folder: &Folder) {
    folder.write(
        "clang",
        "#!/bin/sh\n\
         case \"$1\" in\n\
         -###) echo \" \\\"$0\\\" \\\"-cc1\\\" \\\"-triple\\\" \\\"x86_64-pc-linux-gnu\\\" \\\"-emit-obj\\\" \
               \\\"-o\\\" \\\"f.o\\\" \\\"-x\\\" \\\"c\\\" \\\"f.c\\\"\" >&2;;\n\
         *) touch started; exec sleep 60;;\n\
         esac\n",
    );
    fs::set_permissions(folder.join("clang"), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn an_interrupted_compilation_leaves_nothing() {
    for (signal, number) in [("TERM", 15), ("INT", 2), ("KILL", 9)] {
        let folder = folder();
        sleeping_clang(&folder);
        let mut child = folder
            .wrapper()
            .env("PRIVBOX_CLANG", folder.join("clang"))
            .env("TMPDIR", folder.path())
            .args(["-c", "f.c"])
            .spawn()
            .unwrap();
        let start = Instant::now();
        while !folder.join("started").exists() {
            assert!(
                start.elapsed() < Duration::from_secs(60),
                "the fake clang does not start"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        let kill = folder
            .command("kill")
            .args(["-s", signal, &child.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
        assert_eq!(child.wait().unwrap().signal(), Some(number));
        // Nobody can clean up after SIGKILL, but no object is there.
        assert!(!folder.join("f.o").exists());
        if signal != "KILL" {
            assert_eq!(
                folder.files(),
                ["clang", "f.c", "hello.c", "started"],
                "{signal}"
            );
        }
    }
}

#[test]
fn a_crashed_tool_is_reported_as_clang_does() {
    let folder = folder();
    sleeping_clang(&folder);
    let script = fs::read_to_string(folder.join("clang")).unwrap();
    folder.write("clang", &script.replace("exec sleep 60", "kill -SEGV $$"));
    let output = folder
        .wrapper()
        .env("PRIVBOX_CLANG", folder.join("clang"))
        .args(["-c", "f.c"])
        .output()
        .unwrap();
    fails(&output, 254, "signal 11");
}
