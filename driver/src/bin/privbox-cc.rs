//! `privbox-cc` and, under that name, `privbox-c++`: clang with the box.

use std::process::ExitCode;

fn main() -> ExitCode {
    privbox_driver::wrapper::main(std::env::args_os())
}
