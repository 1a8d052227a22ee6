//! Finds the manifest note.

use alloc::vec::Vec;
use core::ops::Range;

use object::LittleEndian as LE;
use object::elf::{self, FileHeader64, ProgramHeader64};
use object::read::elf::NoteIterator;

use super::ImageError;
use super::segments::Headers;
use crate::manifest::{self, ManifestError};

fn malformed(problem: &'static str) -> ImageError {
    ImageError::Malformed {
        what: "a note segment",
        problem,
    }
}

/// The file range of the manifest's descriptor. Fails if there is none, or more than one.
pub(super) fn locate(headers: &Headers<'_>) -> Result<Range<usize>, ImageError> {
    let mut segments: Vec<(Range<usize>, u64)> = Vec::new();
    for program in headers.of_type(elf::PT_NOTE) {
        segments.push(segment(program, headers.file.len())?);
    }
    segments.sort_by_key(|(range, _)| (range.start, range.end));
    // The same notes may be listed twice. Otherwise, overlaps would only hide notes, and could make
    // this loop quadratic.
    segments.dedup();
    if segments
        .windows(2)
        .any(|pair| pair[1].0.start < pair[0].0.end)
    {
        return Err(malformed("it overlaps another one"));
    }
    let (mut found, mut count) = (None, 0);
    for (range, align) in segments {
        let bytes = headers.file.get(range.clone()).unwrap_or_default();
        // Linkers may align a note to a page; only at 8 are its parts padded otherwise than to 4.
        let align = if align == 8 { 8 } else { 4 };
        let mut notes = NoteIterator::<FileHeader64<LE>>::new(LE, align, bytes)
            .map_err(|_| malformed("its alignment is neither 4 nor 8"))?;
        while let Some(note) = notes.next().map_err(|_| malformed("a note is cut short"))? {
            let is_manifest = note.name_bytes() == manifest::NOTE_NAME
                && note.n_type(LE).0 == manifest::NOTE_TYPE;
            if is_manifest {
                // Both are parts of the same file: the distance of their addresses is the offset.
                let at = note
                    .desc()
                    .as_ptr()
                    .addr()
                    .wrapping_sub(headers.file.as_ptr().addr());
                found = Some(at..at.saturating_add(note.desc().len()));
                count += 1;
            }
        }
    }
    match (found, count) {
        (None, _) => Err(ImageError::NoBox),
        (Some(range), 1) if range.len() == manifest::SIZE => Ok(range),
        (Some(range), 1) => Err(ManifestError::Size(range.len()).into()),
        (Some(_), count) => Err(ImageError::SeveralManifests(count)),
    }
}

/// A PT_NOTE's file range and alignment.
fn segment(
    program: &ProgramHeader64<LE>,
    file_size: usize,
) -> Result<(Range<usize>, u64), ImageError> {
    let start = program.p_offset.get(LE);
    let end = start.checked_add(program.p_filesz.get(LE));
    match (usize::try_from(start), end.map(usize::try_from)) {
        (Ok(start), Some(Ok(end))) if end <= file_size => Ok((start..end, program.p_align.get(LE))),
        _ => Err(malformed("it lies outside the file")),
    }
}
