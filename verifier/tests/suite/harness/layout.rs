//! Lays one case out as an image: gate, text, tables, and three more segments for it to name.

use privbox_verifier::image::{Function, Image, Segment};
use privbox_verifier::manifest::{Level, Strength};

use super::assemble::{Assembled, Target};

/// Start of the box.
pub const BASE: u64 = 0x40_0000;
/// Start of the text: the gate lies before it.
pub const TEXT: u64 = BASE + GATE_SIZE;
const GATE_SIZE: u64 = 0x4000;
const PAGE: u64 = 0x1000;
/// An address in no segment.
pub const HOLE: u64 = 0x3000_0000;
pub const DATA: u64 = 0x60_0000;
pub const DATA_SIZE: u64 = 0x2000;
const RODATA: u64 = 0x20_0000;

const READ: u32 = 4;
const WRITE: u32 = 2;
const EXECUTE: u32 = 1;

/// Offsets of the gate's entries, from `docs/gate-abi.md` (not from the verifier, on purpose).
const GATE: [(&str, u64); 9] = [
    ("__privbox_gate_syscall", 0x100),
    ("__privbox_gate_thunk", 0x140),
    ("__privbox_gate_translate", 0x180),
    ("__privbox_gate_callout", 0x1c0),
    ("__privbox_gate_callout_block", 0x200),
    ("__privbox_gate_try", 0x240),
    ("__privbox_gate_throw", 0x280),
    ("__privbox_gate_exit", 0x2c0),
    ("box", 0),
];

fn outside(name: &str) -> Option<u64> {
    match name {
        "data" => Some(DATA),
        "data_end" => Some(DATA + DATA_SIZE),
        "rodata" => Some(RODATA),
        "hole" => Some(HOLE),
        _ => GATE
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, offset)| BASE + offset),
    }
}

/// What a manifest would say.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub level: Level,
    pub strength: Strength,
    pub features: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            level: Level::Mask,
            strength: Strength::Architectural,
            features: true,
        }
    }
}

/// Links one assembled case into an image.
pub fn image(code: &Assembled, settings: Settings) -> Result<Image, String> {
    let text_end = TEXT + code.text.len() as u64;
    // The text is a whole number of 16-byte blocks, so that padding is what the case says.
    let tables = text_end.next_multiple_of(16);
    let tables_end = tables + code.tables.len() as u64;
    let mut text = code.text.clone();
    let mut table_bytes = code.tables.clone();
    for r in &code.relocations {
        let value = match &r.target {
            Target::Text(offset) => TEXT + offset,
            Target::Tables(offset) => tables + offset,
            Target::Outside(name) => outside(name).ok_or_else(|| format!("no symbol {name}"))?,
        };
        let (bytes, start) = if r.in_tables {
            (&mut table_bytes, tables)
        } else {
            (&mut text, TEXT)
        };
        let distance = value
            .wrapping_add_signed(r.addend)
            .wrapping_sub(start + r.offset);
        let at = r.offset as usize;
        let size = usize::from(r.size);
        bytes
            .get_mut(at..at + size)
            .ok_or("relocation outside its section")?
            .copy_from_slice(&distance.to_le_bytes()[..size]);
    }
    let functions = code
        .functions
        .iter()
        .map(|&(offset, size)| (TEXT + offset, size))
        .collect();
    Ok(from_bytes(
        &text,
        &table_bytes,
        functions,
        settings,
        text_end,
        tables,
        tables_end,
    ))
}

/// An image of one function: `code` alone, without tables.
pub fn function(code: &[u8], settings: Settings) -> Image {
    let end = TEXT + code.len() as u64;
    let tables = end.next_multiple_of(16);
    from_bytes(
        code,
        &[],
        vec![(TEXT, code.len() as u64)],
        settings,
        end,
        tables,
        tables,
    )
}

fn from_bytes(
    text: &[u8],
    tables: &[u8],
    functions: Vec<(u64, u64)>,
    settings: Settings,
    text_end: u64,
    tables_start: u64,
    tables_end: u64,
) -> Image {
    let end = tables_end.max(text_end).next_multiple_of(PAGE);
    let mut bytes = vec![0xcc; (end - BASE) as usize];
    bytes[..GATE_SIZE as usize].fill(0);
    bytes[..8].copy_from_slice(b"PRIVBOXG");
    bytes[8..12].copy_from_slice(&1u32.to_le_bytes());
    bytes[12..16].copy_from_slice(&21u32.to_le_bytes());
    let put = |bytes: &mut Vec<u8>, at: u64, what: &[u8]| {
        let at = (at - BASE) as usize;
        bytes[at..at + what.len()].copy_from_slice(what);
    };
    put(&mut bytes, TEXT, text);
    put(&mut bytes, tables_start, tables);
    Image {
        base: BASE,
        bytes,
        text: TEXT..text_end.next_multiple_of(16),
        tables: tables_start..tables_end,
        functions: functions
            .into_iter()
            .map(|(start, size)| Function { start, size })
            .collect(),
        segments: vec![
            Segment {
                start: RODATA,
                size: PAGE,
                flags: READ,
            },
            Segment {
                start: BASE,
                size: end - BASE,
                flags: READ | EXECUTE,
            },
            Segment {
                start: DATA,
                size: DATA_SIZE,
                flags: READ | WRITE,
            },
        ],
        level: settings.level,
        strength: settings.strength,
        features: super::check::features(settings.features),
        digest: None,
    }
}
