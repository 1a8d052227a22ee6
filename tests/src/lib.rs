//! What the end-to-end tests share: finding the built toolchain, running programs under a time
//! limit, and comparing a program in the box with the same program compiled by plain clang.
//!
//! The tests themselves are in `tests/tests/`:
//!
//! | target | what |
//! | --- | --- |
//! | `features` | `tests/features/*.c`, one program per feature of C, at every optimisation level, level of hardware help, strength and link mode |
//! | `csmith` | random programs of Debian's `csmith` |
//! | `programs` | zlib, zstd, lz4, Lua and SQLite with the workloads of `tests/programs/` |
//! | `rust` | `tests/rust/programs`, well-known crates' own tests, and what `cargo privbox` refuses |
//! | `rust_cli` | `cargo privbox` and `privbox-rustc`: a user's workspace, built, edited, built again |
//! | `tools` | bad input of `privbox-cc` and `privbox` |
//! | `vm` | `tests/vm/*.c`: kernel mode on stock kernels, in virtual machines |
//!
//! Environment: `PRIVBOX_BIN` (folder of the built commands; default `target/release`),
//! `PRIVBOX_TEST_QUICK=1` (a subset), `PRIVBOX_TEST_KEEP=1` (failing cases keep their folder),
//! `PRIVBOX_TEST_INSTALL=1` (`vm` may bring apt's lists up to date and install packages).

pub mod compare;
pub mod directive;
pub mod process;
pub mod rust;
pub mod suite;
pub mod toolchain;
pub mod vm;
