//! Findings as people read them: where, in which source line, what, by which rule, what to do.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;

use iced_x86::{Decoder, DecoderOptions, Formatter, GasFormatter};
use object::{Object, ObjectSymbol, SymbolKind};
use privbox_verifier::image::Image;
use privbox_verifier::verify::Finding;

/// More findings than this are counted, not shown: one mistake can make thousands.
const SHOWN: usize = 20;
/// The same for one function: what follows a first finding is often its consequence.
const SHOWN_PER_FUNCTION: usize = 3;
/// Instructions shown before and after.
const AROUND: usize = 3;

/// Names and source lines of one linked file; by default, of none.
#[derive(Default)]
pub struct Symbolizer {
    /// Address, size, name; by address.
    symbols: Vec<(u64, u64, String)>,
    lines: Option<addr2line::Loader>,
}

impl Symbolizer {
    /// Reads symbols and debug information; both may be missing.
    pub fn new(path: &Path, bytes: &[u8]) -> Self {
        let mut symbols: Vec<(u64, u64, String)> = object::File::parse(bytes)
            .map(|file| {
                file.symbols()
                    .filter(|symbol| symbol.is_definition() && symbol.kind() == SymbolKind::Text)
                    .filter_map(|symbol| {
                        Some((
                            symbol.address(),
                            symbol.size(),
                            symbol.name().ok()?.to_owned(),
                        ))
                    })
                    .collect()
            })
            .unwrap_or_default();
        symbols.sort();
        Self {
            symbols,
            lines: addr2line::Loader::new(path).ok(),
        }
    }

    /// The symbol at exactly this address.
    pub fn symbol(&self, address: u64) -> Option<&str> {
        let at = self.symbols.partition_point(|(start, ..)| *start < address);
        let (start, _, name) = self.symbols.get(at)?;
        (*start == address).then_some(name)
    }

    /// The function's name as its author wrote it.
    pub fn function(&self, address: u64) -> Option<String> {
        self.symbol(address).map(demangle)
    }

    /// `file:line:column`.
    pub fn line(&self, address: u64) -> Option<String> {
        let location = self.lines.as_ref()?.find_location(address).ok()??;
        let mut text = location.file?.to_owned();
        if let Some(line) = location.line.filter(|line| *line != 0) {
            let _ = write!(text, ":{line}");
            if let Some(column) = location.column.filter(|column| *column != 0) {
                let _ = write!(text, ":{column}");
            }
        }
        Some(text)
    }
}

/// A clone's symbol as its author wrote the function.
pub fn demangle(symbol: &str) -> String {
    let name = crate::image::clone_of(symbol).unwrap_or(symbol);
    if let Ok(name) = rustc_demangle::try_demangle(name) {
        return format!("{name:#}");
    }
    if name.starts_with("_Z")
        && let Ok(parsed) = cpp_demangle::Symbol::new(name)
        && let Ok(text) = parsed.demangle()
    {
        return text;
    }
    name.to_owned()
}

/// All findings of a file, as text.
pub fn findings(name: &str, symbolizer: &Symbolizer, bytes: &[u8], findings: &[Finding]) -> String {
    let image = Image::from_elf(bytes).ok();
    let mut text = String::new();
    let mut shown = 0;
    let mut per_function: HashMap<Option<u64>, usize> = HashMap::new();
    for finding in findings {
        let count = per_function.entry(finding.function).or_default();
        *count += 1;
        if shown < SHOWN && *count <= SHOWN_PER_FUNCTION {
            one(&mut text, name, finding, symbolizer, image.as_ref());
            shown += 1;
        }
    }
    if findings.len() > shown {
        let functions = per_function.len();
        let _ = writeln!(
            text,
            "... and {} more findings, in {functions} functions altogether (all: privbox verify \
             --format json)",
            findings.len() - shown
        );
    }
    text
}

fn one(
    text: &mut String,
    name: &str,
    finding: &Finding,
    symbolizer: &Symbolizer,
    image: Option<&Image>,
) {
    let Finding {
        rule,
        function,
        address,
        state,
        message,
        hint,
        ..
    } = finding;
    let _ = writeln!(text, "{name}: {} ({}): {message}", rule.id(), rule.name());
    if let Some(start) = function {
        let function = symbolizer
            .function(*start)
            .unwrap_or_else(|| format!("{start:#x}"));
        let offset = address.wrapping_sub(*start);
        let _ = writeln!(text, "  function: {function} (+{offset:#x})");
    }
    if let Some(line) = symbolizer.line(*address) {
        let _ = writeln!(text, "  source:   {line}");
    }
    let code = image.and_then(|image| disassemble(image, function.unwrap_or(*address), *address));
    match code {
        Some(code) => text.push_str(&code),
        None => {
            let _ = writeln!(text, "  at {address:#x}: {}", finding.instruction);
        }
    }
    if !state.is_empty() {
        let _ = writeln!(text, "  state:    {state}");
    }
    if !hint.is_empty() {
        let _ = writeln!(text, "  hint:     {hint}");
    }
    let _ = writeln!(text, "  rule:     privbox explain {}", rule.id());
}

/// The instructions around `address` in the function that starts at `start`.
fn disassemble(image: &Image, start: u64, address: u64) -> Option<String> {
    let from = usize::try_from(start.checked_sub(image.base)?).ok()?;
    let end = image
        .functions
        .iter()
        .find(|function| function.start == start)
        .map_or(address.saturating_add(64), |function| {
            function.start.saturating_add(function.size)
        });
    let to = usize::try_from(end.checked_sub(image.base)?)
        .ok()?
        .min(image.bytes.len());
    let code = image.bytes.get(from..to)?;
    let mut formatter = GasFormatter::new();
    let mut lines: Vec<(u64, String)> = Vec::new();
    for instruction in Decoder::with_ip(64, code, start, DecoderOptions::NONE) {
        let mut line = String::new();
        formatter.format(&instruction, &mut line);
        lines.push((instruction.ip(), line));
        let before = lines
            .len()
            .checked_sub(AROUND + 1)
            .and_then(|at| lines.get(at));
        if before.is_some_and(|(ip, _)| *ip > address) {
            break;
        }
    }
    // An address between instructions (a jump into the middle): the one before is shown.
    let at = lines.iter().rposition(|(ip, _)| *ip <= address)?;
    let shown = lines
        .iter()
        .enumerate()
        .skip(at.saturating_sub(AROUND))
        .take(2 * AROUND + 1);
    let mut text = String::new();
    for (index, (ip, line)) in shown {
        let mark = if index == at { ">" } else { " " };
        let _ = writeln!(text, "  {mark} {ip:#x}: {line}");
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::demangle;

    #[test]
    fn names_as_written() {
        assert_eq!(demangle("main.privbox"), "main");
        assert_eq!(
            demangle("_ZN2ns3fooEi.privbox.0123456789abcdef"),
            "ns::foo(int)"
        );
        assert_eq!(
            demangle("_ZN4core3fmt5write17h0123456789abcdefE.privbox"),
            "core::fmt::write"
        );
        assert_eq!(demangle("_Zgarbage"), "_Zgarbage");
    }
}
