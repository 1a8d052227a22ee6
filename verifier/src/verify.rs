//! (the lead's file: placeholder)

use alloc::vec::Vec;

use crate::image::Image;
use crate::layout;
use crate::manifest::{Level, Strength};
pub use crate::report::{Finding, Report, Stats};

/// What is asked of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The weakest level that is accepted, and the one verified; default: what the image claims.
    pub level: Option<Level>,
    /// The weakest strength that is accepted, and the one verified; default: what the image claims.
    pub strength: Option<Strength>,
    /// Whether the claimed digest must match.
    pub check_digest: bool,
    /// Whether the code may use only the CPU features that the image claims.
    pub check_features: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            level: None,
            strength: None,
            check_digest: true,
            check_features: true,
        }
    }
}

/// Verifies an image.
pub fn verify(image: &Image, options: &Options) -> Report {
    let mut findings = Vec::new();
    layout::check(image, options, &mut findings);
    Report {
        functions: image.functions.len(),
        text_bytes: image.text.end.saturating_sub(image.text.start),
        digest: image.compute_digest(),
        findings,
        ..Report::default()
    }
}
