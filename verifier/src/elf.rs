//! Reads linked ELF files, hostile ones too, into an [`Image`].
//!
//! Nothing here panics, recurses or takes more than linear time, whatever the bytes.

mod dynamic;
mod error;
mod note;
#[cfg(test)]
mod sample;
mod sections;
mod segments;
#[cfg(test)]
mod tests;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::Range;

use object::LittleEndian as LE;
use object::elf;

pub use error::ImageError;
pub use sections::box_layout;

use crate::gate::BOX_GATE_SIZE;
use crate::image::{Function, Image, Segment};
use crate::manifest::Manifest;
use segments::{Headers, Load, Memory, PAGE, share_page};

/// Size in bytes of an entry of the function table.
const FUNCTION_ENTRY: u64 = 8;
/// The box's `p_flags`.
const READ_EXECUTE: u32 = elf::PF_R.0 | elf::PF_X.0;

/// File range of the manifest's [`SIZE`](crate::manifest::SIZE) bytes, filled in or not.
pub fn locate_manifest(file: &[u8]) -> Result<Range<usize>, ImageError> {
    note::locate(&Headers::parse(file)?)
}

/// Reads an image.
pub(crate) fn read_image(file: &[u8]) -> Result<Image, ImageError> {
    let headers = Headers::parse(file)?;
    let note = note::locate(&headers)?;
    let manifest = Manifest::parse(&file[note.clone()])?;
    let memory = Memory::map(&headers)?;
    let is_loaded = |load: &Load| load.file.start <= note.start && note.end <= load.file.end;
    if !memory.loads.iter().any(is_loaded) {
        return Err(ImageError::ManifestNotLoaded);
    }
    // Only for files that the loader moves are the addresses below 2^16 no real ones.
    let is_fixed = headers.header.e_type.get(LE) == elf::ET_EXEC;
    if is_fixed && memory.loads.first().is_some_and(|load| load.start == 0) {
        return Err(ImageError::StartsAtZero);
    }
    check_ranges(&manifest)?;
    let bytes = box_bytes(&headers, &memory, &manifest.box_segment)?;
    let functions = functions(&memory, &manifest)?;
    let protected = dynamic::protect(&[
        (&manifest.box_segment, "the box"),
        (&manifest.function_table, "the function table"),
    ]);
    dynamic::check(&headers, &memory, &protected)?;
    let segments = memory.loads.iter().map(|load| Segment {
        start: load.start,
        size: load.end - load.start,
        flags: load.flags,
    });
    Ok(Image {
        base: manifest.box_segment.start,
        bytes: bytes.to_vec(),
        text: manifest.text,
        tables: manifest.tables,
        functions,
        segments: segments.collect(),
        level: manifest.level,
        strength: manifest.strength,
        features: manifest.features,
        digest: Some(manifest.digest).filter(|digest| *digest != [0; 32]),
    })
}

/// Gate, text and tables in this order, in whole pages (rule 1).
fn check_ranges(manifest: &Manifest) -> Result<(), ImageError> {
    let Manifest {
        box_segment,
        text,
        tables,
        function_table,
        translation_table,
        ..
    } = manifest;
    let refuse = |what, range: &Range<u64>, problem| {
        Err(ImageError::Range {
            what,
            start: range.start,
            end: range.end,
            problem,
        })
    };
    if !box_segment.start.is_multiple_of(PAGE) || !box_segment.end.is_multiple_of(PAGE) {
        return refuse("box", box_segment, "is not page aligned");
    }
    let after_gate = box_segment.start.checked_add(BOX_GATE_SIZE.into());
    if after_gate.is_none_or(|start| start > box_segment.end) {
        return refuse("box", box_segment, "has no room for the gate");
    }
    if Some(text.start) != after_gate {
        return refuse("text", text, "does not start right after the gate");
    }
    if text.start > text.end || text.end > box_segment.end {
        return refuse("text", text, "does not lie in the box");
    }
    if tables.start > tables.end || tables.start < text.end || tables.end > box_segment.end {
        return refuse(
            "tables range",
            tables,
            "does not lie between text and end of the box",
        );
    }
    if function_table.start > function_table.end {
        return refuse("function table", function_table, "ends before its start");
    }
    if !(function_table.end - function_table.start).is_multiple_of(FUNCTION_ENTRY) {
        return refuse("function table", function_table, "ends within an entry");
    }
    if translation_table.start > translation_table.end {
        return refuse(
            "translation table",
            translation_table,
            "ends before its start",
        );
    }
    Ok(())
}

/// The bytes of the load segment that is the box and nothing else (rule 1).
fn box_bytes<'a>(
    headers: &Headers<'a>,
    memory: &Memory<'a>,
    range: &Range<u64>,
) -> Result<&'a [u8], ImageError> {
    let refuse = |problem| {
        Err(ImageError::BoxSegment {
            start: range.start,
            problem,
        })
    };
    let Some(load) = memory.load_at(range.start) else {
        return refuse("that the manifest names is in no load segment");
    };
    if load.start != range.start || load.end != range.end {
        return refuse("shares its load segment with something else");
    }
    if load.flags != READ_EXECUTE {
        return refuse("is not mapped readable and executable, and nothing else");
    }
    if load.file.len() as u64 != load.end - load.start {
        return refuse("is longer in memory than in the file");
    }
    for program in headers.programs {
        let kind = program.p_type.get(LE);
        let (start, size) = (program.p_vaddr.get(LE), program.p_memsz.get(LE));
        // Thread-local storage is copied from its segment; the stack has a size but no address.
        let has_no_place = matches!(kind, elf::PT_NULL | elf::PT_TLS | elf::PT_GNU_STACK);
        let is_box = kind == elf::PT_LOAD && start == range.start && size != 0;
        let end = start.saturating_add(size);
        if !has_no_place && !is_box && share_page(start..end, range) {
            let what = describe(kind);
            return Err(ImageError::BoxOverlap {
                what,
                start,
                size,
                box_start: range.start,
            });
        }
    }
    match memory.bytes_at(range.start, range.end - range.start) {
        Some(bytes) => Ok(bytes),
        None => refuse("is not in the file"),
    }
}

fn describe(kind: elf::ProgramType) -> String {
    match kind {
        elf::PT_LOAD => "another load segment".to_string(),
        elf::PT_GNU_RELRO => "the segment that becomes read-only (PT_GNU_RELRO)".to_string(),
        elf::PT_DYNAMIC => "the dynamic section (PT_DYNAMIC)".to_string(),
        other => format!("a program header of type {:#x}", other.0),
    }
}

/// The function table: file data that can change neither by a write nor by another mapping.
fn functions(memory: &Memory<'_>, manifest: &Manifest) -> Result<Vec<Function>, ImageError> {
    let range = &manifest.function_table;
    if range.is_empty() {
        return Ok(Vec::new());
    }
    let refuse = |problem| {
        Err(ImageError::Range {
            what: "function table",
            start: range.start,
            end: range.end,
            problem,
        })
    };
    let Some(load) = memory.load_at(range.start) else {
        return refuse("is in no load segment");
    };
    if load.is_writable() || load.start == manifest.box_segment.start {
        return refuse("is in a writable segment, or in the box");
    }
    let Some(bytes) = memory.bytes_at(range.start, range.end - range.start) else {
        return refuse("is not in the file data of one load segment");
    };
    if memory
        .loads
        .iter()
        .any(|other| other != load && other.shares_page(range))
    {
        return refuse("shares a page with another load segment");
    }
    let entries = bytes.chunks_exact(FUNCTION_ENTRY as usize).zip(0..);
    let functions = entries.map(|(entry, index): (&[u8], u64)| {
        let field = |at: usize| entry.get(at..at + 4)?.try_into().ok();
        let distance = i32::from_le_bytes(field(0)?);
        let address = range.start + index * FUNCTION_ENTRY;
        let start = address.checked_add_signed(distance.into())?;
        Some(Function {
            start,
            size: u32::from_le_bytes(field(4)?).into(),
        })
    });
    match functions.collect() {
        Some(functions) => Ok(functions),
        None => refuse("names an address that does not exist"),
    }
}
