//! `cargo privbox`: cargo with the box.

use std::process::ExitCode;

fn main() -> ExitCode {
    privbox_driver::rust::cargo::main(std::env::args_os())
}
