//! The verdict on an image.

use alloc::format;
use alloc::vec::Vec;

use crate::analysis;
use crate::image::Image;
use crate::layout;
use crate::manifest::{Level, Strength};
pub use crate::report::{Finding, Report, Stats};
use crate::rule::Rule;

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

/// Verifies an image: its layout and claims, and if the layout holds, every function.
///
/// Time and memory are in proportion to the text; nothing in the image makes this panic.
pub fn verify(image: &Image, options: &Options) -> Report {
    let mut findings = Vec::new();
    let digest = image.compute_digest();
    layout::check(image, options, &digest, &mut findings);
    let mut report = Report {
        functions: image.functions.len(),
        text_bytes: image.text.end.saturating_sub(image.text.start),
        digest,
        ..Report::default()
    };
    // Without rule 1 there is no text to speak of.
    if findings.iter().all(|f| f.rule != Rule::R1) {
        let level = options.level.unwrap_or(image.level);
        let strength = options.strength.unwrap_or(image.strength);
        let outcome = analysis::check(image, level, strength, &mut findings);
        report.features = outcome.features;
        report.instructions = outcome.instructions;
        report.stats = outcome.stats;
        report.needs = outcome.needs;
        if options.check_features && !image.features.contains(outcome.features) {
            findings.push(Finding::about_image(
                Rule::R15,
                image.base,
                format!(
                    "the code uses CPU features that the manifest does not name: {} are used, {} are named",
                    outcome.features, image.features
                ),
                "link with privbox-cc, which fills the manifest in",
            ));
        }
    }
    report.findings = findings;
    report
}
