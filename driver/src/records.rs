//! Unit records, read back from objects, archives and executables.

use std::fs;
use std::io::Read;
use std::path::Path;

use anyhow::{Context as _, Result};
use object::{Object, ObjectSection};
use privbox_pass::UnitRecord;

use crate::object::record::SECTION;

/// What a file says about the box.
#[derive(Debug, Default)]
pub struct Found {
    /// Whether it has any section of the box.
    pub box_code: bool,
    /// The records of its units.
    pub units: Vec<UnitRecord>,
    /// Whether it claims to be an ELF file and cannot be read as one.
    pub corrupt: bool,
}

/// Reads a linker input: a relocatable object or an archive of them. Anything else has nothing to
/// say; what is corrupt is the linker's to complain about.
pub fn of_input(path: &Path) -> Found {
    let mut found = Found::default();
    let Ok(mut file) = fs::File::open(path) else {
        return found;
    };
    // Not a device, not a pipe that the linker wants to read.
    if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return found;
    }
    let mut magic = [0; 8];
    if file.read_exact(&mut magic).is_err() {
        return found;
    }
    let archive = magic == *b"!<arch>\n";
    if !archive && magic != *b"!<thin>\n" && !magic.starts_with(b"\x7fELF") {
        return found;
    }
    let Ok(bytes) = fs::read(path) else {
        return found;
    };
    if magic.starts_with(b"\x7fELF") {
        add_object(&mut found, &bytes);
        return found;
    }
    let Ok(members) = object::read::archive::ArchiveFile::parse(&*bytes) else {
        return found;
    };
    for member in members.members().filter_map(Result::ok) {
        if members.is_thin() {
            let name = String::from_utf8_lossy(member.name()).into_owned();
            let beside = path.parent().unwrap_or(Path::new(".")).join(name);
            if let Ok(bytes) = fs::read(beside) {
                add_object(&mut found, &bytes);
            }
        } else if let Ok(bytes) = member.data(&*bytes) {
            add_object(&mut found, bytes);
        }
    }
    found
}

fn add_object(found: &mut Found, bytes: &[u8]) {
    let Ok(file) = object::File::parse(bytes) else {
        found.corrupt |= bytes.starts_with(b"\x7fELF");
        return;
    };
    if !crate::object::layout::is_relocatable(bytes) {
        return;
    }
    for section in file.sections() {
        let Ok(name) = section.name() else { continue };
        found.box_code |= name.starts_with(".privbox.");
        if name == SECTION
            && let Ok(data) = section.data()
        {
            found.units.extend(lines(data));
        }
    }
}

/// The records of a linked file.
pub fn of_executable(bytes: &[u8]) -> Result<Vec<UnitRecord>> {
    let file = object::File::parse(bytes).context("not a readable ELF file")?;
    let Some(section) = file.section_by_name(SECTION) else {
        return Ok(Vec::new());
    };
    let data = section
        .data()
        .with_context(|| format!("{SECTION} lies outside the file"))?;
    Ok(lines(data).collect())
}

/// Records in a section; a line that is none (another version's) is left out.
fn lines(data: &[u8]) -> impl Iterator<Item = UnitRecord> {
    // Linkers may pad between the units' parts.
    data.split(|&byte| byte == b'\n' || byte == 0)
        .filter(|line| !line.is_empty())
        .filter_map(|line| serde_json::from_slice(line).ok())
}
