//! `corpus/opcodes.txt`: instructions one by one, in an otherwise accepted function.

use privbox_verifier::manifest::{Level, Strength};

use crate::corpus::folder;
use crate::harness::case::{Case, Expect};
use crate::harness::check;

fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string(folder().join("opcodes.txt")).expect("the table is there");
    let mut cases = Vec::new();
    let mut heading: Option<(Expect, String)> = None;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(rest) = line.strip_prefix('[') {
            let (verdict, why) = rest.split_once(']').expect("a heading ends with ]");
            let mut words = verdict.split_whitespace().map(str::to_string);
            let expect = match words.next().as_deref() {
                Some("accept") => Expect::Accept,
                Some("reject") => Expect::Reject(words.collect()),
                other => panic!("line {}: {other:?}", index + 1),
            };
            heading = Some((expect, why.trim().to_string()));
            continue;
        }
        let (expect, why) = heading
            .clone()
            .expect("an instruction stands under a heading");
        cases.push(function(index + 1, line, expect, why));
    }
    cases
}

fn function(line: usize, instruction: &str, expect: Expect, why: String) -> Case {
    let body = ["MASK %rdi", "MASK %rsi", instruction, "RET"];
    Case {
        name: format!("opcodes.txt: {instruction}"),
        file: "opcodes.txt".into(),
        line,
        why,
        expect,
        level: Level::Mask,
        strength: Strength::Architectural,
        features: true,
        body: body.iter().map(|l| (line, l.to_string())).collect(),
    }
}

#[test]
fn opcodes() {
    let mut cases = cases();
    // The twin of them all: the function without the instruction.
    cases.push(function(
        0,
        "",
        Expect::Accept,
        "the frame of this test".into(),
    ));
    let messages = check::mismatches(&cases).unwrap_or_else(|e| panic!("{e}"));
    check::expect_none(cases.len(), messages);
}
