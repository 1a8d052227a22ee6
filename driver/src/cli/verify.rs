//! `privbox verify`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use privbox_verifier::image::{Image, ImageError};
use privbox_verifier::manifest::{Level, Strength};
use privbox_verifier::rule::Rule;
use privbox_verifier::verify::{self, Finding, Options, Report};

use crate::diagnose::{self, Symbolizer};

/// What the user requires beyond what the image states.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// `--level`.
    pub level: Option<Level>,
    /// `--strength`.
    pub strength: Option<Strength>,
}

/// The result for one file.
pub struct Verdict {
    /// As given on the command line.
    pub file: PathBuf,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a file.
pub enum Outcome {
    /// It has a box, which was examined.
    Examined(Box<Examined>),
    /// It cannot be read, or has no box: why, and what to do.
    Unreadable(String),
}

/// An examined file.
pub struct Examined {
    /// The whole file.
    pub bytes: Vec<u8>,
    /// The level it was verified at.
    pub level: Level,
    /// The strength it was verified at.
    pub strength: Strength,
    /// The verifier's report.
    pub report: Report,
    /// For names and lines of findings.
    pub symbolizer: Symbolizer,
}

impl Verdict {
    /// The exit code if this were the only file.
    pub fn exit_code(&self) -> u8 {
        match &self.outcome {
            Outcome::Examined(examined) if examined.report.findings.is_empty() => super::OK,
            Outcome::Examined(_) => super::FINDINGS,
            Outcome::Unreadable(_) => super::MISUSE,
        }
    }
}

/// Verifies one file.
pub fn verify(file: &Path, wanted: &Wanted) -> Verdict {
    let outcome = match fs::read(file) {
        Ok(bytes) => examine(file, bytes, wanted),
        Err(error) => Outcome::Unreadable(format!("cannot read '{}': {error}", file.display())),
    };
    Verdict {
        file: file.to_path_buf(),
        outcome,
    }
}

fn examine(file: &Path, bytes: Vec<u8>, wanted: &Wanted) -> Outcome {
    let (level, strength, report) = match Image::from_elf(&bytes) {
        Ok(image) => {
            let options = Options {
                level: wanted.level,
                strength: wanted.strength,
                check_digest: true,
                check_features: true,
            };
            let report = verify::verify(&image, &options);
            (
                wanted.level.unwrap_or(image.level),
                wanted.strength.unwrap_or(image.strength),
                report,
            )
        }
        Err(error) => match error.rule() {
            // The file has a box, and its very shape breaks a rule.
            Some(rule) => {
                let finding = malformed(rule, &error);
                let report = Report {
                    findings: vec![finding],
                    ..Report::default()
                };
                (
                    wanted.level.unwrap_or_default(),
                    wanted.strength.unwrap_or_default(),
                    report,
                )
            }
            None => return Outcome::Unreadable(no_image(file, &error)),
        },
    };
    // Only findings have names and lines.
    let symbolizer = if report.findings.is_empty() {
        Symbolizer::default()
    } else {
        Symbolizer::new(file, &bytes)
    };
    Outcome::Examined(Box::new(Examined {
        bytes,
        level,
        strength,
        report,
        symbolizer,
    }))
}

fn malformed(rule: Rule, error: &ImageError) -> Finding {
    Finding::about_image(
        rule,
        0,
        error.to_string(),
        "link the program again with privbox-cc",
    )
}

/// A file without a box, or not a file of ours at all.
pub fn no_image(file: &Path, error: &ImageError) -> String {
    let name = file.display();
    match error {
        ImageError::NoBox => format!(
            "'{name}' has no box: compile and link with privbox-cc, and mark an entry function with \
             PRIVBOX or -fprivbox-fn=NAME"
        ),
        error => format!("'{name}': {error}"),
    }
}

/// Prints for people. Errors about unreadable files go to standard error.
pub fn print(verdicts: &[Verdict], output: &mut Vec<u8>) -> Result<()> {
    for verdict in verdicts {
        let name = verdict.file.display().to_string();
        let examined = match &verdict.outcome {
            Outcome::Unreadable(error) => {
                eprintln!("privbox: error: {error}");
                continue;
            }
            Outcome::Examined(examined) => examined,
        };
        let Report {
            functions,
            text_bytes,
            instructions,
            features,
            digest,
            findings,
            ..
        } = &examined.report;
        if findings.is_empty() {
            writeln!(output, "{name}: verified")?;
        } else {
            let Examined {
                bytes, symbolizer, ..
            } = &**examined;
            let text = diagnose::findings(&name, symbolizer, bytes, findings);
            output.extend_from_slice(text.as_bytes());
            writeln!(
                output,
                "{name}: NOT verified: {}",
                count(findings.len(), "finding")
            )?;
        }
        writeln!(
            output,
            "  level {}, strength {}; {}, {text_bytes} bytes of text, {instructions} instructions",
            examined.level.name(),
            examined.strength.name(),
            count(*functions, "function"),
        )?;
        writeln!(output, "  CPU features: {features}")?;
        writeln!(output, "  digest: {}", hex(digest))?;
    }
    Ok(())
}

fn count(number: usize, what: &str) -> String {
    if number == 1 {
        format!("1 {what}")
    } else {
        format!("{number} {what}s")
    }
}

/// Hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
