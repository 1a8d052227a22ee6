//! Attack corpus, "Image": rules 1, 8, 14 and 15 on whole ELF files, each beside the file as it
//! should be. What is expected is from `docs/image-format.md` and the contract.

use privbox_verifier::image::Image;
use privbox_verifier::manifest::{Level, Strength};
use privbox_verifier::verify::{Options, verify};

use crate::harness::elf::{File, HEADERS, PAGE, PT_DYNAMIC, PT_LOAD, Segment};
use crate::harness::layout::{self, BASE, DATA, Settings, TEXT};

/// `push %rbx; pop %rbx; ret; int3`, thrice, as three functions; a table of two entries.
pub fn good_image() -> Image {
    let mut code = Vec::new();
    for _ in 0..3 {
        code.extend([0x53, 0x5b, 0xc3, 0xcc]);
        code.resize(code.len().next_multiple_of(16), 0xcc);
    }
    let mut image = layout::function(
        &code,
        Settings {
            features: false,
            ..Settings::default()
        },
    );
    image.functions = [0, 16, 32]
        .map(|at| privbox_verifier::image::Function {
            start: TEXT + at,
            size: 4,
        })
        .to_vec();
    image
}

pub fn good_file() -> File {
    File::new(&good_image())
}

/// `Ok` if accepted; otherwise what was said.
pub fn verdict(file: &[u8], options: &Options) -> Result<(), String> {
    let image = Image::from_elf(file).map_err(|e| format!("not read: {e}"))?;
    let report = verify(&image, options);
    match report.findings.first() {
        None => Ok(()),
        Some(f) => Err(format!("{}: {}", f.rule.id(), f.message)),
    }
}

fn segment(kind: u32, flags: u32, address: u64, data: Vec<u8>) -> Segment {
    let memory_size = data.len() as u64;
    Segment {
        kind,
        flags,
        address,
        data,
        memory_size,
        offset: None,
    }
}

/// A dynamic section in the data segment with these entries, and 24-byte relocations behind it.
fn with_dynamic(file: &mut File, entries: &[(u64, u64)], relocations: &[u8]) {
    let mut data = Vec::new();
    for (tag, value) in entries.iter().chain(&[(0, 0)]) {
        data.extend(tag.to_le_bytes());
        data.extend(value.to_le_bytes());
    }
    data.resize(0x80, 0);
    data.extend_from_slice(relocations);
    let size = data.len() as u64;
    let load = file.segment_at(DATA);
    load.data = data.clone();
    let mut dynamic = segment(PT_DYNAMIC, 6, DATA, data);
    dynamic.memory_size = size;
    file.segments.push(dynamic);
}

/// One RELA entry of type R_X86_64_RELATIVE.
fn relative(at: u64) -> Vec<u8> {
    let mut out = at.to_le_bytes().to_vec();
    out.extend(8u64.to_le_bytes());
    out.extend(0u64.to_le_bytes());
    out
}

type Spoil = fn(&mut File);

/// Name, whether the file is still good, and what is changed. Changes behind the digest's back are
/// refused for the digest as well; those marked so are tried with the digest made right again.
const CASES: &[(&str, bool, Spoil)] = &[
    ("as it should be", true, |_| {}),
    ("a shared object", true, |f| f.kind = 3),
    ("a relocatable object", false, |f| f.kind = 1),
    ("a core file", false, |f| f.kind = 4),
    ("for another machine", false, |f| f.machine = 3),
    ("box writable", false, |f| f.segment_at(BASE).flags = 7),
    ("box not executable", false, |f| {
        f.segment_at(BASE).flags = 4
    }),
    ("box execute-only", false, |f| f.segment_at(BASE).flags = 1),
    ("box longer in memory than in the file", false, |f| {
        f.segment_at(BASE).memory_size += PAGE
    }),
    ("box shorter than the manifest says", false, |f| {
        let s = f.segment_at(BASE);
        s.data.truncate(0x4000);
        s.memory_size = 0x4000;
    }),
    ("box outside the file", false, |f| {
        f.segment_at(BASE).offset = Some(1 << 40)
    }),
    ("box at an offset that overflows", false, |f| {
        f.segment_at(BASE).offset = Some(u64::MAX - 0x100)
    }),
    ("box in no segment", false, |f| {
        f.segments.retain(|s| s.address != BASE)
    }),
    ("two segments for the box", false, |f| {
        let again = f.segment_at(BASE).clone();
        f.segments.push(again);
    }),
    ("a writable segment over the box's last page", false, |f| {
        f.segments
            .push(segment(PT_LOAD, 6, BASE + 0x4800, vec![0; 16]));
    }),
    ("a writable segment that ends in the gate", false, |f| {
        let mut s = segment(PT_LOAD, 6, BASE - PAGE, vec![0; 16]);
        s.memory_size = PAGE + 1;
        f.segments.insert(1, s);
    }),
    ("a segment whose size overflows", false, |f| {
        f.segment_at(DATA).memory_size = u64::MAX - 0x1000
    }),
    ("a segment in the kernel half", false, |f| {
        f.segments
            .push(segment(PT_LOAD, 6, 0xffff_8880_0000_0000, vec![0; 16]));
    }),
    ("a segment in the non-canonical hole", false, |f| {
        f.segments
            .push(segment(PT_LOAD, 6, 0x8000_0000_0000, vec![0; 16]));
    }),
    ("a segment that ends at 2^47", false, |f| {
        f.segments
            .push(segment(PT_LOAD, 6, 0x7fff_ffff_e000, vec![0; 0x2000]));
    }),
    ("a segment below 2^16", false, |f| {
        f.segments
            .insert(0, segment(PT_LOAD, 4, 0x8000, vec![0; 16]));
    }),
    ("no note", false, |f| f.note_size = 0),
    ("a note that is cut off", false, |f| f.note_size = 100),
    ("a manifest that is not filled in", false, |f| {
        f.manifest.fill(0)
    }),
    ("another manifest version", false, |f| f.set_u32(0, 2)),
    ("another gate ABI", false, |f| f.set_u32(4, 2)),
    ("an unknown level", false, |f| f.set_u32(8, 3)),
    ("an unknown strength", false, |f| f.set_u32(12, 2)),
    ("unknown CPU features", false, |f| f.set_u64(16, 1 << 63)),
    ("box start not page aligned", false, |f| {
        f.set_u64(24, BASE + 16)
    }),
    ("box start in another segment", false, |f| {
        f.set_u64(24, DATA)
    }),
    ("text inside the gate", false, |f| {
        f.set_u64(32, BASE + 0x3000)
    }),
    ("text that starts late", false, |f| f.set_u64(32, TEXT + 16)),
    ("text end before its start", false, |f| {
        f.set_u64(40, TEXT - 16)
    }),
    ("text end beyond the box", false, |f| f.set_u64(40, DATA)),
    ("text end that leaves a function out", false, |f| {
        f.set_u64(40, TEXT + 32)
    }),
    ("tables over the text", false, |f| f.set_u64(48, TEXT)),
    ("tables beyond the box", false, |f| f.set_u64(56, DATA + 8)),
    ("tables that end before their start", false, |f| {
        f.set_u64(56, TEXT)
    }),
    ("box end too far", false, |f| f.set_u64(64, DATA)),
    ("box end overflows", false, |f| {
        f.set_u64(64, u64::MAX - 0xfff)
    }),
    ("function table in writable data", false, |f| {
        f.set_u64(72, DATA);
        f.set_u64(80, DATA + 24);
    }),
    ("function table in the box", false, |f| {
        f.set_u64(72, BASE);
        f.set_u64(80, BASE + 24);
    }),
    ("function table in no segment", false, |f| {
        f.set_u64(72, 0x1000_0000);
        f.set_u64(80, 0x1000_0018);
    }),
    ("a function table of 2^60 entries", false, |f| {
        f.set_u64(80, 1 << 63)
    }),
    ("half an entry of the function table", false, |f| {
        f.set_u64(80, HEADERS + 0x800 + 20)
    }),
    ("an object that was not compiled for the box", false, |f| {
        f.functions.truncate(2);
        f.set_u64(80, HEADERS + 0x800 + 16);
    }),
    ("function starts inside another", false, |f| {
        f.functions[1] = (TEXT + 1, 3)
    }),
    ("functions overlap", false, |f| f.functions[0] = (TEXT, 20)),
    ("functions not in order", false, |f| f.functions.swap(0, 1)),
    ("a function twice", false, |f| {
        f.functions[1] = f.functions[0]
    }),
    ("a function in the gate", false, |f| {
        f.functions[0] = (BASE + 0x100, 4)
    }),
    ("a function in data", false, |f| f.functions[2] = (DATA, 4)),
    ("a function of 4 GiB", false, |f| {
        f.functions[2].1 = 0xffff_ffff
    }),
    ("a function of no bytes", false, |f| f.functions[2].1 = 0),
    ("another byte of text", false, |f| {
        f.segment_at(BASE).data[0x4000] = 0x51
    }),
    ("another byte behind the text", false, |f| {
        f.segment_at(BASE).data[0x4fff] ^= 1
    }),
    ("another digest", false, |f| f.manifest[110] ^= 1),
    ("no digest", false, |f| f.manifest[104..136].fill(0)),
    ("another level than the digest's", false, |f| {
        f.set_u32(8, 1)
    }),
    ("another strength than the digest's", false, |f| {
        f.set_u32(12, 1)
    }),
    ("more features than the digest's", false, |f| {
        f.set_u64(16, 1)
    }),
    ("data elsewhere than the digest's", false, |f| {
        f.segment_at(DATA).address += PAGE
    }),
    (
        "data writable and executable, not as the digest says",
        false,
        |f| f.segment_at(DATA).flags = 7,
    ),
    ("a relocation into data", true, |f| {
        with_dynamic(
            f,
            &[(7, DATA + 0x80), (8, 24), (9, 24)],
            &relative(DATA + 0xe0),
        );
    }),
    ("a relocation into the text", false, |f| {
        with_dynamic(
            f,
            &[(7, DATA + 0x80), (8, 24), (9, 24)],
            &relative(TEXT + 2),
        );
    }),
    ("a relocation that reaches into the gate", false, |f| {
        with_dynamic(
            f,
            &[(7, DATA + 0x80), (8, 24), (9, 24)],
            &relative(BASE - 4),
        );
    }),
    ("a relocation of the last bytes of the box", false, |f| {
        with_dynamic(
            f,
            &[(7, DATA + 0x80), (8, 24), (9, 24)],
            &relative(BASE + 0x4ff8),
        );
    }),
    ("a relocation of the function table", false, |f| {
        with_dynamic(
            f,
            &[(7, DATA + 0x80), (8, 24), (9, 24)],
            &relative(HEADERS + 0x800),
        );
    }),
    ("a PLT relocation into the text", false, |f| {
        with_dynamic(
            f,
            &[(23, DATA + 0x80), (2, 24), (20, 7)],
            &relative(TEXT + 2),
        );
    }),
    ("a REL relocation into the text", false, |f| {
        with_dynamic(
            f,
            &[(17, DATA + 0x80), (18, 16), (19, 16)],
            &relative(TEXT + 2)[..16],
        );
    }),
    ("a RELR relocation into the text", false, |f| {
        with_dynamic(
            f,
            &[(36, DATA + 0x80), (35, 8), (37, 8)],
            &TEXT.to_le_bytes(),
        );
    }),
    ("a RELR bitmap that reaches the text", false, |f| {
        let words = [(BASE - 8).to_le_bytes(), 3u64.to_le_bytes()].concat();
        with_dynamic(f, &[(36, DATA + 0x80), (35, 16), (37, 8)], &words);
    }),
    ("DT_TEXTREL", false, |f| with_dynamic(f, &[(22, 0)], &[])),
    ("DF_TEXTREL", false, |f| with_dynamic(f, &[(30, 4)], &[])),
    ("relocations outside the file", false, |f| {
        with_dynamic(f, &[(7, 0x1000_0000), (8, 24), (9, 24)], &[]);
    }),
    ("relocations of a size that overflows", false, |f| {
        with_dynamic(
            f,
            &[(7, DATA + 0x80), (8, u64::MAX - 7), (9, 24)],
            &relative(TEXT),
        );
    }),
];

#[test]
fn files() {
    let mut wrong = String::new();
    for (name, good, spoil) in CASES {
        let mut file = good_file();
        spoil(&mut file);
        let found = verdict(&file.bytes(), &Options::default());
        if found.is_ok() != *good {
            let expected = if *good { "accepted" } else { "refused" };
            wrong += &format!("{name}: expected to be {expected}, found {found:?}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Changes that have a digest of their own: the layout itself is at fault.
#[test]
fn images() {
    type Change = fn(&mut Image);
    let cases: [(&str, bool, &str, Change); 16] = [
        ("as it should be", true, "", |_| {}),
        ("box writable", false, "rule-1", |i| i.segments[1].flags = 7),
        ("box not a segment", false, "rule-1", |i| {
            i.segments[1].size -= PAGE
        }),
        ("data over the box", false, "rule-1", |i| {
            i.segments[2].start = BASE + 0x4000
        }),
        ("data in the box's last page", false, "rule-1", |i| {
            i.segments[2].start = BASE + 0x4ff0
        }),
        ("data in the kernel half", false, "rule-8", |i| {
            i.segments[2].start = 0xffff_8000_0000_0000
        }),
        ("data at the end of the low half", false, "rule-8", |i| {
            i.segments[2].start = (1 << 47) - 0x2000
        }),
        ("data that wraps around", false, "rule-8", |i| {
            i.segments[2].size = u64::MAX
        }),
        ("headers below 2^16", false, "rule-8", |i| {
            i.segments[0].start = 0xf000
        }),
        ("functions not in order", false, "rule-1", |i| {
            i.functions.swap(0, 2)
        }),
        ("a function missing", false, "rule-1", |i| {
            i.functions.remove(1);
        }),
        ("function unaligned", false, "rule-1", |i| {
            i.functions[1].start += 2
        }),
        ("function beyond the text", false, "rule-1", |i| {
            i.functions[2].size = 0x10_0000
        }),
        ("function size overflows", false, "rule-1", |i| {
            i.functions[2].size = u64::MAX
        }),
        ("tables over the text", false, "rule-1", |i| {
            i.tables.start = TEXT + 16
        }),
        ("text beyond the box", false, "rule-1", |i| {
            i.text.end = BASE + 0x10_0000
        }),
    ];
    for (name, good, rule, change) in cases {
        let mut image = good_image();
        change(&mut image);
        image.digest = Some(image.compute_digest());
        let report = verify(&image, &Options::default());
        assert_eq!(
            report.findings.is_empty(),
            good,
            "{name}: {:?}",
            report.findings
        );
        let found = report.findings.iter().any(|f| f.rule.id() == rule);
        assert!(
            good || found,
            "{name}: no finding for {rule}: {:?}",
            report.findings
        );
    }
}

/// Rule 14 and the strength: less than what is asked for is refused, more is not.
#[test]
fn levels_and_strengths() {
    let levels = [Level::Mask, Level::Pks, Level::Spap];
    let strengths = [Strength::Transient, Strength::Architectural];
    for (have, level) in levels.iter().enumerate() {
        for (want, required) in levels.iter().enumerate() {
            let mut image = good_image();
            image.level = *level;
            image.digest = Some(image.compute_digest());
            let options = Options {
                level: Some(*required),
                ..Options::default()
            };
            let good = verify(&image, &options).findings.is_empty();
            assert_eq!(
                good,
                have <= want,
                "{level:?} where {required:?} is required"
            );
        }
    }
    for (have, strength) in strengths.iter().enumerate() {
        for (want, required) in strengths.iter().enumerate() {
            let mut image = good_image();
            image.strength = *strength;
            image.digest = Some(image.compute_digest());
            let options = Options {
                strength: Some(*required),
                ..Options::default()
            };
            let good = verify(&image, &options).findings.is_empty();
            assert_eq!(
                good,
                have <= want,
                "{strength:?} where {required:?} is required"
            );
        }
    }
}

/// A feature that the code uses must be declared (rule 3).
#[test]
fn features_are_bound_to_the_image() {
    // vpxor %ymm0,%ymm0,%ymm0; ret; int3
    let code = [0xc5, 0xfd, 0xef, 0xc0, 0xc3, 0xcc];
    for declared in [false, true] {
        let mut image = layout::function(
            &code,
            Settings {
                features: declared,
                ..Settings::default()
            },
        );
        image.digest = Some(image.compute_digest());
        let report = verify(&image, &Options::default());
        assert_eq!(
            report.findings.is_empty(),
            declared,
            "{:?}",
            report.findings
        );
    }
}

/// Everything that rule 15 names changes the digest; the gate's bytes, the module's, do not.
#[test]
fn digest_covers_what_it_must() {
    type Change = fn(&mut Image);
    let original = good_image().compute_digest();
    let changes: [(&str, bool, Change); 12] = [
        ("gate", false, |i| i.bytes[0x200] ^= 1),
        ("text", true, |i| i.bytes[0x4001] ^= 1),
        ("behind the text", true, |i| {
            *i.bytes.last_mut().expect("bytes") ^= 1
        }),
        ("function size", true, |i| i.functions[1].size += 1),
        ("function start", true, |i| i.functions[1].start += 16),
        ("functions", true, |i| i.functions.truncate(2)),
        ("tables", true, |i| i.tables.end += 4),
        ("level", true, |i| i.level = Level::Pks),
        ("strength", true, |i| i.strength = Strength::Transient),
        ("features", true, |i| {
            i.features = crate::harness::check::features(true)
        }),
        ("a segment's address", true, |i| i.segments[2].start += PAGE),
        ("a segment's flags", true, |i| i.segments[0].flags = 5),
    ];
    for (name, covered, change) in changes {
        let mut image = good_image();
        change(&mut image);
        assert_eq!(image.compute_digest() != original, covered, "{name}");
    }
    // All addresses moved by the same bias: the same digest.
    let mut moved = good_image();
    let bias = 0x10_0000;
    moved.base += bias;
    moved.text = moved.text.start + bias..moved.text.end + bias;
    moved.tables = moved.tables.start + bias..moved.tables.end + bias;
    moved.functions.iter_mut().for_each(|f| f.start += bias);
    moved.segments.iter_mut().for_each(|s| s.start += bias);
    assert_eq!(moved.compute_digest(), original);
}
