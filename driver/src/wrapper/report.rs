//! `-fprivbox-report=FILE`: one JSON object a line.
//!
//! A compilation replaces the line of the same object file, or adds one (of the same library or crate, whose units come
//! together, all of their lines); a link replaces the line of the same executable. So a file is right after any sequence of builds, also parallel ones.

use std::fs::{self, OpenOptions};
use std::path::Path;

use anyhow::{Context as _, Result};
use privbox_pass::UnitRecord;
use serde_json::{Map, Value};

use crate::temporary;

/// Writes the line of an object file's only unit: the unit record and `"object"`.
pub fn unit(file: &Path, object: &Path, record: &UnitRecord) -> Result<()> {
    units(file, object, std::slice::from_ref(record))
}

/// Writes the lines of all units that came to be `object`: a library, or the crate of an executable. Units that it had
/// before and has no more go.
pub fn units(file: &Path, object: &Path, records: &[UnitRecord]) -> Result<()> {
    let mut lines = Vec::with_capacity(records.len());
    for record in records {
        let mut line = Map::new();
        line.insert("object".to_owned(), object.to_string_lossy().into());
        if let Value::Object(fields) = serde_json::to_value(record)? {
            line.extend(fields);
        }
        lines.push(line);
    }
    replace(file, "object", object, lines)
}

/// Writes the line of a link: `"executable"` and what `fields` hold.
pub fn link(file: &Path, executable: &Path, fields: Map<String, Value>) -> Result<()> {
    let mut line = Map::new();
    line.insert("executable".to_owned(), executable.to_string_lossy().into());
    line.extend(fields);
    replace(file, "executable", executable, vec![line])
}

/// Puts `lines` in place of those whose `key` is `path`.
fn replace(file: &Path, key: &str, path: &Path, lines: Vec<Map<String, Value>>) -> Result<()> {
    let context = || format!("cannot write the report '{}'", file.display());
    let mut new = String::with_capacity(1024);
    for line in lines {
        new.push_str(&Value::Object(line).to_string());
        new.push('\n');
    }
    if OpenOptions::new()
        .append(true)
        .open(file)
        .is_ok_and(|f| !f.metadata().is_ok_and(|m| m.is_file()))
    {
        // A pipe or a device: there is nothing to replace.
        return fs::write(file, new).with_context(context);
    }
    let _lock = temporary::lock(file).with_context(context)?;
    let old = fs::read_to_string(file).with_context(context)?;
    let path = path.to_string_lossy();
    let mut text = String::with_capacity(old.len() + new.len());
    for other in old.lines() {
        let same = serde_json::from_str::<Value>(other)
            .is_ok_and(|value| value.get(key).and_then(Value::as_str) == Some(&*path));
        if !same {
            text.push_str(other);
            text.push('\n');
        }
    }
    text.push_str(&new);
    fs::write(file, text).with_context(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_one_object_come_and_go_together() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("report.jsonl");
        let record = |name: &str| UnitRecord {
            unit: name.to_owned(),
            ..UnitRecord::default()
        };
        let names = || -> Vec<String> {
            let text = fs::read_to_string(&file).unwrap();
            let of = |line: &str| {
                let value: Value = serde_json::from_str(line).unwrap();
                format!("{} {}", value["object"], value["unit"]).replace('"', "")
            };
            text.lines().map(of).collect()
        };
        let (a, b) = (Path::new("a.rlib"), Path::new("b.o"));
        units(&file, a, &[record("one"), record("two")]).unwrap();
        unit(&file, b, &record("b")).unwrap();
        assert_eq!(names(), ["a.rlib one", "a.rlib two", "b.o b"]);
        units(&file, a, &[record("two"), record("three")]).unwrap();
        assert_eq!(names(), ["b.o b", "a.rlib two", "a.rlib three"]);
        unit(&file, b, &record("c")).unwrap();
        units(&file, a, &[]).unwrap();
        assert_eq!(names(), ["b.o c"]);
    }
}
