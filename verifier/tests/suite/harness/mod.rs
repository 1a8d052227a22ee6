//! From assembly text to an [`Image`](privbox_verifier::image::Image), without a process per case.

pub mod assemble;
pub mod case;
pub mod check;
pub mod elf;
pub mod layout;
pub mod random;
