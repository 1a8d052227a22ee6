//! Runs the tests in `tests/ir`: source in, IR of a stage out, checked by FileCheck.
//!
//! The first lines of a test say how: `// FLAGS:` for clang, `// PASS:` for `privbox-pass`
//! (`--stage=` chooses what FileCheck reads: `lower`, `normal`, `abi`, `prepare`, `safestack`, `mask`, `depth`).

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The words behind a directive in a test's head.
fn directive(text: &str, name: &str) -> Vec<String> {
    let lines = text
        .lines()
        .filter_map(|line| line.trim_start_matches(['/', ';', ' ']).strip_prefix(name));
    lines
        .flat_map(str::split_whitespace)
        .map(str::to_owned)
        .collect()
}

fn tool(name: &str) -> PathBuf {
    let prefix = std::env::var("LLVM_SYS_221_PREFIX").unwrap_or_else(|_| "/usr/lib/llvm-22".into());
    Path::new(&prefix).join("bin").join(name)
}

fn run(test: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(test).map_err(|e| e.to_string())?;
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let name = test.file_name().ok_or("no name")?;
    let bitcode = directory.join(name).with_extension("bc");
    let mut clang = Command::new(tool("clang"));
    clang
        .args([
            "-w",
            "-c",
            "-emit-llvm",
            "-target",
            "x86_64-linux-gnu",
            "-o",
        ])
        .arg(&bitcode);
    let flags = directive(&text, "FLAGS:");
    clang
        .args(if flags.is_empty() {
            vec!["-O1".to_owned()]
        } else {
            flags
        })
        .arg(test);
    let done = clang.output().map_err(|e| format!("clang: {e}"))?;
    if !done.status.success() {
        return Err(String::from_utf8_lossy(&done.stderr).into_owned());
    }
    let pass = Command::new(env!("CARGO_BIN_EXE_privbox-pass"))
        .args(directive(&text, "PASS:"))
        .arg(&bitcode)
        .output()
        .map_err(|e| format!("privbox-pass: {e}"))?;
    let output = directory.join(name).with_extension("out");
    let all = [pass.stdout, pass.stderr].concat();
    std::fs::write(&output, all).map_err(|e| e.to_string())?;
    let check = Command::new(tool("FileCheck"))
        .arg(test)
        .arg("--input-file")
        .arg(&output)
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("FileCheck: {e}"))?;
    if check.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&check.stderr).into_owned())
    }
}

#[test]
fn ir() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ir");
    let entries = std::fs::read_dir(&folder).expect("tests/ir is there");
    let mut tests: Vec<PathBuf> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
    tests.sort();
    let mut failed = Vec::new();
    for test in &tests {
        if let Err(why) = run(test) {
            failed.push(format!("{}:\n{why}", test.display()));
        }
    }
    assert!(
        failed.is_empty(),
        "{} of {} failed\n{}",
        failed.len(),
        tests.len(),
        failed.join("\n")
    );
}
