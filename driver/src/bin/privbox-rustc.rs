//! `privbox-rustc`: rustc with the box, as a `RUSTC_WRAPPER`.

use std::process::ExitCode;

fn main() -> ExitCode {
    privbox_driver::rust::wrapper::main(std::env::args_os())
}
