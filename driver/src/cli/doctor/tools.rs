//! The compiler, and what the project's virtual machines need. Nothing here keeps kernel mode from working.

use super::{Check, system::System};

/// All of it.
pub fn checks(system: &System) -> Vec<Check> {
    [
        (
            "clang",
            "clang-22",
            "privbox-cc compiles with it: apt-get install clang-22 lld-22 (apt.llvm.org), or set PRIVBOX_CLANG",
        ),
        (
            "qemu",
            "qemu-system-x86_64",
            "for trying the module in a virtual machine (cargo xtask vm): apt-get install qemu-system-x86",
        ),
        (
            "apt",
            "apt-get",
            "cargo xtask vm fetches Debian's kernels with it; on other systems use your own machine",
        ),
    ]
    .into_iter()
    .map(|(name, program, advice)| match system.program(program) {
        Some(path) => Check::ok(name, path.display().to_string()),
        None => Check::note(name, format!("there is no {program}"), advice),
    })
    .collect()
}
