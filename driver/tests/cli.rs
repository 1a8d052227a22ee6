//! `privbox`: exit codes and messages for bad input. Good input is what the end-to-end tests have.

mod common;

use common::{Folder, fails, stdout, succeeds};

#[test]
fn misuse_is_2() {
    let folder = Folder::new();
    folder
        .write("text", "no ELF file\n")
        .write("cut", "\x7fELF\u{2}\u{1}\u{1}");
    for arguments in [
        &["verify"][..],
        &["verify", "--format", "nonsense", "text"],
        &["verify", "--level", "nonsense", "text"],
        &["nonsense"],
        &["inspect"],
        &[],
    ] {
        assert_eq!(
            folder.privbox(arguments).status.code(),
            Some(2),
            "{arguments:?}"
        );
    }
    for command in ["verify", "inspect", "trust"] {
        fails(
            &folder.privbox(&[command, "missing"]),
            2,
            "cannot read 'missing'",
        );
        fails(&folder.privbox(&[command, "text"]), 2, "'text'");
        fails(&folder.privbox(&[command, "cut"]), 2, "'cut'");
        fails(&folder.privbox(&[command, "/"]), 2, "cannot read '/'");
        // Somebody else's program: it has no box, and the message says how to get one.
        fails(&folder.privbox(&[command, "/bin/true"]), 2, "privbox-cc");
    }
}

#[test]
fn machine_formats_tell_of_unreadable_files_too() {
    let folder = Folder::new();
    let output = folder.privbox(&["verify", "--format", "json", "/bin/true", "missing"]);
    assert_eq!(output.status.code(), Some(2));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["files"][0]["verdict"], "unreadable");
    assert_eq!(json["files"][1]["file"], "missing");
    let output = folder.privbox(&["verify", "--format", "sarif", "/bin/true"]);
    assert_eq!(output.status.code(), Some(2));
    let log: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(log["version"], "2.1.0");
    assert_eq!(
        log["runs"][0]["invocations"][0]["executionSuccessful"],
        false
    );
}

#[test]
fn rules_are_explained() {
    let folder = Folder::new();
    let output = folder.privbox(&["explain", "rule-7"]);
    succeeds(&output);
    assert!(stdout(&output).starts_with("rule-7: "));
    let output = folder.privbox(&["explain"]);
    succeeds(&output);
    assert_eq!(stdout(&output).lines().count(), 16);
    fails(
        &folder.privbox(&["explain", "rule-99"]),
        2,
        "no rule 'rule-99'",
    );
}

#[test]
fn completions_and_manual_pages() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish"] {
        let output = folder.privbox(&["completions", shell]);
        succeeds(&output);
        assert!(stdout(&output).contains("inspect"));
    }
    assert!(stdout(&folder.privbox(&["man"])).contains(".TH"));
    succeeds(&folder.privbox(&["man", "."]));
    assert!(folder.files().contains(&"privbox-verify.1".to_owned()));
    fails(&folder.privbox(&["man", "missing"]), 2, "cannot write");
}

/// Without the module: what is recorded, and what is refused before anything is asked of the module.
#[test]
fn trust_without_the_module() {
    let folder = Folder::new();
    let digits = "1f".repeat(32);
    folder.write("text", "no ELF file\n");
    for arguments in [
        &["trust"][..],
        &["trust", "--reload", "text"],
        &["trust", "--list", "--remove", &digits],
        &["trust", "--reload", "--runtime"],
        &["trust", "--remove"],
    ] {
        assert_eq!(
            folder.privbox(arguments).status.code(),
            Some(2),
            "{arguments:?}"
        );
    }
    fails(
        &folder.privbox(&["trust", "--remove", "1f"]),
        2,
        "'1f' is no digest",
    );
    std::fs::create_dir(folder.join("d")).unwrap();
    folder.write("d/own.digests", &format!("{digits} /usr/bin/x\n"));
    if !std::path::Path::new("/dev/privbox").exists() {
        let output = folder.privbox(&["trust", "--list", "--directory", "d"]);
        succeeds_with_notes(&output);
        assert_eq!(
            stdout(&output),
            format!("{digits} recorded     /usr/bin/x\n")
        );
        fails(
            &folder.privbox(&["trust", "--reload", "--directory", "d"]),
            3,
            "the module is not loaded",
        );
    }
    fails(
        &folder.privbox(&["trust", "--remove", &digits, "--directory", "d"]),
        2,
        "own.digests:1, which this program did not write",
    );
    folder.write("d/bad.digests", "x\n");
    fails(
        &folder.privbox(&["trust", "--reload", "--directory", "d"]),
        2,
        "bad.digests:1: 'x' is no digest",
    );
}

fn succeeds_with_notes(output: &std::process::Output) {
    assert_eq!(output.status.code(), Some(0), "{}", common::stderr(output));
}
