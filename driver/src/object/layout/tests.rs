//! Relocations of the pseudo-link, by hand-made objects.

use object::write::{Object, Relocation, SectionId, Symbol, SymbolId, SymbolSection};
use object::{
    Architecture, BinaryFormat, Endianness, RelocationFlags, SectionKind, SymbolFlags, SymbolKind,
    SymbolScope, elf,
};

use super::*;

struct Unit {
    object: Object<'static>,
    text: SectionId,
}

impl Unit {
    fn new(code: &[u8]) -> Self {
        let mut object = Object::new(BinaryFormat::Elf, Architecture::X86_64, Endianness::Little);
        let text = object.add_section(Vec::new(), b".privbox.text.f".into(), SectionKind::Text);
        object.append_section_data(text, code, 16);
        let mut unit = Self { object, text };
        let f = unit.symbol("f.privbox", SymbolKind::Text, SymbolSection::Section(text));
        let table = unit.object.add_section(
            Vec::new(),
            b".privbox.funcs.f".into(),
            SectionKind::ReadOnlyData,
        );
        let mut entry = [0; 8];
        entry[4] = code.len() as u8;
        unit.object.append_section_data(table, &entry, 4);
        unit.relocate(table, 0, f, elf::R_X86_64_PC32, 0);
        unit
    }

    fn symbol(&mut self, name: &str, kind: SymbolKind, section: SymbolSection) -> SymbolId {
        self.object.add_symbol(Symbol {
            name: name.into(),
            value: 0,
            size: 0,
            kind,
            scope: SymbolScope::Linkage,
            weak: false,
            section,
            flags: SymbolFlags::None,
        })
    }

    fn relocate(
        &mut self,
        section: SectionId,
        offset: u64,
        symbol: SymbolId,
        r_type: elf::RelocationType,
        addend: i64,
    ) {
        let flags = RelocationFlags::Elf { r_type };
        self.object
            .add_relocation(
                section,
                Relocation {
                    offset,
                    symbol,
                    addend,
                    flags,
                },
            )
            .unwrap();
    }

    /// A unit whose function is one field, relocated.
    fn field(name: &str, r_type: elf::RelocationType, addend: i64) -> Self {
        let mut unit = Self::new(&[0; 8]);
        let kind = if name == "tls" {
            SymbolKind::Tls
        } else {
            SymbolKind::Unknown
        };
        let symbol = unit.symbol(name, kind, SymbolSection::Undefined);
        unit.relocate(unit.text, 0, symbol, r_type, addend);
        unit
    }

    fn lay_out(&self) -> Result<Layout, LayoutError> {
        lay_out(&self.object.write().unwrap())
    }
}

const TEXT: u64 = BASE + 0x4000;

fn word(layout: &Layout, address: u64) -> i32 {
    let at = (address - BASE) as usize;
    i32::from_le_bytes(layout.bytes[at..at + 4].try_into().unwrap())
}

/// What a PC-relative field at the text's start leads to.
fn target(layout: &Layout) -> u64 {
    TEXT.wrapping_add_signed(word(layout, TEXT).into())
        .wrapping_add(4)
}

#[test]
fn functions_come_from_the_function_table() {
    let layout = Unit::new(&[0xc3, 0xcc]).lay_out().unwrap();
    assert_eq!(layout.functions[0], (TEXT, 2, "f.privbox".to_owned()));
    // The stubs for clones of other units are some, too.
    assert_eq!(layout.functions[1], (TEXT + 16, 16, String::new()));
    assert_eq!(layout.functions[2], (TEXT + 32, 16, String::new()));
    assert_eq!(layout.text_end, TEXT + 48);
    assert_eq!(layout.bytes.len() % 0x1000, 0);
}

#[test]
fn calls_lead_to_stubs_and_gate_entries() {
    for (name, expected) in [
        ("g.privbox", TEXT + 16),
        ("g.privbox.0123456789abcdef", TEXT + 16),
        ("memcpy.privbox", TEXT + 32),
        ("__privbox_gate_callout", BASE + 0x1c0),
        ("__x86_indirect_thunk_r11", BASE + 0x140),
    ] {
        let layout = Unit::field(name, elf::R_X86_64_PLT32, -4)
            .lay_out()
            .unwrap();
        assert_eq!(target(&layout), expected, "{name}");
    }
}

/// The linker may take another unit's definition of the same name: nothing is known of how deep that goes.
#[test]
fn calls_of_weak_definitions_lead_to_the_stub() {
    for (weak, expected) in [(false, TEXT), (true, TEXT + 16)] {
        let mut unit = Unit::new(&[0; 8]);
        let symbol = unit.object.add_symbol(Symbol {
            name: b"g.privbox".to_vec(),
            value: 0,
            size: 0,
            kind: SymbolKind::Text,
            scope: SymbolScope::Linkage,
            weak,
            section: SymbolSection::Section(unit.text),
            flags: SymbolFlags::None,
        });
        unit.relocate(unit.text, 0, symbol, elf::R_X86_64_PLT32, -4);
        assert_eq!(target(&unit.lay_out().unwrap()), expected, "{weak}");
    }
}

#[test]
fn data_and_got_slots_lie_in_the_data_segment() {
    for r_type in [
        elf::R_X86_64_PC32,
        elf::R_X86_64_GOTPCREL,
        elf::R_X86_64_REX_GOTPCRELX,
        elf::R_X86_64_GOTTPOFF,
    ] {
        let layout = Unit::field("data", r_type, -4).lay_out().unwrap();
        assert!(
            (DATA..DATA + DATA_SIZE).contains(&target(&layout)),
            "{r_type:?}"
        );
    }
    let layout = Unit::field("data", elf::R_X86_64_32S, 0).lay_out().unwrap();
    assert!((DATA..DATA + DATA_SIZE).contains(&(word(&layout, TEXT) as u64)));
}

#[test]
fn thread_locals_have_a_negative_offset() {
    let layout = Unit::field("tls", elf::R_X86_64_TPOFF32, 16)
        .lay_out()
        .unwrap();
    assert_eq!(i64::from(word(&layout, TEXT)), THREAD_LOCAL + 16);
}

#[test]
fn tables_hold_distances_to_the_text() {
    let mut unit = Unit::new(&[0xc3, 0xcc]);
    let table = unit
        .object
        .add_section(Vec::new(), b".privbox.tables.f".into(), SectionKind::Text);
    unit.object.append_section_data(table, &[0; 8], 4);
    let text = unit.object.section_symbol(unit.text);
    // The second entry, `target - table`: PC32 with the entry's own offset added.
    unit.relocate(table, 4, text, elf::R_X86_64_PC32, 4 + 1);
    let layout = unit.lay_out().unwrap();
    assert_eq!(layout.tables.end - layout.tables.start, 8);
    let distance = i64::from(word(&layout, layout.tables.start + 4));
    assert_eq!(layout.tables.start.wrapping_add_signed(distance), TEXT + 1);
}

#[test]
fn what_cannot_be_linked_is_an_error_that_names_the_place() {
    let error = Unit::field("data", elf::R_X86_64_COPY, 0)
        .lay_out()
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(".privbox.text.f") && error.contains("'data'"),
        "{error}"
    );
    let error = Unit::field("data", elf::R_X86_64_PC32, i64::MAX)
        .lay_out()
        .unwrap_err();
    assert!(error.to_string().contains("does not reach"), "{error}");
    let mut unit = Unit::new(&[0xc3, 0xcc]);
    let symbol = unit.symbol("data", SymbolKind::Unknown, SymbolSection::Undefined);
    unit.relocate(unit.text, 1, symbol, elf::R_X86_64_PC32, 0);
    assert!(
        unit.lay_out()
            .unwrap_err()
            .to_string()
            .contains("outside its section")
    );
    assert!(lay_out(b"").is_err());
    assert!(lay_out(b"\x7fELF\x02\x01\x01").is_err());
}
