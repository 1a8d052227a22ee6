//! `privbox inspect`: what is in a box, what it cost, and where it leaves.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use object::{Object, ObjectSymbol};
use privbox_pass::UnitRecord;
use privbox_verifier::image::Image;
use serde::Serialize;

use super::verify::{hex, no_image};
use crate::diagnose::{Symbolizer, demangle};
use crate::image::clone_of;
use crate::records;

/// One file's box.
#[derive(Debug, Serialize)]
pub struct Inspection {
    file: String,
    level: &'static str,
    strength: &'static str,
    digest: String,
    features: Vec<&'static str>,
    text_bytes: u64,
    table_bytes: u64,
    /// Bytes of the box's functions whose normal code is in the file too, and of that normal code.
    clone_bytes: u64,
    normal_bytes: u64,
    accesses: u64,
    masks: u64,
    elided: u64,
    /// How many functions have a mask on every access because they did not verify otherwise.
    fallbacks: usize,
    entries: Vec<String>,
    functions: Vec<InspectedFunction>,
    callouts: Vec<Callout>,
}

#[derive(Debug, Serialize)]
struct InspectedFunction {
    name: String,
    symbol: Option<String>,
    address: String,
    size: u64,
    /// Size of the same function's normal code.
    normal_size: Option<u64>,
    accesses: Option<u64>,
    masks: Option<u64>,
    elided: Option<u64>,
    mask_all: bool,
    source: Option<String>,
}

#[derive(Debug, Serialize)]
struct Callout {
    name: String,
    reason: String,
    called_by: Vec<String>,
}

/// Reads one file.
pub fn inspect(path: &Path) -> Result<Inspection> {
    let bytes = fs::read(path).with_context(|| format!("cannot read '{}'", path.display()))?;
    let image = match Image::from_elf(&bytes) {
        Ok(image) => image,
        Err(error) => bail!("{}", no_image(path, &error)),
    };
    let units = records::of_executable(&bytes).unwrap_or_default();
    let sizes = normal_sizes(&bytes);
    let functions = functions(&image, &units, &sizes, &Symbolizer::new(path, &bytes));
    let sum = |get: fn(&InspectedFunction) -> Option<u64>| functions.iter().filter_map(get).sum();
    let paired = functions
        .iter()
        .filter(|function| function.normal_size.is_some());
    Ok(Inspection {
        file: path.display().to_string(),
        level: image.level.name(),
        strength: image.strength.name(),
        digest: hex(&image.digest.unwrap_or_else(|| image.compute_digest())),
        features: super::json::features(image.features),
        text_bytes: image.text.end.saturating_sub(image.text.start),
        table_bytes: image.tables.end.saturating_sub(image.tables.start),
        clone_bytes: paired.map(|function| function.size).sum(),
        normal_bytes: sum(|function| function.normal_size),
        accesses: sum(|function| function.accesses),
        masks: sum(|function| function.masks),
        elided: sum(|function| function.elided),
        fallbacks: functions
            .iter()
            .filter(|function| function.mask_all)
            .count(),
        entries: entries(&units),
        callouts: callouts(&units, &functions),
        functions,
    })
}

fn entries(units: &[UnitRecord]) -> Vec<String> {
    let names: BTreeSet<String> = units
        .iter()
        .flat_map(|unit| &unit.entries)
        .map(|name| demangle(name))
        .collect();
    names.into_iter().collect()
}

/// Sizes of normal functions, by symbol. The normal code of an entry function has its own name.
fn normal_sizes(bytes: &[u8]) -> HashMap<String, u64> {
    let Ok(file) = object::File::parse(bytes) else {
        return HashMap::new();
    };
    let mut sizes = HashMap::new();
    let symbols = file
        .symbols()
        .filter(|symbol| symbol.is_definition() && symbol.size() != 0);
    for symbol in symbols.filter(|symbol| symbol.kind() == object::SymbolKind::Text) {
        let Ok(name) = symbol.name() else { continue };
        if let Some(entry) = name.strip_suffix(".privbox.normal") {
            sizes.insert(entry.to_owned(), symbol.size());
        } else if clone_of(name).is_none() {
            // Promoted internal functions: `NAME.pb.HASH`.
            let name = name.rsplit_once(".pb.").map_or(name, |(name, _)| name);
            sizes.entry(name.to_owned()).or_insert(symbol.size());
        }
    }
    sizes
}

fn functions(
    image: &Image,
    units: &[UnitRecord],
    sizes: &HashMap<String, u64>,
    symbolizer: &Symbolizer,
) -> Vec<InspectedFunction> {
    // Internal functions of two units may share a name: their symbols have the unit's hash.
    let mut records = HashMap::new();
    for unit in units {
        for function in &unit.functions {
            records
                .entry(format!("{}.privbox", function.name))
                .or_insert(function);
            records.insert(format!("{}.privbox.{}", function.name, unit.hash), function);
        }
    }
    let mut functions: Vec<InspectedFunction> = image
        .functions
        .iter()
        .map(|function| {
            let symbol = symbolizer.symbol(function.start);
            let record = symbol.and_then(|symbol| records.get(symbol));
            let mut name = symbol.map_or_else(|| format!("{:#x}", function.start), demangle);
            let body = symbol.is_some_and(crate::image::is_body);
            if body {
                name.push_str(" (body around setjmp)");
            }
            InspectedFunction {
                name,
                // The driver has the normal code's size beside it.
                normal_size: symbol
                    .filter(|_| !body)
                    .and_then(clone_of)
                    .and_then(|name| sizes.get(name))
                    .copied(),
                symbol: symbol.map(str::to_owned),
                address: super::json::address(function.start),
                size: function.size,
                accesses: record.map(|record| record.accesses),
                masks: record.map(|record| record.masks),
                elided: record.map(|record| record.elided),
                mask_all: record.is_some_and(|record| record.mask_all),
                source: symbolizer.line(function.start),
            }
        })
        .collect();
    functions.sort_by(|a, b| b.size.cmp(&a.size).then_with(|| a.name.cmp(&b.name)));
    functions
}

/// Callees that no unit has a clone of, from functions that are in the box.
fn callouts(units: &[UnitRecord], linked: &[InspectedFunction]) -> Vec<Callout> {
    let linked: BTreeSet<&str> = linked
        .iter()
        .filter_map(|f| f.symbol.as_deref())
        .filter_map(clone_of)
        .collect();
    let clones: BTreeSet<&str> = units
        .iter()
        .flat_map(|unit| &unit.functions)
        .map(|f| f.name.as_str())
        .collect();
    let reasons: BTreeMap<&str, &str> = units
        .iter()
        .flat_map(|unit| &unit.outside)
        .map(|outside| (outside.name.as_str(), outside.reason.as_str()))
        .collect();
    let mut callers: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for function in units.iter().flat_map(|unit| &unit.functions) {
        // Stripped files: what is linked is not known.
        if !linked.is_empty() && !linked.contains(function.name.as_str()) {
            continue;
        }
        for callee in function
            .callouts
            .iter()
            .filter(|name| !clones.contains(name.as_str()))
        {
            callers
                .entry(callee)
                .or_default()
                .insert(demangle(&function.name));
        }
    }
    callers
        .into_iter()
        .map(|(name, called_by)| Callout {
            name: demangle(name),
            reason: reasons
                .get(name)
                .copied()
                .unwrap_or("not compiled by privbox-cc")
                .to_owned(),
            called_by: called_by.into_iter().collect(),
        })
        .collect()
}

/// Prints for people.
pub fn print(inspections: &[Inspection], top: usize, output: &mut Vec<u8>) -> Result<()> {
    for (index, inspection) in inspections.iter().enumerate() {
        if index != 0 {
            writeln!(output)?;
        }
        summary(inspection, output)?;
        list(inspection, top, output)?;
    }
    Ok(())
}

fn summary(found: &Inspection, output: &mut Vec<u8>) -> Result<()> {
    writeln!(output, "{}", found.file)?;
    writeln!(
        output,
        "  level     {}, strength {}",
        found.level, found.strength
    )?;
    writeln!(output, "  digest    {}", found.digest)?;
    let features = if found.features.is_empty() {
        "baseline".into()
    } else {
        found.features.join(" ")
    };
    writeln!(output, "  CPU       {features}")?;
    writeln!(output, "  entries   {}", found.entries.join(", "))?;
    writeln!(
        output,
        "  box       {} functions, {} bytes of text, {} of tables",
        found.functions.len(),
        found.text_bytes,
        found.table_bytes
    )?;
    let percent = |part: u64| 100.0 * part as f64 / found.accesses.max(1) as f64;
    writeln!(
        output,
        "  masks     {} emitted, {} accesses without one ({:.1} % of {})",
        found.masks,
        found.elided,
        percent(found.elided),
        found.accesses
    )?;
    if found.fallbacks != 0 {
        writeln!(
            output,
            "  fallback  {} functions with a mask on every access",
            found.fallbacks
        )?;
    }
    if found.normal_bytes != 0 {
        writeln!(
            output,
            "  growth    {:.2} times the normal code ({} bytes for {})",
            found.clone_bytes as f64 / found.normal_bytes as f64,
            found.clone_bytes,
            found.normal_bytes
        )?;
    }
    Ok(())
}

fn list(found: &Inspection, top: usize, output: &mut Vec<u8>) -> Result<()> {
    if top != 0 && !found.functions.is_empty() {
        writeln!(
            output,
            "\n      size   growth    masks   elided  function (biggest first)"
        )?;
        for function in found.functions.iter().take(top) {
            let growth = function.normal_size.map_or("-".into(), |normal| {
                format!("{:.2}", function.size as f64 / normal as f64)
            });
            let number = |value: Option<u64>| value.map_or("-".into(), |value| value.to_string());
            writeln!(
                output,
                "  {:>8} {growth:>8} {:>8} {:>8}  {}{}",
                function.size,
                number(function.masks),
                number(function.elided),
                short(&function.name),
                if function.mask_all {
                    " (a mask on every access)"
                } else {
                    ""
                }
            )?;
        }
        if found.functions.len() > top {
            writeln!(
                output,
                "  ... and {} more (--top N)",
                found.functions.len() - top
            )?;
        }
    }
    if !found.callouts.is_empty() {
        writeln!(output, "\n  calls out of the box")?;
        for callout in &found.callouts {
            let callers = callout.called_by.iter().take(3).map(|name| short(name));
            let mut by = callers.collect::<Vec<_>>().join(", ");
            if callout.called_by.len() > 3 {
                by.push_str(&format!(" and {} more", callout.called_by.len() - 3));
            }
            writeln!(
                output,
                "    {} ({}), from {by}",
                short(&callout.name),
                callout.reason
            )?;
        }
    }
    Ok(())
}

/// Names of C++ templates can fill a screen; JSON has them whole.
fn short(name: &str) -> String {
    const WIDTH: usize = 70;
    if name.chars().count() <= WIDTH {
        return name.to_owned();
    }
    name.chars().take(WIDTH - 3).chain("...".chars()).collect()
}
