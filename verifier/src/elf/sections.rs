//! Where the linker put the parts of a box, from section headers: for filling in the manifest.
//!
//! Nothing that is verified depends on this: the manifest that results is checked like any other.

use core::ops::Range;

use object::LittleEndian as LE;
use object::elf::{self, SectionHeader64};
use object::read::elf::FileHeader;

use super::ImageError;
use super::segments::{Headers, PAGE};
use crate::manifest::Manifest;

fn malformed(problem: &'static str) -> ImageError {
    ImageError::Malformed {
        what: "the section header table",
        problem,
    }
}

/// A manifest that has the ranges of a linked file and defaults for everything else. `NoBox` if the
/// file has none of the box's sections.
pub fn box_layout(file: &[u8]) -> Result<Manifest, ImageError> {
    let headers = Headers::parse(file)?;
    let sections = Sections::read(&headers)?;
    let gate = sections.find(b".privbox.gate\0")?;
    let text = sections.find(b".privbox.text\0")?;
    let tables = sections.find(b".privbox.tables\0")?;
    if gate.is_none() && text.is_none() {
        return Err(ImageError::NoBox);
    }
    let gate = gate.ok_or(malformed(
        "there is code for a box but no section .privbox.gate: link libprivbox.a",
    ))?;
    let text = text.unwrap_or(gate.end..gate.end);
    let tables = tables.unwrap_or(text.end..text.end);
    let end = tables.end.max(text.end).checked_next_multiple_of(PAGE);
    Ok(Manifest {
        box_segment: gate.start..end.ok_or(malformed("the box ends beyond the address space"))?,
        text,
        tables,
        function_table: sections.find(b".privbox.funcs\0")?.unwrap_or_default(),
        translation_table: sections.find(b".privbox.map\0")?.unwrap_or_default(),
        ..Manifest::default()
    })
}

struct Sections<'a> {
    headers: &'a [SectionHeader64<LE>],
    names: &'a [u8],
}

impl<'a> Sections<'a> {
    fn read(headers: &Headers<'a>) -> Result<Self, ImageError> {
        let (header, file) = (headers.header, headers.file);
        let sections = header
            .section_headers(LE, file)
            .map_err(|_| malformed("it lies outside the file or has entries of another size"))?;
        if sections.is_empty() {
            return Err(malformed(
                "there is none; link without --strip-section-headers",
            ));
        }
        let names = header
            .shstrndx(LE, file)
            .ok()
            .and_then(|index| sections.get(usize::try_from(index).ok()?))
            .and_then(|section| {
                let start = usize::try_from(section.sh_offset.get(LE)).ok()?;
                let size = usize::try_from(section.sh_size.get(LE)).ok()?;
                file.get(start..start.checked_add(size)?)
            })
            .ok_or(malformed("the sections' names lie outside the file"))?;
        Ok(Self {
            headers: sections,
            names,
        })
    }

    /// The addresses of the allocated section of this name (with its NUL).
    fn find(&self, name: &[u8]) -> Result<Option<Range<u64>>, ImageError> {
        let is_it = |section: &&SectionHeader64<LE>| {
            section.sh_flags.get(LE).0 & elf::SHF_ALLOC.0 != 0
                && usize::try_from(section.sh_name.get(LE))
                    .ok()
                    .and_then(|start| self.names.get(start..))
                    .is_some_and(|names| names.starts_with(name))
        };
        let mut found = self.headers.iter().filter(is_it);
        let Some(section) = found.next() else {
            return Ok(None);
        };
        if found.next().is_some() {
            return Err(malformed(
                "a section of the box occurs twice: link with privbox.ld",
            ));
        }
        let start = section.sh_addr.get(LE);
        let end = start.checked_add(section.sh_size.get(LE));
        Ok(Some(
            start..end.ok_or(malformed("a section ends beyond the address space"))?,
        ))
    }
}
