//! JSON output. Addresses are strings (`0x...`): numbers of JSON lose bits beyond 2^53.

use anyhow::Result;
use privbox_verifier::features::Features;
use serde_json::{Value, json};

use super::verify::{Examined, Outcome, Verdict, hex};
use crate::diagnose::demangle;

/// Writes a document and a newline.
pub fn print(value: &Value, output: &mut Vec<u8>) -> Result<()> {
    serde_json::to_writer_pretty(&mut *output, value)?;
    output.push(b'\n');
    Ok(())
}

/// The result of `privbox verify`.
pub fn verdicts(verdicts: &[Verdict]) -> Value {
    let files: Vec<Value> = verdicts
        .iter()
        .map(|verdict| {
            let file = verdict.file.display().to_string();
            match &verdict.outcome {
                Outcome::Unreadable(error) => {
                    json!({ "file": file, "verdict": "unreadable", "error": error })
                }
                Outcome::Examined(examined) => examined_file(&file, examined),
            }
        })
        .collect();
    json!({ "files": files })
}

fn examined_file(file: &str, examined: &Examined) -> Value {
    let report = &examined.report;
    let findings: Vec<Value> = report
        .findings
        .iter()
        .map(|finding| {
            let symbol = finding
                .function
                .and_then(|start| examined.symbolizer.symbol(start));
            json!({
                "rule": finding.rule.id(),
                "name": finding.rule.name(),
                "message": finding.message,
                "address": address(finding.address),
                "function": symbol.map(demangle),
                "symbol": symbol,
                "function_address": finding.function.map(address),
                "source": examined.symbolizer.line(finding.address),
                "instruction": finding.instruction,
                "state": finding.state,
                "hint": finding.hint,
            })
        })
        .collect();
    json!({
        "file": file,
        "verdict": if findings.is_empty() { "verified" } else { "rejected" },
        "level": examined.level.name(),
        "strength": examined.strength.name(),
        "digest": hex(&report.digest),
        "features": features(report.features),
        "functions": report.functions,
        "text_bytes": report.text_bytes,
        "instructions": report.instructions,
        "findings": findings,
    })
}

/// `0x...`.
pub fn address(address: u64) -> String {
    format!("{address:#x}")
}

/// Names of CPU features.
pub fn features(features: Features) -> Vec<&'static str> {
    Features::NAMED
        .iter()
        .filter(|(feature, _)| features.bits() & feature.bits() != 0)
        .map(|(_, name)| *name)
        .collect()
}
