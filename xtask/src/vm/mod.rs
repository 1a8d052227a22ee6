//! `cargo xtask vm`: runs a command on a stock Debian kernel with the module, in QEMU.
//!
//! | file | |
//! | --- | --- |
//! | `cli` | options, exit codes |
//! | `guest` | a guest with the module, from its options |
//! | `kernel` | Debian's packages of a kernel, unpacked |
//! | `vmlinux` | the kernel out of its compressed image |
//! | `module` | builds `kernel/` for it |
//! | `initramfs` | the agent and the modules that mount the host's tree |
//! | `guest/agent.c` | what runs as the guest's first process |
//! | `machine` | QEMU and the conversation with the agent |
//! | `trouble` | what can go wrong |
//! | `log` | which lines of the kernel log are bad news |

mod cli;
mod guest;
mod initramfs;
mod kernel;
mod log;
mod machine;
mod module;
mod trouble;
mod vmlinux;

pub use cli::{Arguments, Switch, run};
pub use guest::{Guest, Options, Prepared};
pub use machine::{End, Task};
pub use trouble::*;
