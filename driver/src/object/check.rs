//! Verifies the box half of a unit before it is linked, so that a function that cannot be proved is
//! compiled again while its bitcode is at hand.

use std::collections::BTreeSet;
use std::fmt;

use privbox_pass::depth;
use privbox_verifier::image::{Function, Image, Segment};
use privbox_verifier::manifest;
use privbox_verifier::rule::Rule;
use privbox_verifier::verify::{self, Finding};

use super::layout::{self, BASE, DATA, DATA_SIZE, LayoutError};

/// What the code must satisfy.
#[derive(Debug, Clone, Copy)]
pub struct Requirements {
    /// Level, in the verifier's words.
    pub level: manifest::Level,
    /// Strength, in the verifier's words.
    pub strength: manifest::Strength,
}

impl Requirements {
    /// From the pass's words to the verifier's: the two crates do not know each other.
    pub fn new(level: privbox_pass::Level, strength: privbox_pass::Strength) -> Self {
        Self {
            level: match level {
                privbox_pass::Level::Mask => manifest::Level::Mask,
                privbox_pass::Level::Pks => manifest::Level::Pks,
                privbox_pass::Level::Spap => manifest::Level::Spap,
            },
            strength: match strength {
                privbox_pass::Strength::Architectural => manifest::Strength::Architectural,
                privbox_pass::Strength::Transient => manifest::Strength::Transient,
            },
        }
    }
}

/// A function that does not verify, and one reason.
#[derive(Debug, Clone)]
pub struct Failed {
    /// Symbol of the clone; empty if the finding is about no function.
    pub function: String,
    /// The finding; its addresses are imaginary.
    pub finding: Finding,
    /// Address of the finding from the function's start.
    pub offset: u64,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding {
            rule,
            instruction,
            state,
            message,
            hint,
            ..
        } = &self.finding;
        writeln!(f, "  {} ({}): {message}", rule.id(), rule.name())?;
        write!(
            f,
            "  at {}+{:#x}: {instruction}",
            self.function, self.offset
        )?;
        if !state.is_empty() {
            write!(f, "\n  state: {state}")?;
        }
        if !hint.is_empty() {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

/// Verifies; returns what failed.
pub fn check(object: &[u8], requirements: &Requirements) -> Result<Vec<Failed>, LayoutError> {
    let layout = layout::lay_out(object)?;
    let text = BASE + u64::from(privbox_verifier::gate::BOX_GATE_SIZE);
    let end = BASE + layout.bytes.len() as u64;
    let image = Image {
        base: BASE,
        text: text..layout.text_end,
        tables: layout.tables.clone(),
        functions: layout
            .functions
            .iter()
            .map(|&(start, size, _)| Function { start, size })
            .collect(),
        segments: vec![
            Segment {
                start: BASE,
                size: end - BASE,
                flags: 5,
            },
            Segment {
                start: DATA,
                size: DATA_SIZE,
                flags: 6,
            },
        ],
        level: requirements.level,
        strength: requirements.strength,
        features: privbox_verifier::features::Features::default(),
        digest: None,
        bytes: layout.bytes,
    };
    let options = verify::Options {
        level: Some(requirements.level),
        strength: Some(requirements.strength),
        check_digest: false,
        check_features: false,
    };
    let mut report = verify::verify(&image, &options);
    // Callers in other units count on it.
    for (&(start, _, ref name), &need) in layout.functions.iter().zip(&report.needs) {
        if depth::is_shallow(name) && u64::from(need) > depth::LIBRARY {
            report.findings.push(Finding {
                rule: Rule::R13,
                function: Some(start),
                ..Finding::about_image(
                    Rule::R13,
                    start,
                    format!(
                        "{name} may need {need} bytes of the safe stack: callers count on {}",
                        depth::LIBRARY
                    ),
                    "test the depth before its calls",
                )
            });
        }
    }
    Ok(report
        .findings
        .into_iter()
        .map(|finding| {
            let address = finding.function.unwrap_or(finding.address);
            let name = layout
                .functions
                .iter()
                .find(|(start, ..)| *start == address);
            Failed {
                function: name.map(|(.., name)| name.clone()).unwrap_or_default(),
                offset: finding.address.wrapping_sub(address),
                finding,
            }
        })
        .collect())
}

/// The symbols of the functions that failed.
pub fn functions(failed: &[Failed]) -> BTreeSet<String> {
    failed
        .iter()
        .map(|failed| failed.function.clone())
        .filter(|name| !name.is_empty())
        .collect()
}
