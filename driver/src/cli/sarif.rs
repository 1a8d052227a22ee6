//! SARIF 2.1.0 output of `privbox verify`, for code scanning services.

use privbox_verifier::rule::Rule;
use privbox_verifier::verify::Finding;
use serde_json::{Value, json};

use super::verify::{Examined, Outcome, Verdict};
use crate::diagnose::Symbolizer;

/// The log of one run.
pub fn log(verdicts: &[Verdict]) -> Value {
    let mut results = Vec::new();
    let mut notifications = Vec::new();
    for verdict in verdicts {
        let file = verdict.file.display().to_string();
        match &verdict.outcome {
            Outcome::Examined(examined) => {
                results.extend(
                    examined
                        .report
                        .findings
                        .iter()
                        .map(|f| result(&file, f, examined)),
                );
            }
            Outcome::Unreadable(error) => {
                notifications.push(json!({ "level": "error", "message": { "text": error } }));
            }
        }
    }
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "privbox",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": Rule::ALL.map(rule),
            }},
            "invocations": [{
                "executionSuccessful": notifications.is_empty(),
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
        }],
    })
}

fn rule(rule: Rule) -> Value {
    json!({
        "id": rule.id(),
        "name": rule.name(),
        "shortDescription": { "text": rule.name() },
        "fullDescription": { "text": rule.explanation() },
        "defaultConfiguration": { "level": "error" },
    })
}

fn result(file: &str, finding: &Finding, examined: &Examined) -> Value {
    let function = finding
        .function
        .and_then(|start| examined.symbolizer.function(start));
    let mut text = finding.message.clone();
    if !finding.instruction.is_empty() {
        text.push_str(&format!(
            " ({} at {:#x})",
            finding.instruction, finding.address
        ));
    }
    if !finding.hint.is_empty() {
        text.push_str(&format!("; {}", finding.hint));
    }
    let mut location = physical(file, finding, &examined.symbolizer);
    if let Some(name) = function {
        location["logicalLocations"] = json!([{ "fullyQualifiedName": name, "kind": "function" }]);
    }
    json!({
        "ruleId": finding.rule.id(),
        "level": "error",
        "message": { "text": text },
        "locations": [location],
        "properties": { "file": file, "state": finding.state },
    })
}

/// The source line if it is known, else the executable and the address.
fn physical(file: &str, finding: &Finding, symbolizer: &Symbolizer) -> Value {
    let line = symbolizer.line(finding.address).and_then(|line| {
        let mut parts = line.rsplitn(3, ':');
        let (last, middle, first) = (parts.next()?, parts.next(), parts.next());
        let number = |text: &str| text.parse::<u32>().ok();
        match (first, middle.and_then(number), number(last)) {
            (Some(path), Some(line), Some(column)) => Some((path.to_owned(), line, Some(column))),
            _ => Some((line.rsplit_once(':')?.0.to_owned(), number(last)?, None)),
        }
    });
    match line {
        Some((path, line, column)) => json!({ "physicalLocation": {
            "artifactLocation": { "uri": uri(&path) },
            "region": match column {
                Some(column) => json!({ "startLine": line, "startColumn": column }),
                None => json!({ "startLine": line }),
            },
        }}),
        None => json!({ "physicalLocation": {
            "artifactLocation": { "uri": uri(file) },
            "address": { "absoluteAddress": finding.address },
        }}),
    }
}

/// A path as a URI reference: what is not allowed there is percent-encoded.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            uri.push(byte.into());
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    #[test]
    fn paths_become_uris() {
        assert_eq!(super::uri("/a b/c.c"), "/a%20b/c.c");
    }
}
