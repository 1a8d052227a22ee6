//! Writes a small linked ELF file around a box, from `docs/image-format.md` alone. Fields are public:
//! a test spoils one and sees what becomes of the file.

use privbox_verifier::image::Image;

pub const PAGE: u64 = 0x1000;
pub const PT_LOAD: u32 = 1;
pub const PT_DYNAMIC: u32 = 2;
pub const PT_NOTE: u32 = 4;

#[derive(Clone, Debug)]
pub struct Segment {
    pub kind: u32,
    pub flags: u32,
    pub address: u64,
    pub data: Vec<u8>,
    pub memory_size: u64,
    /// Overrides the offset in the file.
    pub offset: Option<u64>,
}

#[derive(Clone, Debug)]
pub struct File {
    pub kind: u16,
    pub machine: u16,
    pub segments: Vec<Segment>,
    /// The note's descriptor; at `HEADERS + NOTE`.
    pub manifest: Vec<u8>,
    /// Start and size as the function table states them.
    pub functions: Vec<(u64, u64)>,
    /// Size of the PT_NOTE.
    pub note_size: u64,
}

/// First segment: headers, note, function table.
pub const HEADERS: u64 = 0x20_0000;
const NOTE: u64 = 0x400;
const FUNCTIONS: u64 = 0x800;

fn put(out: &mut [u8], at: u64, bytes: &[u8]) {
    let at = at as usize;
    out[at..at + bytes.len()].copy_from_slice(bytes);
}

impl File {
    /// The file of a correct image, its digest filled in.
    pub fn new(image: &Image) -> File {
        let functions: Vec<(u64, u64)> =
            image.functions.iter().map(|f| (f.start, f.size)).collect();
        let mut segments = vec![Segment {
            kind: PT_LOAD,
            flags: 4,
            address: HEADERS,
            data: vec![0; PAGE as usize],
            memory_size: PAGE,
            offset: None,
        }];
        for s in image.segments.iter().filter(|s| s.start > HEADERS) {
            let is_box = s.start == image.base;
            segments.push(Segment {
                kind: PT_LOAD,
                flags: s.flags,
                address: s.start,
                data: if is_box {
                    image.bytes.clone()
                } else {
                    vec![0; 0x100]
                },
                memory_size: s.size,
                offset: None,
            });
        }
        let mut file = File {
            kind: 2,
            machine: 62,
            segments,
            manifest: vec![0; 168],
            functions,
            note_size: 20 + 168,
        };
        let end = image.base + image.bytes.len() as u64;
        let table = HEADERS + FUNCTIONS;
        let words = [1, 1, image.level.number(), image.strength.number()];
        for (n, word) in words.iter().enumerate() {
            file.set_u32(4 * n as u64, *word);
        }
        let fields = [
            image.features.bits(),
            image.base,
            image.text.start,
            image.text.end,
            image.tables.start,
            image.tables.end,
            end,
            table,
            table + 8 * image.functions.len() as u64,
            0,
            0,
        ];
        for (n, field) in fields.iter().enumerate() {
            file.set_u64(16 + 8 * n as u64, *field);
        }
        file.manifest[104..136].copy_from_slice(&image.compute_digest());
        file
    }

    pub fn set_u32(&mut self, at: u64, value: u32) {
        put(&mut self.manifest, at, &value.to_le_bytes());
    }

    pub fn set_u64(&mut self, at: u64, value: u64) {
        put(&mut self.manifest, at, &value.to_le_bytes());
    }

    pub fn segment_at(&mut self, address: u64) -> &mut Segment {
        self.segments
            .iter_mut()
            .find(|s| s.address == address)
            .expect("a segment of this file")
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut out = vec![0; PAGE as usize];
        put(&mut out, 0, b"\x7fELF\x02\x01\x01");
        for (at, value) in [
            (0x10, self.kind),
            (0x12, self.machine),
            (0x34, 64),
            (0x36, 56),
            (0x3a, 64),
        ] {
            put(&mut out, at, &value.to_le_bytes());
        }
        put(&mut out, 0x14, &1u32.to_le_bytes());
        put(&mut out, 0x20, &64u64.to_le_bytes());
        // The note and the function table, in the first segment.
        put(&mut out, NOTE, &8u32.to_le_bytes());
        put(
            &mut out,
            NOTE + 4,
            &(self.manifest.len() as u32).to_le_bytes(),
        );
        put(&mut out, NOTE + 8, &1u32.to_le_bytes());
        put(&mut out, NOTE + 12, b"Privbox\0");
        put(&mut out, NOTE + 20, &self.manifest);
        for (n, (start, size)) in self.functions.iter().enumerate() {
            let at = FUNCTIONS + 8 * n as u64;
            let distance = start.wrapping_sub(HEADERS + at) as u32;
            put(&mut out, at, &distance.to_le_bytes());
            put(&mut out, at + 4, &(*size as u32).to_le_bytes());
        }
        let mut headers = Vec::new();
        for (n, s) in self.segments.iter().enumerate() {
            let offset = if n == 0 { 0 } else { out.len() as u64 };
            if n > 0 {
                out.extend_from_slice(&s.data);
                out.resize(out.len().next_multiple_of(PAGE as usize), 0);
            }
            let offset = s.offset.unwrap_or(offset);
            headers.push((
                s.kind,
                s.flags,
                offset,
                s.address,
                s.data.len() as u64,
                s.memory_size,
                PAGE,
            ));
        }
        headers.push((
            PT_NOTE,
            4,
            NOTE,
            HEADERS + NOTE,
            self.note_size,
            self.note_size,
            4,
        ));
        put(&mut out, 0x38, &(headers.len() as u16).to_le_bytes());
        for (n, (kind, flags, offset, address, in_file, in_memory, align)) in
            headers.iter().enumerate()
        {
            let at = 64 + 56 * n as u64;
            put(&mut out, at, &kind.to_le_bytes());
            put(&mut out, at + 4, &flags.to_le_bytes());
            for (m, value) in [offset, address, address, in_file, in_memory, align]
                .iter()
                .enumerate()
            {
                put(&mut out, at + 8 + 8 * m as u64, &value.to_le_bytes());
            }
        }
        out
    }
}
