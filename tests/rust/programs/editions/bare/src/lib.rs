//! A crate without the standard library that forbids unsafe code.
#![no_std]
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs)]

extern crate alloc;

use alloc::string::String;
use core::fmt::Write as _;

use privbox::privbox;

/// Squares, written by `core` into what `alloc` has.
#[privbox]
pub fn squares(n: u32) -> Result<String, core::fmt::Error> {
    let mut text = String::new();
    for n in 0..n {
        write!(text, "{} ", n * n)?;
    }
    Ok(text)
}
