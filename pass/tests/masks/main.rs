//! Runs the stages on the box module over the `.ll` files beside this one and checks the result with
//! FileCheck. A file's first line names the stage and options: `; STAGE mask level=pks`.

use privbox_pass::llvm::{Context, Module};
use privbox_pass::{Level, Options, Scheme, Strength};
use privbox_pass::{codegen, depth, mask, prepare, safestack, switches};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn file_check() -> PathBuf {
    let prefix = std::env::var("LLVM_SYS_221_PREFIX").unwrap_or("/usr/lib/llvm-22".into());
    Path::new(&prefix).join("bin/FileCheck")
}

fn output(text: &str, name: &str) -> Result<String, String> {
    let first = text
        .lines()
        .next()
        .and_then(|l| l.strip_prefix("; STAGE "))
        .unwrap_or_default();
    let mut words = first.split_whitespace();
    let stage = words.next().ok_or("no `; STAGE` line")?;
    let mut options = Options {
        opt_level: 2,
        ..Options::default()
    };
    for word in words {
        match word {
            "level=pks" => options.level = Level::Pks,
            "level=spap" => options.level = Level::Spap,
            "strength=transient" => options.strength = Strength::Transient,
            "mask-all" => options.mask_all = true,
            "paper" => options.scheme = Scheme::Paper,
            other => return Err(format!("unknown option {other}")),
        }
    }
    let context = Context::new();
    codegen::initialize_llvm();
    let module = Module::parse_text(&context, text, name).map_err(|e| e.to_string())?;
    let machine = codegen::machine(&module, &options).map_err(|e| e.to_string())?;
    let mut assembly = None;
    let fail = |e: privbox_pass::llvm::LlvmError| e.to_string();
    match stage {
        "prepare" => prepare::run(&module, &machine, &options).map_err(fail)?,
        "switches" => switches::run(&module),
        "safestack" => safestack::run(&module, &machine, &options).map_err(fail)?,
        "mask" => drop(mask::run(&module, &options).map_err(fail)?),
        "depth" => depth::run(&module, false),
        "assembly" => {
            prepare::run(&module, &machine, &options).map_err(fail)?;
            if options.strength != Strength::Transient {
                switches::run(&module);
            }
            safestack::run(&module, &machine, &options).map_err(fail)?;
            mask::run(&module, &options).map_err(fail)?;
            depth::run(&module, false);
            module.verify().map_err(fail)?;
            assembly = Some(codegen::assembly(&module, &machine, &options).map_err(fail)?);
        }
        other => return Err(format!("unknown stage {other}")),
    }
    module.verify().map_err(fail)?;
    Ok(match assembly {
        Some(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        None => module.print(),
    })
}

fn check(path: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(path).map_err(|e| e.to_string())?;
    let found = output(&text, &path.display().to_string())?;
    let mut child = Command::new(file_check())
        .arg(path)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| format!("cannot run FileCheck: {e}"))?;
    if let Some(mut input) = child.stdin.take() {
        input
            .write_all(found.as_bytes())
            .map_err(|e| e.to_string())?;
    }
    let result = child.wait_with_output().map_err(|e| e.to_string())?;
    if result.status.success() {
        return Ok(());
    }
    Err(format!(
        "{}\n{found}",
        String::from_utf8_lossy(&result.stderr)
    ))
}

#[test]
fn every_file() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/masks");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the folder of this test")
        .filter_map(|e| e.ok().map(|e| e.path()))
        .filter(|p| p.extension().is_some_and(|e| e == "ll"))
        .collect();
    files.sort();
    assert!(files.len() > 10, "the test files are missing");
    let failures: Vec<String> = files
        .iter()
        .filter_map(|f| check(f).err().map(|e| format!("{}:\n{e}", f.display())))
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
