//! Verifies a case and says what differs from what it expects.

use privbox_verifier::features::Features;
use privbox_verifier::image::Image;
use privbox_verifier::report::Report;
use privbox_verifier::verify::{Options, verify};

use super::assemble;
use super::case::{Case, Expect};
use super::layout::{self, Settings};

/// The features an image declares: all, or none.
pub fn features(all: bool) -> Features {
    if all {
        Features::all()
    } else {
        Features::empty()
    }
}

/// The verdict on an image whose digest is not the subject.
pub fn report(image: &Image) -> Report {
    let options = Options {
        level: None,
        strength: None,
        check_digest: false,
        check_features: true,
    };
    verify(image, &options)
}

pub fn accepted(image: &Image) -> bool {
    report(image).findings.is_empty()
}

/// All findings, one a line.
pub fn describe(report: &Report) -> String {
    let mut out = String::new();
    for f in &report.findings {
        out += &format!(
            "      {} at {:#x}: {} [{}] {}\n",
            f.rule.id(),
            f.address,
            f.message,
            f.instruction,
            f.state
        );
    }
    out
}

/// None if the verdict is as expected, otherwise a message with everything needed to judge it.
fn mismatch(case: &Case, report: &Report) -> Option<String> {
    let found = report.findings.iter();
    let good = match &case.expect {
        Expect::Accept => report.findings.is_empty(),
        Expect::Reject(rules) => found
            .clone()
            .any(|f| rules.iter().any(|rule| rule == f.rule.id())),
    };
    if good {
        return None;
    }
    let expected = match &case.expect {
        Expect::Accept => "to be accepted".to_string(),
        Expect::Reject(rules) => format!("a finding for {}", rules.join(" or ")),
    };
    let verdict = if report.findings.is_empty() {
        "it was accepted\n"
    } else {
        "findings:\n"
    };
    Some(format!(
        "{} (line {}): expected {expected}, but {verdict}{}      because: {}\n",
        case.name,
        case.line,
        describe(report),
        case.why
    ))
}

/// Assembles, lays out and verifies all cases; the messages of those that differ.
pub fn mismatches(cases: &[Case]) -> Result<Vec<String>, String> {
    let assembled = assemble::assemble(cases)?;
    let mut out = Vec::new();
    for (case, code) in cases.iter().zip(&assembled) {
        let settings = Settings {
            level: case.level,
            strength: case.strength,
            features: case.features,
        };
        let image = layout::image(code, settings).map_err(|e| format!("{}: {e}", case.name))?;
        out.extend(mismatch(case, &report(&image)));
    }
    Ok(out)
}

/// Fails the test with all messages.
pub fn expect_none(total: usize, messages: Vec<String>) {
    assert!(
        messages.is_empty(),
        "{} of {total} cases differ:\n{}",
        messages.len(),
        messages.concat()
    );
}
