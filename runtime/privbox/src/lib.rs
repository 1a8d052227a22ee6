//! Runs functions in a *box*: machine code that was proved, from the bytes of the linked program, to touch only the process's
//! own memory and to leave only through a gate.
//!
//! ```
//! use privbox::privbox;
//!
//! #[privbox]
//! fn count(text: &str) -> usize {
//!     text.split_whitespace().count()
//! }
//!
//! assert_eq!(count("in a box"), 3);
//! ```
//!
//! Compiled with `cargo privbox build`, calls of `count` enter the box, and all that it calls runs there, the standard
//! library included. Compiled with plain cargo, they are ordinary calls: a library may use this crate and stay portable.
//!
//! Whether a process uses its boxes is decided when it starts, by the environment variable `PRIVBOX` (`auto`, `off`,
//! `user`, `kernel`); [`mode`] tells. Calls of marked functions in the box are ordinary calls.
//!
//! # Panics
//!
//! A panic in the box unwinds its functions, with their destructors, and goes on in the code that called the marked
//! function; `catch_unwind` works on both sides and across the border, in either direction.
//!
//! # What cannot be marked
//!
//! `async fn` (mark a function that polls it), `const fn`, `extern` functions with variadic arguments, `#[naked]` functions,
//! functions without a body. All of these are compile errors.

#![cfg_attr(not(test), no_std)]
#![warn(missing_docs)]

mod enter;
mod state;

pub use enter::{call, outside};
pub use privbox_macros::privbox;
pub use state::{mode, stats, Mode, Stats};
