//! `privbox`: verify, inspect, explain.

use std::process::ExitCode;

fn main() -> ExitCode {
    privbox_driver::cli::main(std::env::args_os())
}
