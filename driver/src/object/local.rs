//! Symbols of one unit become local once its halves are joined.
//!
//! What the normal and the box half share has global symbols, with the unit's hash in their names. Two objects
//! can be the same all the same: one source in two folders, or the copy that a compiler cache gives. As in
//! any object, what is internal to it must not meet another's.

use super::raw::{Elf, RawError};

/// Makes the symbols that carry this hash local: `NAME.pb.HASH`, `NAME.privbox.HASH` and `NAME.privbox.HASH.cont`.
pub fn localize(bytes: &mut [u8], hash: &str) -> Result<(), RawError> {
    let endings = [format!(".pb.{hash}"), format!(".privbox.{hash}")];
    Elf::parse(bytes)?.localize(|name| {
        let name = name.strip_suffix(".cont").unwrap_or(name);
        endings.iter().any(|ending| name.ends_with(ending))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::write::{Object, Relocation, StandardSegment, Symbol, SymbolSection};
    use object::{
        Architecture, BinaryFormat, Endianness, Object as _, ObjectSection as _, ObjectSymbol as _,
        RelocationEncoding, RelocationFlags, RelocationKind, RelocationTarget, SectionKind,
        SymbolFlags, SymbolKind, SymbolScope,
    };

    const HASH: &str = "0123456789abcdef";

    /// Global symbols in this order, each an 8-byte word, and one relocation to each.
    fn sample(names: &[&str]) -> Vec<u8> {
        let mut file = Object::new(BinaryFormat::Elf, Architecture::X86_64, Endianness::Little);
        let data = file.add_section(
            file.segment_name(StandardSegment::Data).to_vec(),
            b".data".to_vec(),
            SectionKind::Data,
        );
        for (index, name) in names.iter().enumerate() {
            let defined = !name.starts_with("undefined");
            let symbol = file.add_symbol(Symbol {
                name: name.as_bytes().to_vec(),
                value: 8 * index as u64,
                size: 8,
                kind: SymbolKind::Data,
                scope: SymbolScope::Dynamic,
                weak: false,
                section: if defined {
                    SymbolSection::Section(data)
                } else {
                    SymbolSection::Undefined
                },
                flags: SymbolFlags::None,
            });
            file.append_section_data(data, &[0; 8], 8);
            let relocation = Relocation {
                offset: 8 * index as u64,
                symbol,
                addend: 0,
                flags: RelocationFlags::Generic {
                    kind: RelocationKind::Absolute,
                    encoding: RelocationEncoding::Generic,
                    size: 64,
                },
            };
            file.add_relocation(data, relocation)
                .expect("a relocation of the test");
        }
        file.write().expect("the test's object")
    }

    #[test]
    fn symbols_move_and_relocations_follow() {
        let names = [
            "f".to_owned(),
            format!("f.privbox.{HASH}"),
            "g.privbox".to_owned(),
            format!("x.pb.{HASH}"),
            format!("undefined.pb.{HASH}"),
            "y.pb.ffffffffffffffff".to_owned(),
            format!("h.privbox.{HASH}.cont"),
        ];
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut bytes = sample(&names);
        localize(&mut bytes, HASH).expect("a well-formed object");
        let file = object::File::parse(&*bytes).expect("still an object");
        for (index, name) in names.iter().enumerate() {
            let local = matches!(index, 1 | 3 | 6);
            let symbol = file
                .symbols()
                .find(|symbol| symbol.name() == Ok(name))
                .expect(name);
            assert_eq!(symbol.is_local() && !symbol.is_undefined(), local, "{name}");
            if index != 4 {
                assert_eq!(symbol.address(), 8 * index as u64, "{name}");
            }
        }
        let data = file.section_by_name(".data").expect("the data");
        let targets: Vec<&str> = data
            .relocations()
            .map(|(_, relocation)| match relocation.target() {
                RelocationTarget::Symbol(symbol) => file
                    .symbol_by_index(symbol)
                    .and_then(|symbol| symbol.name())
                    .expect("a name"),
                _ => "",
            })
            .collect();
        assert_eq!(targets, names);
        // Local symbols come first, and the table says how many they are.
        let kinds: Vec<bool> = file.symbols().map(|symbol| symbol.is_local()).collect();
        let first = kinds.iter().position(|local| !local).unwrap_or(kinds.len());
        assert!(kinds[first..].iter().all(|local| !local));
    }

    #[test]
    fn corrupt_objects_are_errors() {
        let good = sample(&["f", "g.pb.0123456789abcdef"]);
        for length in [0, 10, 64, good.len() / 2] {
            assert!(
                localize(&mut good[..length].to_vec(), HASH).is_err(),
                "{length}"
            );
        }
        // No byte may make it panic.
        for at in 0..good.len() {
            for value in [0, 0x7f, 0xff] {
                let mut bytes = good.clone();
                bytes[at] = value;
                let _ = localize(&mut bytes, HASH);
            }
        }
    }
}
