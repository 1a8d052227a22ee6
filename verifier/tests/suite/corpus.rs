//! Runs the corpus: every attack is refused for its rule, every twin is accepted.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::harness::case::{self, Case, Expect};
use crate::harness::check;

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

/// All cases of all files, in a fixed order.
pub fn cases() -> Vec<Case> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder())
        .expect("the corpus is there")
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "s"))
        .collect();
    files.sort();
    files
        .iter()
        .flat_map(|file| case::read(file).unwrap_or_else(|e| panic!("{e}")))
        .collect()
}

#[test]
fn corpus() {
    let cases = cases();
    let messages = check::mismatches(&cases).unwrap_or_else(|e| panic!("{e}"));
    check::expect_none(cases.len(), messages);
}

#[test]
fn names_are_unique() {
    let mut seen = BTreeMap::new();
    for case in cases() {
        if let Some(line) = seen.insert(case.name.clone(), case.line) {
            panic!("{} is at line {line} and {}", case.name, case.line);
        }
    }
}

/// Each rule about code has cases that must be rejected for it, and the names of rules are right.
#[test]
fn every_rule_has_cases() {
    use privbox_verifier::rule::Rule;
    let mut counts: BTreeMap<&str, usize> = Rule::ALL.iter().map(|r| (r.id(), 0)).collect();
    for case in cases() {
        if let Expect::Reject(rules) = &case.expect {
            for rule in rules {
                let count = counts.get_mut(rule.as_str());
                *count.unwrap_or_else(|| panic!("{}: no rule {rule}", case.name)) += 1;
            }
        }
    }
    // Rule 6 only ever allows (a failed proof is rule 7's); 14 and 15 are about images (`images`).
    for (rule, count) in counts {
        assert!(
            count > 0 || ["rule-6", "rule-14", "rule-15"].contains(&rule),
            "{rule}: no case"
        );
    }
}
