//! A folder to compile in, and the tools.

// Each test program uses a part of it.
#![allow(dead_code, missing_docs)]

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder of one test.
pub struct Folder(tempfile::TempDir);

impl Folder {
    /// An empty one; its name has a blank, so that every test is one of quoting.
    pub fn new() -> Self {
        Self(
            tempfile::Builder::new()
                .prefix("privbox test ")
                .tempdir()
                .unwrap(),
        )
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> &Self {
        fs::write(self.join(name), text).unwrap();
        self
    }

    /// Names of the files in it.
    pub fn files(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// `privbox-cc` here.
    pub fn wrapper(&self) -> Command {
        self.command(env!("CARGO_BIN_EXE_privbox-cc"))
    }

    pub fn cc<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Output {
        self.wrapper().args(arguments).output().unwrap()
    }

    pub fn privbox<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Output {
        self.command(env!("CARGO_BIN_EXE_privbox"))
            .args(arguments)
            .output()
            .unwrap()
    }

    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.path());
        command
    }
}

/// Standard error as text.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Standard output as text.
pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Fails with the output if the command failed.
#[track_caller]
pub fn succeeds(output: &Output) {
    assert!(
        output.status.success(),
        "{:?}\n{}",
        output.status,
        stderr(output)
    );
}

/// Fails unless the command failed with this code and message.
#[track_caller]
pub fn fails(output: &Output, code: i32, message: &str) {
    let text = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert!(text.contains(message), "no '{message}' in:\n{text}");
}
