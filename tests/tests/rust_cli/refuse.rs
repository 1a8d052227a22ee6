//! What is refused, and what is said then.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use privbox_tests::process::Run;
use privbox_tests::toolchain::workspace;

use super::{Body, Package, fails, succeeds};

pub const TESTS: &[(&str, Body)] = &[
    ("refuse/misuse", misuse),
    ("refuse/crate_that_is_not_there", no_crate),
    ("refuse/llvm_of_another_version", llvm),
    ("refuse/standard_library_without_bitcode", no_bitcode),
];

fn misuse(package: &Package) -> Result<()> {
    for (words, says) in [
        ("privbox", "no command"),
        (
            "privbox publish",
            "'publish' is no command of cargo privbox",
        ),
        (
            "privbox build --target aarch64-unknown-linux-gnu",
            "boxes exist for x86_64",
        ),
        ("privbox build --target", "--target needs a value"),
        ("privbox build -fprivbox-level=high", "invalid value 'high'"),
        ("privbox build -fprivbox-nonsense", "-fprivbox-nonsense"),
        (
            "privbox build --manifest-path no/Cargo.toml",
            "cargo does not know this package",
        ),
    ] {
        fails(&package.cargo(words), 2, &["cargo privbox: error: ", says])?;
    }
    fails(
        &package.cargo("privbox build").env("PRIVBOX_FLAGS", "-O2"),
        2,
        &["PRIVBOX_FLAGS holds '-O2', which is no option of the box"],
    )?;
    fails(
        &package.cargo("privbox build --no-such-option"),
        1,
        &["--no-such-option"],
    )?;
    let help = succeeds(&package.cargo("privbox build --help"))?;
    ensure!(help.contains("Usage: cargo privbox COMMAND"), "{help}");
    Ok(())
}

/// A name in a crate that no program has would be nobody's mistake: it is said before anything is compiled, by every command.
/// A crate that only some programs have is fine, and so is one that only tests have.
fn no_crate(package: &Package) -> Result<()> {
    for (command, name, says) in [
        ("build", "ap::report", "help: is it 'app'?"),
        ("run", "wrods::count", "help: is it 'words'?"),
        (
            "test",
            "<server::Server>::run",
            "note: the crates of this package: app, ",
        ),
        // A procedural macro runs in the compiler.
        ("check", "shout::shout", "no crate 'shout' is built here"),
    ] {
        let text = fails(
            &package.cargo(&format!("privbox {command} -fprivbox-fn={name}")),
            2,
            &[
                &format!("cargo privbox: error: -fprivbox-fn={name}: no crate '"),
                says,
            ],
        )?;
        ensure!(!text.contains("Compiling"), "{text}");
    }
    fails(
        &package
            .cargo("privbox build")
            .env("PRIVBOX_FLAGS", "-fprivbox-fn=ap::report"),
        2,
        &["help: is it 'app'?"],
    )?;
    succeeds(&package.cargo("privbox check -fprivbox-fn=whole::from_outside"))?;
    Ok(())
}

/// A rustc that is the installed one but for what the script says.
fn other_rustc(name: &str, script: &str) -> Result<PathBuf> {
    let folder = workspace().join("target/test-rust-cli").join(name);
    fs::create_dir_all(&folder)?;
    let program = folder.join("rustc");
    fs::write(
        &program,
        format!("#!/bin/sh\n{script}\nexec rustc \"$@\"\n"),
    )?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    Ok(program)
}

/// Both commands say it, and what to install.
fn llvm(package: &Package) -> Result<()> {
    let rustc = other_rustc(
        "llvm",
        "if [ \"$1\" = -vV ]; then rustc -vV | sed 's/^LLVM version: .*/LLVM version: 21.1.0/'; exit; fi",
    )?;
    let rustc = rustc.to_string_lossy();
    let says = [
        "has LLVM 21.1.0, and privbox has LLVM 22",
        "rustup toolchain install",
    ];
    fails(
        &package.cargo("privbox build").env("RUSTC", &rustc),
        2,
        &says,
    )?;
    let wrapper = package.tools.privbox.with_file_name("privbox-rustc");
    let wrapped = Run::new(wrapper, &package.folder).arg(&*rustc).args([
        "--crate-name",
        "a",
        "--crate-type",
        "lib",
        "words/src/lib.rs",
    ]);
    fails(&wrapped, 1, &says)?;
    Ok(())
}

/// Distributors may build Rust without it. Nothing is compiled then that would run outside the box unnoticed.
fn no_bitcode(package: &Package) -> Result<()> {
    let folder = workspace().join("target/test-rust-cli/bare");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let real = succeeds(&Run::new("rustc", &workspace()).args(["--print", "sysroot"]))?;
    let inside = Path::new("lib/rustlib").join(super::TARGET).join("lib");
    let (from, to) = (Path::new(real.trim()).join(&inside), folder.join(&inside));
    fs::create_dir_all(&to)?;
    for entry in fs::read_dir(&from).context("no standard library")? {
        let entry = entry?;
        let copy = to.join(entry.file_name());
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("libcore-") && name.ends_with(".rlib") {
            let strip = Run::new("llvm-objcopy-22", &folder)
                .args(["--remove-section=.llvmbc", "--remove-section=.llvmcmd"])
                .arg(entry.path())
                .arg(&copy);
            succeeds(&strip)?;
        } else {
            symlink(entry.path(), &copy)?;
        }
    }
    let rustc = other_rustc(
        "bare",
        &format!(
            "if [ \"$2\" = sysroot ]; then echo '{0}'; exit; fi\n\
             case \"$1\" in -vV|-) ;; *) set -- --sysroot '{0}' \"$@\";; esac",
            folder.display()
        ),
    )?;
    let rustc = rustc.to_string_lossy();
    let says = ["carries no bitcode", "rustup toolchain install"];
    fails(
        &package.cargo("privbox build").env("RUSTC", &rustc),
        2,
        &says,
    )?;
    Ok(())
}
