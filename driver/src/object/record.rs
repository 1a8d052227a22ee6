//! The unit's record as an object file.

use anyhow::{Context as _, Result};
use object::write::Object;
use object::{Architecture, BinaryFormat, Endianness, SectionFlags, SectionKind, elf};
use privbox_pass::UnitRecord;

/// Name of the section; not allocated, so it costs the program nothing at run time.
pub const SECTION: &str = ".privbox.unit";

/// How the unit names of the runtime library begin. It is compiled for the strictest level and
/// strength and goes into images of all.
pub const RUNTIME: &str = "libprivbox/";

/// An object with nothing but the record.
pub fn object(record: &UnitRecord) -> Result<Vec<u8>> {
    let line = record.to_line().context("cannot write the unit record")?;
    let mut object = Object::new(BinaryFormat::Elf, Architecture::X86_64, Endianness::Little);
    let section = object.add_section(Vec::new(), SECTION.into(), SectionKind::Other);
    object.section_mut(section).flags = SectionFlags::Elf {
        sh_type: elf::SHT_PROGBITS,
        sh_flags: elf::SectionFlags(0),
    };
    object.append_section_data(section, line.as_bytes(), 1);
    let stack = object.add_section(Vec::new(), b".note.GNU-stack".into(), SectionKind::Other);
    object.section_mut(stack).flags = SectionFlags::Elf {
        sh_type: elf::SHT_PROGBITS,
        sh_flags: elf::SectionFlags(0),
    };
    object.write().context("cannot write the unit record")
}
