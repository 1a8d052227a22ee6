//! The driver: from a command line to objects with a box, to a verified executable.
//!
//! * [`wrapper`]: `privbox-cc` and `privbox-c++`, drop-in replacements of clang;
//! * [`object`]: what happens to object files between the pass and the linker;
//! * [`image`]: the linked file: its manifest and its verification;
//! * [`diagnose`]: findings as people read them;
//! * [`rust`]: `privbox-rustc` and `cargo privbox`, the same for Rust;
//! * [`device`]: the kernel module's device;
//! * [`cli`]: the `privbox` command;
//! * [`resources`]: where the runtime library, header and linker script are.
//!
//! Nothing here is trusted: what a linked file may do is decided by `privbox_verifier` from the
//! file alone.

pub mod cli;
pub mod device;
pub mod diagnose;
pub mod image;
pub mod object;
pub mod records;
pub mod resources;
pub mod rust;
pub mod temporary;
pub mod wrapper;
