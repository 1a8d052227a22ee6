//! One thing broken at a time.

use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use super::sample::*;
use super::*;
use crate::manifest::{Level, ManifestError};
use crate::rule::Rule;
use crate::verify::Options;

fn read(change: impl FnOnce(&mut Sample)) -> Result<Image, ImageError> {
    let mut sample = Sample::new();
    change(&mut sample);
    Image::from_elf(&sample.build())
}

fn refused(change: impl FnOnce(&mut Sample)) -> ImageError {
    let error = read(change).expect_err("must be refused");
    assert!(!error.to_string().is_empty());
    error
}

fn dynamic(dynamic: &[(u64, u64)], relocations: &[u64]) -> Result<Image, ImageError> {
    let with_end = [dynamic, &[(0, 0)]].concat();
    Image::from_elf(&Sample::with_dynamic(&with_end, relocations).build())
}

#[test]
fn reads_what_is_there() {
    let image = read(|_| {}).expect("in order");
    assert_eq!(image.base, BOX);
    assert_eq!(image.bytes.len() as u64, END - BOX);
    assert_eq!(image.text, TEXT..TEXT + 0x1000);
    let functions = [(TEXT, 16), (TEXT + 32, 16)].map(|(start, size)| Function { start, size });
    assert_eq!(image.functions, functions);
    assert_eq!(image.segments.len(), 3);
    assert_eq!(image.digest, None);
    assert_eq!(image.bytes_at(TEXT..TEXT + 1), Some([0xcc].as_slice()));
    let at = locate_manifest(&Sample::new().build()).expect("in order");
    assert_eq!(
        Manifest::parse(&Sample::new().build()[at]),
        Ok(Sample::new().manifest)
    );
}

#[test]
fn not_executables() {
    assert!(matches!(
        Image::from_elf(b""),
        Err(ImageError::NotExecutable(_))
    ));
    assert!(matches!(
        Image::from_elf(b"#!/bin/sh\n"),
        Err(ImageError::NotExecutable(_))
    ));
    assert!(matches!(
        refused(|s| s.machine = 3),
        ImageError::NotExecutable(_)
    ));
    assert!(matches!(
        refused(|s| s.kind = 1),
        ImageError::NotExecutable(_)
    ));
    assert_eq!(refused(|s| s.kind = 1).rule(), None);
    assert!(read(|s| s.kind = 3).is_ok());
}

#[test]
fn manifests() {
    assert_eq!(refused(|s| s.programs.truncate(AT_NOTE)), ImageError::NoBox);
    assert_eq!(
        refused(|s| {
            s.notes = 2;
            s.programs[AT_NOTE].in_file *= 2;
        }),
        ImageError::SeveralManifests(2)
    );
    // Listed twice, it is still one.
    assert!(read(|s| s.programs.push(s.programs[AT_NOTE])).is_ok());
    let overlapping = refused(|s| {
        let mut note = s.programs[AT_NOTE];
        note.offset += 4;
        s.programs.push(note);
    });
    assert!(matches!(
        overlapping,
        ImageError::Malformed {
            what: "a note segment",
            ..
        }
    ));
    // Page aligned, as a linker script may have it.
    assert!(read(|s| s.programs[AT_NOTE].align = 0x1000).is_ok());
    assert!(matches!(
        refused(|s| s.programs[AT_NOTE].in_file -= 1),
        ImageError::Malformed { .. }
    ));
    for offset in [u64::MAX, 1 << 40] {
        assert!(matches!(
            refused(|s| s.programs[AT_NOTE].offset = offset),
            ImageError::Malformed { .. }
        ));
    }
    let not_loaded = refused(|s| {
        s.programs[AT_DATA].offset = 0x800;
        s.programs[AT_DATA].address += 0x800;
        s.programs[AT_DATA].in_file -= 0x800;
        s.programs[AT_DATA].in_memory -= 0x800;
    });
    assert_eq!(not_loaded, ImageError::ManifestNotLoaded);
    let mut file = Sample::new().build();
    let at = locate_manifest(&file).expect("in order");
    file[at.start..at.end].fill(0);
    assert_eq!(locate_manifest(&file), Ok(at.clone()));
    assert_eq!(
        Image::from_elf(&file),
        Err(ImageError::Manifest(ManifestError::NotFilled))
    );
    file[at.start] = 2;
    assert_eq!(
        Image::from_elf(&file),
        Err(ImageError::Manifest(ManifestError::Version(2)))
    );
}

#[test]
fn ranges_of_the_manifest() {
    let changes: [fn(&mut Manifest); 13] = [
        |m| m.box_segment.start += 16,
        |m| m.box_segment.end -= 16,
        |m| m.box_segment = 0u64.wrapping_sub(0x1000)..0,
        |m| m.box_segment.end = m.box_segment.start + 0x3000,
        |m| m.text.start += 16,
        |m| m.text.end = m.text.start - 1,
        |m| m.text.end = u64::MAX,
        |m| m.tables.start -= 16,
        |m| m.tables.end = m.box_segment.end + 1,
        |m| m.tables.end = m.tables.start - 1,
        |m| m.function_table.end += 4,
        |m| m.function_table.end = m.function_table.start - 8,
        |m| m.translation_table.start = 8,
    ];
    for (index, change) in changes.iter().enumerate() {
        let error = refused(|s| change(&mut s.manifest));
        assert!(
            matches!(error, ImageError::Range { .. }),
            "{index}: {error}"
        );
        assert_eq!(error.rule(), Some(Rule::R1));
    }
}

#[test]
fn box_segments() {
    let changes: [fn(&mut Sample); 6] = [
        |s| s.programs[AT_BOX].flags = 7,
        |s| s.programs[AT_BOX].flags = 1,
        |s| s.programs[AT_BOX].in_file -= 1,
        |s| s.programs[AT_BOX].in_memory += 0x1000,
        |s| s.manifest.box_segment.end += 0x1000,
        |s| s.programs[AT_BOX].kind = PT_TLS,
    ];
    for (index, change) in changes.iter().enumerate() {
        let error = refused(change);
        assert!(
            matches!(error, ImageError::BoxSegment { .. }),
            "{index}: {error}"
        );
    }
}

#[test]
fn load_segments() {
    let malformed: [fn(&mut Sample); 4] = [
        |s| s.programs[AT_BOX].in_file += 0x1000,
        |s| s.programs[AT_WRITABLE].offset = 0u64.wrapping_sub(0x1000),
        |s| s.programs[AT_WRITABLE].in_memory = u64::MAX,
        |s| s.programs[AT_BOX].offset += 16,
    ];
    for change in malformed {
        assert!(matches!(
            refused(change),
            ImageError::Malformed {
                what: "a load segment",
                ..
            }
        ));
    }
    let overlap = refused(|s| s.programs.push(load(BOX + 0x1000, 0, 0x1000, 6)));
    assert_eq!(
        overlap,
        ImageError::SegmentsOverlap {
            first: BOX,
            second: BOX + 0x1000
        }
    );
    assert_eq!(overlap.rule(), Some(Rule::R8));
    let at_zero = |s: &mut Sample| s.programs.push(load(0, 0, 0x1000, 4));
    assert_eq!(refused(at_zero), ImageError::StartsAtZero);
    assert!(
        read(|s| {
            s.kind = 3;
            at_zero(s);
        })
        .is_ok()
    );
}

#[test]
fn overlaps_with_the_box() {
    // In the page before it is not in it.
    let mut beside = Sample::new();
    beside.programs.push(load(BOX - 0x10, 0xff0, 0x10, 6));
    assert!(Image::from_elf(&beside.build()).is_ok());
    for kind in [PT_GNU_RELRO, PT_DYNAMIC] {
        let header = Program {
            kind,
            ..load(END - 8, 0, 8, 4)
        };
        let error = refused(|s| {
            s.programs.push(Program {
                in_file: 0,
                ..header
            })
        });
        assert!(matches!(error, ImageError::BoxOverlap { .. }), "{error}");
    }
    for kind in [PT_TLS, PT_GNU_STACK] {
        assert!(
            read(|s| s.programs.push(Program {
                kind,
                ..load(0, 0, END, 6)
            }))
            .is_ok()
        );
    }
}

#[test]
fn function_tables() {
    let in_range = |error: ImageError| matches!(error, ImageError::Range { .. });
    assert!(in_range(refused(|s| s.programs[AT_DATA].flags = 6)));
    assert!(in_range(refused(
        |s| s.manifest.function_table = TEXT..TEXT + 8
    )));
    assert!(in_range(refused(|s| s.manifest.function_table = 8..16)));
    assert!(in_range(refused(
        |s| s.manifest.function_table = DATA + 0xff8..DATA + 0x1008
    )));
    assert!(in_range(refused(
        |s| s.manifest.function_table.end = u64::MAX - 7
    )));
    // Zero-filled memory is not file data.
    assert!(in_range(refused(|s| {
        s.programs[AT_DATA].in_file = 0x800;
    })));
    // Another segment would be mapped over its page.
    assert!(in_range(refused(|s| {
        s.programs[AT_DATA].in_memory = 0x810;
        s.programs[AT_DATA].in_file = 0x810;
        s.programs.push(load(DATA + 0x900, 0x900, 0x10, 6));
    })));
    let empty = read(|s| s.manifest.function_table = 0..0).expect("no functions");
    assert!(empty.functions.is_empty());
    assert!(in_range(refused(|s| {
        s.programs[AT_DATA].address = 0x1000;
        s.manifest.function_table = 0x1800..0x1810;
        s.functions[0].0 = -0x7fff_0000;
    })));
}

const RELA: u64 = 7;
const RELASZ: u64 = 8;
const RELAENT: u64 = 9;
const TEXTREL: u64 = 22;
const FLAGS: u64 = 30;
const RELRSZ: u64 = 35;
const RELR: u64 = 36;
const JMPREL: u64 = 23;
const PLTRELSZ: u64 = 2;
const PLTREL: u64 = 20;
const SYMTAB: u64 = 6;
const REL: u64 = 17;
const RELSZ: u64 = 18;

fn rela(address: u64, info: u64) -> Result<Image, ImageError> {
    let symbols = RELOCATIONS + 24;
    let tags = [
        (RELA, RELOCATIONS),
        (RELASZ, 24),
        (RELAENT, 24),
        (SYMTAB, symbols),
    ];
    // The symbol: name and flags, value, size.
    dynamic(&tags, &[address, info, 0, 0, 0, 0x100])
}

#[test]
fn relocations_with_addends() {
    let written = |address| {
        Err(ImageError::Relocation {
            kind: 8,
            address,
            target: "the box",
        })
    };
    assert!(rela(WRITABLE + 0x800, 8).is_ok());
    assert!(rela(BOX - 8, 8).is_ok());
    assert_eq!(rela(BOX - 7, 8), written(BOX - 7));
    assert_eq!(rela(TEXT, 8), written(TEXT));
    assert_eq!(rela(END - 1, 8), written(END - 1));
    assert!(rela(END, 8).is_ok());
    // Type 0 does nothing; 36 writes 16 bytes; 5 as many as the symbol has.
    assert!(rela(TEXT, 0).is_ok());
    assert!(rela(BOX - 8, 36).is_err());
    assert!(rela(BOX - 0x100, 5).is_ok());
    assert!(rela(BOX - 0xff, 5).is_err());
    assert!(matches!(
        rela(WRITABLE, (1 << 40) | 5),
        Err(ImageError::Malformed { .. })
    ));
    let target = "the function table";
    assert_eq!(
        rela(FUNCTIONS, 1),
        Err(ImageError::Relocation {
            kind: 1,
            address: FUNCTIONS,
            target
        })
    );
}

#[test]
fn other_relocation_tables() {
    let entry = [TEXT, 7, 0];
    let plt = |kind, size| {
        dynamic(
            &[(JMPREL, RELOCATIONS), (PLTRELSZ, size), (PLTREL, kind)],
            &entry,
        )
    };
    assert!(matches!(plt(RELA, 24), Err(ImageError::Relocation { .. })));
    assert!(matches!(plt(REL, 16), Err(ImageError::Relocation { .. })));
    assert!(matches!(plt(3, 16), Err(ImageError::Malformed { .. })));
    assert!(matches!(
        dynamic(&[(REL, RELOCATIONS), (RELSZ, 16)], &entry),
        Err(ImageError::Relocation { .. })
    ));
    let relr = |words: &[u64]| {
        dynamic(
            &[(RELR, RELOCATIONS), (RELRSZ, 8 * words.len() as u64)],
            words,
        )
    };
    assert!(relr(&[WRITABLE, u64::MAX]).is_ok());
    assert!(matches!(relr(&[TEXT]), Err(ImageError::Relocation { .. })));
    // Bit 1 is the word after the address.
    assert!(relr(&[BOX - 0x18, 0b11]).is_ok());
    assert!(relr(&[BOX - 0x18, 0b101]).is_ok());
    assert!(relr(&[BOX - 0x18, 0b1001]).is_err());
    // The second bitmap starts 63 words after the first.
    assert!(relr(&[BOX - 8 - 63 * 8, 1, 0b11]).is_err());
    assert!(relr(&[BOX - 8 - 63 * 8 - 8, 1, 0b11]).is_ok());
    assert!(matches!(relr(&[1]), Err(ImageError::Malformed { .. })));
}

#[test]
fn text_relocations_and_strange_dynamic_sections() {
    assert_eq!(
        dynamic(&[(TEXTREL, 0)], &[]),
        Err(ImageError::TextRelocations)
    );
    assert_eq!(
        dynamic(&[(FLAGS, 4)], &[]),
        Err(ImageError::TextRelocations)
    );
    assert!(dynamic(&[(FLAGS, 8)], &[]).is_ok());
    assert_eq!(
        dynamic(&[(0x6000_0011, WRITABLE)], &[]),
        Err(ImageError::PackedRelocations(0x6000_0011))
    );
    let malformed: [&[(u64, u64)]; 7] = [
        &[(RELA, WRITABLE), (RELA, WRITABLE), (RELASZ, 24)],
        &[(RELASZ, 24)],
        &[(RELA, WRITABLE), (RELASZ, 23)],
        &[(RELA, WRITABLE), (RELASZ, 24), (RELAENT, 25)],
        &[(RELA, WRITABLE), (RELASZ, 24 << 40)],
        &[(RELA, u64::MAX), (RELASZ, 24)],
        &[(RELR, WRITABLE + 1), (RELRSZ, u64::MAX - 7)],
    ];
    for tags in malformed {
        assert!(
            matches!(dynamic(tags, &[]), Err(ImageError::Malformed { .. })),
            "{tags:x?}"
        );
    }
    let endless = [(5, 5); 0x40];
    let file = Sample {
        relocations: vec![5; 0x180],
        ..Sample::with_dynamic(&endless, &[])
    };
    assert!(matches!(
        Image::from_elf(&file.build()),
        Err(ImageError::Malformed { .. })
    ));
    let mut twice = Sample::with_dynamic(&[(0, 0)], &[]);
    twice.programs.extend(twice.programs.last().copied());
    assert!(matches!(
        Image::from_elf(&twice.build()),
        Err(ImageError::Malformed { .. })
    ));
}

#[test]
fn layout_from_sections() {
    let mut sample = Sample::new();
    assert!(matches!(
        box_layout(&sample.build()),
        Err(ImageError::Malformed { .. })
    ));
    sample.sections = vec![(b".text", 0x1000, 0x10)];
    assert_eq!(box_layout(&sample.build()), Err(ImageError::NoBox));
    sample.sections.extend([
        (b".privbox.gate".as_slice(), BOX, 0x4000),
        (b".privbox.text", TEXT, 0x1000),
        (b".privbox.tables", TEXT + 0x1000, 0x10),
        (b".privbox.funcs", FUNCTIONS, 0x10),
    ]);
    assert_eq!(box_layout(&sample.build()), Ok(sample.manifest.clone()));
    sample.sections.push((b".privbox.map", WRITABLE, 32));
    let with_map = box_layout(&sample.build()).expect("in order");
    assert_eq!(with_map.translation_table, WRITABLE..WRITABLE + 32);
    sample.sections.push((b".privbox.map", WRITABLE, u64::MAX));
    assert!(matches!(
        box_layout(&sample.build()),
        Err(ImageError::Malformed { .. })
    ));
}

/// Cut short or with any byte changed, a file is an image or an error.
#[test]
fn damaged_files() {
    let tags = [
        (RELA, RELOCATIONS),
        (RELASZ, 24),
        (RELR, RELOCATIONS),
        (RELRSZ, 8),
        (0, 0),
    ];
    let mut sample = Sample::with_dynamic(&tags, &[WRITABLE, 8, 0]);
    sample.manifest.level = Level::Pks;
    sample.sections = vec![
        (b".privbox.gate", BOX, 0x4000),
        (b".privbox.text", TEXT, 0x1000),
    ];
    let file = sample.build();
    assert!(Image::from_elf(&file).is_ok());
    let examine = |file: &[u8]| {
        let _ = (box_layout(file), locate_manifest(file));
        if let Ok(image) = Image::from_elf(file) {
            let mut findings = Vec::new();
            crate::layout::check(
                &image,
                &Options::default(),
                &image.compute_digest(),
                &mut findings,
            );
        }
    };
    (0..0x500)
        .chain((0x500..file.len()).step_by(0x101))
        .for_each(|size| examine(&file[..size]));
    // Headers, manifest, function table, dynamic section, relocations, section headers.
    let places = [
        0..0x180,
        0x400..0x4d0,
        0x800..0x810,
        0x7000..0x7060,
        0x7400..0x7420,
        0x8000..0x8100,
    ];
    for at in places.into_iter().flatten() {
        for value in [0, 1, 8, 0x7f, 0x80, 0xff] {
            let mut damaged = file.clone();
            damaged[at] = value;
            examine(&damaged);
        }
    }
}
