//! Rust: rustc with the box.
//!
//! rustc has no hook behind its optimiser, but it has `-C linker-plugin-lto`: objects are bitcode then, and
//! the linker is left to compile them. [`wrapper`] (`privbox-rustc`, a `RUSTC_WRAPPER`) adds
//! that option, and when rustc has written a library, compiles the bitcode in it ([`unit`]) into objects with a normal
//! and a box half, like those of `privbox-cc`. The same program is the linker of rustc's last step ([`linker`]): it compiles the
//! bitcode of the crate at hand, puts the standard library with a box in place of the installed one ([`sysroot`]),
//! and links as `privbox-cc` does.
//!
//! * [`options`]: what the user chose, through the environment;
//! * [`arguments`]: rustc's command line, as far as it concerns us;
//! * [`archive`]: the members of a library;
//! * [`marked`]: which functions enter the box;
//! * [`chain`]: the user's own wrappers of rustc;
//! * [`old`]: what the cache of the standard library need not keep;
//! * [`toolchain`]: the installed rustc and its LLVM;
//! * [`cargo`]: the command `cargo privbox`;
//! * [`package`]: what cargo says about the user's package.

pub mod archive;
pub mod arguments;
pub mod cargo;
pub mod chain;
pub mod linker;
pub mod marked;
pub mod old;
pub mod options;
pub mod package;
pub mod sysroot;
pub mod toolchain;
pub mod unit;
pub mod wrapper;
