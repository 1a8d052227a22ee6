//! Proves, from the bytes of a linked ELF file alone, that its box obeys the machine contract.
//!
//! The compiler is not trusted and neither is the file: [`image::Image::from_elf`] reads it and
//! refuses what is malformed, [`verify::verify`] checks the layout and then each function against
//! the rules ([`rule::Rule`]) and reports what it could not prove as [`report::Finding`]s.
//! Everything is a value: no input makes this crate panic, allocate beyond a small multiple of the
//! file's size, or recurse.
//!
//! | module | subject |
//! | --- | --- |
//! | [`mod@gate`] | what the verifier must know of the gate's binary interface |
//! | [`manifest`] | the note that says where the box is and what it claims |
//! | [`elf`] | reading hostile ELF files |
//! | [`image`] | what is left of the file once read |
//! | [`verify`] | the rules |
//! | [`report`] | the verdict |
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod analysis;
mod digest;
pub mod elf;
pub mod features;
pub mod gate;
pub mod image;
mod layout;
pub mod manifest;
pub mod report;
pub mod rule;
#[doc(hidden)]
pub use analysis::testing;
pub mod verify;
