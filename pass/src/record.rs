//! The unit record: what was instrumented, kept in the object's `.privbox.unit` (docs/box-abi.md).

use serde::{Deserialize, Serialize};

/// One line of JSON per unit. `privbox inspect` and the linking driver read it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitRecord {
    /// Source path.
    pub unit: String,
    /// The unit's 16 hexadecimal digits.
    pub hash: String,
    /// `mask`, `pks` or `spap`.
    pub level: String,
    /// `architectural` or `transient`.
    pub strength: String,
    /// The globs of `-fprivbox-fn`.
    pub requested: Vec<String>,
    /// The globs of `-fprivbox-outside`.
    pub outside_requested: Vec<String>,
    /// Functions of this unit whose normal symbol enters the box.
    pub entries: Vec<String>,
    /// One per clone.
    pub functions: Vec<FunctionRecord>,
    /// Functions that got no clone.
    pub outside: Vec<OutsideRecord>,
    /// Callees that neither this unit nor the runtime library defines.
    pub external: Vec<String>,
}

/// What happened to one clone. Counts are of IR accesses, not of instructions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionRecord {
    /// The source's symbol, without `.privbox`.
    pub name: String,
    /// Loads, stores and other memory operands.
    pub accesses: u64,
    /// Masks emitted.
    pub masks: u64,
    /// Accesses that need none of their own.
    pub elided: u64,
    /// A mask on every access was asked for.
    pub mask_all: bool,
    /// Callees that this clone reaches only by leaving the box, unless another unit has a clone.
    pub callouts: Vec<String>,
}

/// Why a function has no clone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutsideRecord {
    /// The symbol.
    pub name: String,
    /// In words, for the link-time report.
    pub reason: String,
}

impl UnitRecord {
    /// The JSON object and a newline, as `.privbox.unit` holds it.
    pub fn to_line(&self) -> Result<String, serde_json::Error> {
        let mut line = serde_json::to_string(self)?;
        line.push('\n');
        Ok(line)
    }
}
