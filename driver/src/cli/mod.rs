//! The `privbox` command.

use std::ffi::OsString;
use std::process::ExitCode;

/// The command.
pub fn main(_arguments: impl Iterator<Item = OsString>) -> ExitCode {
    ExitCode::from(2)
}
