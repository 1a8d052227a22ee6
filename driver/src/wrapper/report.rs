//! `-fprivbox-report=FILE`: one JSON object a line.
//!
//! A compilation replaces the line of the same object file, or adds one; a link replaces the line
//! of the same executable. So a file is right after any sequence of builds, also parallel ones.

use std::fs::{self, OpenOptions};
use std::path::Path;

use anyhow::{Context as _, Result};
use privbox_pass::UnitRecord;
use serde_json::{Map, Value};

use crate::temporary;

/// Writes the line of a unit: the unit record and `"object"`.
pub fn unit(file: &Path, object: &Path, record: &UnitRecord) -> Result<()> {
    let mut line = Map::new();
    line.insert("object".to_owned(), object.to_string_lossy().into());
    if let Value::Object(fields) = serde_json::to_value(record)? {
        line.extend(fields);
    }
    replace(file, "object", line)
}

/// Writes the line of a link: `"executable"` and what `fields` hold.
pub fn link(file: &Path, executable: &Path, fields: Map<String, Value>) -> Result<()> {
    let mut line = Map::new();
    line.insert("executable".to_owned(), executable.to_string_lossy().into());
    line.extend(fields);
    replace(file, "executable", line)
}

fn replace(file: &Path, key: &str, line: Map<String, Value>) -> Result<()> {
    let context = || format!("cannot write the report '{}'", file.display());
    if OpenOptions::new()
        .append(true)
        .open(file)
        .is_ok_and(|f| !f.metadata().is_ok_and(|m| m.is_file()))
    {
        // A pipe or a device: there is nothing to replace.
        return fs::write(file, format!("{}\n", Value::Object(line))).with_context(context);
    }
    let _lock = temporary::lock(file).with_context(context)?;
    let old = fs::read_to_string(file).with_context(context)?;
    let name = line.get(key).cloned();
    let mut text = String::with_capacity(old.len() + 1024);
    for other in old.lines() {
        let same = serde_json::from_str::<Value>(other)
            .is_ok_and(|value| name.is_some() && value.get(key) == name.as_ref());
        if !same {
            text.push_str(other);
            text.push('\n');
        }
    }
    text.push_str(&Value::Object(line).to_string());
    text.push('\n');
    fs::write(file, text).with_context(context)
}
