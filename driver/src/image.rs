//! The linked file: its manifest is filled here, and what it may do is left to the verifier.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, anyhow, bail};
use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};
use privbox_verifier::features::Features;
use privbox_verifier::image::Image;
use privbox_verifier::manifest::{self, Manifest};
use privbox_verifier::verify::{self, Options, Report};

use crate::object::check::Requirements;

/// Name of the manifest's section.
const NOTE: &str = ".note.privbox";
/// `namesz`, `descsz`, `type`, then the name, padded: before the descriptor.
const NOTE_HEAD: usize = 12 + 8;

/// Fills the manifest of a linked file and verifies it. The report's findings are the caller's to
/// show; without `verify` there are none.
pub fn finish(
    bytes: &mut [u8],
    level: privbox_pass::Level,
    strength: privbox_pass::Strength,
    verify: bool,
) -> Result<Report> {
    let requirements = Requirements::new(level, strength);
    let (at, mut manifest) = describe(bytes, &requirements)?;
    write(bytes, at, &manifest)?;
    let mut image = Image::from_elf(bytes).map_err(|error| anyhow!("the linked file: {error}"))?;
    let options = Options {
        level: None,
        strength: None,
        check_digest: false,
        check_features: false,
    };
    let mut report = verify::verify(&image, &options);
    if !verify {
        report.findings.clear();
    }
    // The digest covers the features.
    manifest.features = report.features;
    image.features = report.features;
    manifest.digest = image.compute_digest();
    write(bytes, at, &manifest)?;
    Ok(report)
}

/// Reads the box's place from the section headers, which stripping (`-s`) leaves alone.
fn describe(bytes: &[u8], requirements: &Requirements) -> Result<(usize, Manifest)> {
    let file = object::File::parse(bytes).context("the linked file is not a readable ELF file")?;
    let range = |name: &str| {
        file.section_by_name(name)
            .map(|section| section.address()..section.address().saturating_add(section.size()))
    };
    let gate = range(".privbox.gate").ok_or_else(|| missing(".privbox.gate"))?;
    let text = range(".privbox.text").unwrap_or(gate.end..gate.end);
    let tables = range(".privbox.tables").ok_or_else(|| missing(".privbox.tables"))?;
    let functions = range(".privbox.funcs").unwrap_or(0..0);
    let map = range(".privbox.map").unwrap_or(0..0);
    let note = file.section_by_name(NOTE).ok_or_else(|| missing(NOTE))?;
    let (offset, size) = note.file_range().ok_or_else(|| missing(NOTE))?;
    if size < (NOTE_HEAD + manifest::SIZE) as u64 {
        bail!("the linked file's {NOTE} is too short: is libprivbox.a of another version?");
    }
    let manifest = Manifest {
        level: requirements.level,
        strength: requirements.strength,
        features: Features::default(),
        box_segment: gate.start..tables.end,
        text,
        tables,
        function_table: functions,
        translation_table: map,
        digest: [0; 32],
    };
    Ok((usize::try_from(offset)? + NOTE_HEAD, manifest))
}

fn missing(section: &str) -> anyhow::Error {
    anyhow!(
        "the linked file has no section {section}: a linker script of the program's own (-T), or a \
         libprivbox.a and privbox.ld of another version, may be the reason"
    )
}

fn write(bytes: &mut [u8], at: usize, manifest: &Manifest) -> Result<()> {
    let descriptor = manifest.to_bytes();
    let place = bytes
        .get_mut(at..at.saturating_add(descriptor.len()))
        .with_context(|| format!("{NOTE} lies outside the file"))?;
    place.copy_from_slice(&descriptor);
    Ok(())
}

/// Names (without `.privbox`) of the clones that the linker kept; `None` without a symbol table.
pub fn linked_clones(bytes: &[u8]) -> Result<Option<BTreeSet<String>>> {
    let file = object::File::parse(bytes).context("not a readable ELF file")?;
    if file.symbols().next().is_none() {
        return Ok(None);
    }
    let clones = file
        .symbols()
        .filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.is_definition())
        .filter_map(|symbol| symbol.name().ok())
        .filter_map(clone_of)
        .map(str::to_owned)
        .collect();
    Ok(Some(clones))
}

/// What the pass appends to a clone's symbol for the body of a function that calls `setjmp`.
const BODY: &str = ".cont";

/// Is it the body of a function that calls `setjmp` (docs/box-abi.md)? The clone itself is its driver.
pub fn is_body(symbol: &str) -> bool {
    symbol.ends_with(BODY) && clone_of(symbol).is_some()
}

/// The function that a clone's symbol is of: `f` for `f.privbox`, for `f.privbox.0123456789abcdef`, and for both with `.cont`.
pub fn clone_of(symbol: &str) -> Option<&str> {
    let symbol = symbol.strip_suffix(BODY).unwrap_or(symbol);
    if let Some(name) = symbol.strip_suffix(".privbox") {
        return Some(name);
    }
    let (name, hash) = symbol.rsplit_once(".privbox.")?;
    (hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_clones() {
        assert_eq!(clone_of("f.privbox"), Some("f"));
        assert_eq!(clone_of("f.privbox.0123456789abcdef"), Some("f"));
        assert_eq!(clone_of("f.privbox.cont"), Some("f"));
        assert_eq!(clone_of("f.privbox.0123456789abcdef.cont"), Some("f"));
        assert_eq!(clone_of("f.cont"), None);
        assert!(is_body("f.privbox.cont") && !is_body("f.privbox") && !is_body("f.cont"));
        assert_eq!(clone_of("f.privbox.normal"), None);
        assert_eq!(clone_of("f"), None);
    }

    #[test]
    fn corrupt_files_are_errors() {
        let level = privbox_pass::Level::Mask;
        let strength = privbox_pass::Strength::Architectural;
        assert!(finish(&mut b"\x7fELF".to_vec(), level, strength, true).is_err());
        assert!(finish(&mut [], level, strength, true).is_err());
    }
}
