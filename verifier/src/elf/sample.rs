//! Small ELF files for tests, laid out by hand, so that each test can break one thing.

use alloc::vec;
use alloc::vec::Vec;

use crate::manifest::{Manifest, NOTE_NAME, NOTE_TYPE, SIZE};

pub(super) const PT_LOAD: u32 = 1;
pub(super) const PT_DYNAMIC: u32 = 2;
pub(super) const PT_NOTE: u32 = 4;
pub(super) const PT_TLS: u32 = 7;
pub(super) const PT_GNU_STACK: u32 = 0x6474_e551;
pub(super) const PT_GNU_RELRO: u32 = 0x6474_e552;

/// First load segment: note and function table.
pub(super) const DATA: u64 = 0x40_0000;
/// Where in it the function table is.
pub(super) const FUNCTIONS: u64 = DATA + 0x800;
/// The box: gate, one page of text, one of tables.
pub(super) const BOX: u64 = 0x41_0000;
pub(super) const TEXT: u64 = BOX + 0x4000;
pub(super) const END: u64 = BOX + 0x6000;
/// Last load segment, writable: dynamic section and relocations.
pub(super) const WRITABLE: u64 = 0x42_0000;
/// Where in it relocation tables are put.
pub(super) const RELOCATIONS: u64 = WRITABLE + 0x400;

/// A program header.
#[derive(Clone, Copy)]
pub(super) struct Program {
    pub(super) kind: u32,
    pub(super) flags: u32,
    pub(super) offset: u64,
    pub(super) address: u64,
    pub(super) in_file: u64,
    pub(super) in_memory: u64,
    pub(super) align: u64,
}

/// An ELF file in the making.
pub(super) struct Sample {
    pub(super) kind: u16,
    pub(super) machine: u16,
    pub(super) programs: Vec<Program>,
    pub(super) manifest: Manifest,
    pub(super) notes: usize,
    pub(super) functions: Vec<(i32, u32)>,
    pub(super) dynamic: Vec<(u64, u64)>,
    pub(super) relocations: Vec<u64>,
    /// Name, address, size.
    pub(super) sections: Vec<(&'static [u8], u64, u64)>,
}

const NOTE: u64 = 0x400;
const NOTE_SIZE: u64 = 12 + 8 + SIZE as u64;
const BOX_OFFSET: u64 = 0x1000;
const WRITABLE_OFFSET: u64 = BOX_OFFSET + (END - BOX);
const WRITABLE_SIZE: u64 = 0x1000;
/// Section headers and their names.
const SECTIONS: u64 = WRITABLE_OFFSET + WRITABLE_SIZE;

/// Positions of program headers in [`Sample::new`].
pub(super) const AT_DATA: usize = 0;
pub(super) const AT_BOX: usize = 1;
pub(super) const AT_WRITABLE: usize = 2;
pub(super) const AT_NOTE: usize = 3;

pub(super) fn load(address: u64, offset: u64, size: u64, flags: u32) -> Program {
    Program {
        kind: PT_LOAD,
        flags,
        offset,
        address,
        in_file: size,
        in_memory: size,
        align: 0x1000,
    }
}

impl Sample {
    /// A file that is in order: two functions of 16 bytes.
    pub(super) fn new() -> Self {
        let note = Program {
            kind: PT_NOTE,
            align: 4,
            ..load(DATA + NOTE, NOTE, NOTE_SIZE, 4)
        };
        let to_text =
            |entry: u64, offset: u64| (TEXT + offset).wrapping_sub(FUNCTIONS + entry) as i32;
        Self {
            kind: 2,
            machine: 62,
            programs: vec![
                load(DATA, 0, 0x1000, 4),
                load(BOX, BOX_OFFSET, END - BOX, 5),
                load(WRITABLE, WRITABLE_OFFSET, WRITABLE_SIZE, 6),
                note,
            ],
            manifest: Manifest {
                box_segment: BOX..END,
                text: TEXT..TEXT + 0x1000,
                tables: TEXT + 0x1000..TEXT + 0x1010,
                function_table: FUNCTIONS..FUNCTIONS + 16,
                ..Manifest::default()
            },
            notes: 1,
            functions: vec![(to_text(0, 0), 16), (to_text(8, 32), 16)],
            dynamic: Vec::new(),
            relocations: Vec::new(),
            sections: Vec::new(),
        }
    }

    /// With a dynamic section and relocation words.
    pub(super) fn with_dynamic(dynamic: &[(u64, u64)], relocations: &[u64]) -> Self {
        let mut sample = Self::new();
        let header = Program {
            kind: PT_DYNAMIC,
            ..load(WRITABLE, WRITABLE_OFFSET, 0x400, 6)
        };
        sample.programs.push(header);
        sample.dynamic = dynamic.to_vec();
        sample.relocations = relocations.to_vec();
        sample
    }

    pub(super) fn build(&self) -> Vec<u8> {
        let mut file = vec![0; SECTIONS as usize];
        self.put_header(&mut file);
        let words = |words: &[u64]| {
            words
                .iter()
                .flat_map(|word| word.to_le_bytes())
                .collect::<Vec<u8>>()
        };
        for index in 0..self.notes {
            put(&mut file, NOTE + index as u64 * NOTE_SIZE, &self.note());
        }
        let table: Vec<u8> = self
            .functions
            .iter()
            .flat_map(|(start, size)| [start.to_le_bytes(), size.to_le_bytes()].concat())
            .collect();
        put(&mut file, FUNCTIONS - DATA, &table);
        file[BOX_OFFSET as usize..WRITABLE_OFFSET as usize].fill(0xcc);
        let dynamic: Vec<u64> = self
            .dynamic
            .iter()
            .flat_map(|(tag, value)| [*tag, *value])
            .collect();
        put(&mut file, WRITABLE_OFFSET, &words(&dynamic));
        put(
            &mut file,
            WRITABLE_OFFSET + RELOCATIONS - WRITABLE,
            &words(&self.relocations),
        );
        self.put_sections(&mut file);
        file
    }

    fn put_header(&self, file: &mut [u8]) {
        put(file, 0, b"\x7fELF\x02\x01\x01");
        put(file, 16, &self.kind.to_le_bytes());
        put(file, 18, &self.machine.to_le_bytes());
        put(file, 20, &1u32.to_le_bytes());
        put(file, 32, &64u64.to_le_bytes());
        put(file, 52, &64u16.to_le_bytes());
        put(file, 54, &56u16.to_le_bytes());
        put(file, 56, &(self.programs.len() as u16).to_le_bytes());
        for (index, program) in self.programs.iter().enumerate() {
            let at = 64 + 56 * index as u64;
            put(file, at, &program.kind.to_le_bytes());
            put(file, at + 4, &program.flags.to_le_bytes());
            let Program {
                offset,
                address,
                in_file,
                in_memory,
                align,
                ..
            } = *program;
            for (field, value) in [offset, address, address, in_file, in_memory, align]
                .into_iter()
                .enumerate()
            {
                put(file, at + 8 + 8 * field as u64, &value.to_le_bytes());
            }
        }
    }

    fn note(&self) -> Vec<u8> {
        let words = [8, SIZE as u32, NOTE_TYPE];
        let header: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        [&header, NOTE_NAME.as_slice(), &self.manifest.to_bytes()].concat()
    }

    fn put_sections(&self, file: &mut Vec<u8>) {
        if self.sections.is_empty() {
            return;
        }
        let mut names = vec![0];
        let mut headers = vec![0; 64];
        for (name, address, size) in &self.sections {
            let mut header = vec![0; 64];
            put(&mut header, 0, &(names.len() as u32).to_le_bytes());
            put(&mut header, 8, &2u64.to_le_bytes());
            put(&mut header, 16, &address.to_le_bytes());
            put(&mut header, 32, &size.to_le_bytes());
            headers.extend(header);
            names.extend_from_slice(name);
            names.push(0);
        }
        let count = self.sections.len() as u16 + 2;
        let mut header = vec![0; 64];
        put(
            &mut header,
            24,
            &(SECTIONS + 64 * u64::from(count)).to_le_bytes(),
        );
        put(&mut header, 32, &(names.len() as u64).to_le_bytes());
        headers.extend(header);
        file.extend(headers);
        file.extend(names);
        put(file, 40, &SECTIONS.to_le_bytes());
        put(file, 58, &64u16.to_le_bytes());
        put(file, 60, &count.to_le_bytes());
        put(file, 62, &(count - 1).to_le_bytes());
    }
}

fn put(file: &mut [u8], at: u64, bytes: &[u8]) {
    let at = at as usize;
    file[at..at + bytes.len()].copy_from_slice(bytes);
}
