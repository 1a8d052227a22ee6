//! Libraries: archives whose bitcode members become objects with both halves.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use ar_archive_writer::{
    ArchiveKind, DEFAULT_OBJECT_READER, NewArchiveMember, write_archive_to_stream,
};
use object::read::archive::ArchiveFile;
use object::{Object as _, ObjectSection as _};

use super::unit::{self, Unit};
use crate::temporary::{AtomicOutput, Scratch};
use crate::wrapper::{Context, Failure, report};

/// The section in which rustc embeds bitcode.
const EMBEDDED: &str = ".llvmbc";

/// How a member comes by its box half.
enum Source {
    /// Kept as it is: metadata, foreign objects, crates without bitcode.
    AsIs(Vec<u8>),
    /// Bitcode, to be compiled.
    Bitcode(Vec<u8>),
}

/// Does the archive hold members that are bitcode? (Embedded bitcode does not count: such
/// members are objects, and are taken for what they are unless asked otherwise.)
pub fn has_bitcode(bytes: &[u8]) -> bool {
    let Ok(archive) = ArchiveFile::parse(bytes) else {
        return false;
    };
    archive
        .members()
        .filter_map(Result::ok)
        .filter_map(|member| member.data(bytes).ok())
        .any(unit::is_bitcode)
}

/// Does a library of rustc's carry bitcode beside its machine code?
pub fn has_embedded_bitcode(library: &Path) -> Result<bool> {
    let shown = || format!("'{}'", library.display());
    let bytes = fs::read(library).with_context(shown)?;
    let archive = ArchiveFile::parse(&*bytes).with_context(shown)?;
    Ok(archive
        .members()
        .filter_map(Result::ok)
        .filter_map(|member| member.data(&*bytes).ok())
        .any(|data| matches!(source(data, true), Source::Bitcode(_))))
}

/// Writes `input` to `output` with every bitcode member compiled. `embedded`: also those whose bitcode is
/// embedded beside machine code, which is dropped.
pub fn convert(
    context: &Context,
    input: &Path,
    output: &Path,
    unit: &Unit<'_>,
    embedded: bool,
) -> Result<(), Failure> {
    let shown = || format!("'{}'", input.display());
    let bytes = fs::read(input).with_context(shown)?;
    let archive = ArchiveFile::parse(&*bytes).with_context(shown)?;
    let mut members = Vec::new();
    for member in archive.members() {
        let member = member.with_context(shown)?;
        let name = String::from_utf8_lossy(member.name()).into_owned();
        let data = member.data(&*bytes).with_context(shown)?;
        members.push((name, source(data, embedded)));
    }
    let scratch = Scratch::new().context("cannot make a temporary folder")?;
    let several = members
        .iter()
        .filter(|(_, source)| matches!(source, Source::Bitcode(_)))
        .count()
        > 1;
    let mut written = Vec::new();
    let mut records = Vec::new();
    for (index, (name, source)) in members.into_iter().enumerate() {
        let data = match source {
            Source::AsIs(data) => data,
            Source::Bitcode(bitcode) => {
                let mut unit = Unit {
                    identity: format!("{}:{name}", unit.identity),
                    part: Some(name.clone()),
                    ..unit.clone()
                };
                if several {
                    let member = name.strip_suffix(".rcgu.o").unwrap_or(&name);
                    unit.name = format!("{}({member})", unit.name);
                }
                let object = scratch.path(&format!("{index}.o"));
                records.push(unit::compile(context, &bitcode, &unit, &object)?);
                fs::read(&object).context("cannot read an object")?
            }
        };
        written.push((name, data));
    }
    write(written, output, &scratch)?;
    if let Some(file) = &context.options.report {
        report::units(file, unit.output, &records)?;
    }
    Ok(())
}

/// An archive of one member, compiled from bitcode.
pub fn one(
    context: &Context,
    bitcode: &[u8],
    output: &Path,
    unit: &Unit<'_>,
) -> Result<(), Failure> {
    let scratch = Scratch::new().context("cannot make a temporary folder")?;
    let object = scratch.path("member.o");
    unit::compile(context, bitcode, unit, &object)?;
    let data = fs::read(&object).context("cannot read an object")?;
    Ok(write(
        vec![("member.o".to_owned(), data)],
        output,
        &scratch,
    )?)
}

fn write(members: Vec<(String, Vec<u8>)>, output: &Path, scratch: &Scratch) -> Result<()> {
    let cannot = || format!("cannot write '{}'", output.display());
    let members: Vec<NewArchiveMember<'_>> = members
        .into_iter()
        .map(|(name, data)| NewArchiveMember {
            buf: Box::new(data),
            object_reader: &DEFAULT_OBJECT_READER,
            member_name: name,
            mtime: 0,
            uid: 0,
            gid: 0,
            perms: 0o644,
        })
        .collect();
    let mut bytes = std::io::Cursor::new(Vec::new());
    write_archive_to_stream(&mut bytes, &members, ArchiveKind::Gnu, false, None)
        .with_context(cannot)?;
    let atomic = AtomicOutput::new(output, scratch).with_context(cannot)?;
    fs::write(atomic.path(), bytes.into_inner()).with_context(cannot)?;
    atomic.commit().with_context(cannot)
}

fn source(data: &[u8], embedded: bool) -> Source {
    if unit::is_bitcode(data) {
        return Source::Bitcode(data.to_vec());
    }
    if embedded
        && let Ok(file) = object::File::parse(data)
        && let Some(section) = file.section_by_name(EMBEDDED)
        && let Ok(bitcode) = section.data()
        && unit::is_bitcode(bitcode)
    {
        return Source::Bitcode(bitcode.to_vec());
    }
    Source::AsIs(data.to_vec())
}
