//! Any bytes as one function: verifying never panics and takes bounded time (`-timeout=10`). The
//! first byte chooses level, strength and features.
#![no_main]

use libfuzzer_sys::fuzz_target;
use privbox_verifier::features::Features;
use privbox_verifier::image::{Function, Image, Segment};
use privbox_verifier::manifest::{Level, Strength};
use privbox_verifier::verify::{Options, verify};

const BASE: u64 = 0x40_0000;
const TEXT: u64 = BASE + 0x4000;

fuzz_target!(|data: &[u8]| {
    let Some((&choice, code)) = data.split_first() else {
        return;
    };
    if code.is_empty() || code.len() > 1 << 16 {
        return;
    }
    // The last quarter is a table, at the next multiple of 16.
    let (code, table) = code.split_at(code.len() - code.len() / 4);
    let mut bytes = vec![0; 0x4000];
    bytes.extend_from_slice(code);
    bytes.resize(bytes.len().next_multiple_of(16), 0xcc);
    let tables = BASE + bytes.len() as u64;
    bytes.extend_from_slice(table);
    let tables_end = BASE + bytes.len() as u64;
    bytes.resize(bytes.len().next_multiple_of(0x1000), 0xcc);
    let image = Image {
        base: BASE,
        text: TEXT..tables,
        tables: tables..tables_end,
        functions: vec![Function {
            start: TEXT,
            size: code.len() as u64,
        }],
        segments: vec![
            Segment {
                start: BASE,
                size: bytes.len() as u64,
                flags: 5,
            },
            Segment {
                start: 0x60_0000,
                size: 0x2000,
                flags: 6,
            },
        ],
        bytes,
        level: [Level::Mask, Level::Pks, Level::Spap, Level::Mask][usize::from(choice & 3)],
        strength: if choice & 4 == 0 {
            Strength::Architectural
        } else {
            Strength::Transient
        },
        features: if choice & 8 == 0 {
            Features::all()
        } else {
            Features::empty()
        },
        digest: None,
    };
    verify(
        &image,
        &Options {
            check_digest: false,
            ..Options::default()
        },
    );
});
