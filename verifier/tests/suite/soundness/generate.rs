//! Random functions: masks, spills, moves and partial writes more often than chance would have them.

use super::encode::{Memory, Operand, Width, legacy, usual, vex};
use crate::harness::layout::{BASE, TEXT};
use crate::harness::random::Random;

const RSP: u8 = 4;
const CALLEE_SAVED: [u8; 6] = [3, 5, 12, 13, 14, 15];
/// Registers that generated code uses; few, so that values meet.
const POOL: [u8; 9] = [0, 1, 2, 6, 7, 8, 11, 3, 12];
/// `__privbox_gate_syscall`.
const GATE: u64 = BASE + 0x100;

enum Item {
    Code(Vec<u8>),
    /// Condition (`None`: always) and the item to go to.
    Jump(Option<u8>, usize),
    Call,
    /// Branch of the depth test: to the last item.
    Deep,
}

impl Item {
    fn size(&self) -> u64 {
        match self {
            Item::Code(bytes) => bytes.len() as u64,
            Item::Jump(None, _) | Item::Call => 5,
            Item::Jump(Some(_), _) | Item::Deep => 6,
        }
    }
}

pub struct Generator<'a> {
    random: &'a mut Random,
    items: Vec<Item>,
    frame: i32,
    mask: u8,
    calls: bool,
}

/// One function, from `random` alone.
pub fn function(random: &mut Random) -> Vec<u8> {
    let calls = random.one_in(3);
    let mask = random.pick(&[11, 12, 3]);
    let mut g = Generator {
        random,
        items: Vec::new(),
        frame: 0,
        mask,
        calls,
    };
    g.build();
    g.encode()
}

impl Generator<'_> {
    fn code(&mut self, bytes: Vec<u8>) {
        self.items.push(Item::Code(bytes));
    }

    fn build(&mut self) {
        let saved = self
            .random
            .index(CALLEE_SAVED.len() + 1)
            .max(usize::from(self.mask != 11) * 3);
        for r in &CALLEE_SAVED[..saved] {
            self.push(*r);
        }
        self.frame = 8 * self.random.below(8) as i32;
        let frame = self.frame;
        self.adjust(-frame);
        // Some slots get values before the body; the rest shows what unwritten slots do.
        for slot in 0..frame / 8 {
            if !self.random.one_in(4) {
                let r = self.register();
                self.store_slot(slot * 8, r);
            }
        }
        if self.calls {
            // test $0x200000, %esp; je to the ud2 at the end
            self.code(vec![0xf7, 0xc4, 0, 0, 0x20, 0]);
            self.items.push(Item::Deep);
        }
        let mask = self.mask;
        self.constant(mask, 0x7fff_ffff_ffff_ffff);
        let body = 8 + self.random.index(40);
        let first = self.items.len();
        while self.items.len() < first + body {
            self.step(first);
        }
        self.adjust(frame);
        for r in CALLEE_SAVED[..saved].iter().rev() {
            self.pop(*r);
        }
        self.code(vec![0xc3]);
        self.code(vec![0xcc]);
        self.code(vec![0x0f, 0x0b]);
        let end = self.items.len() - 3;
        for item in &mut self.items {
            if let Item::Jump(_, to) = item {
                *to = (*to).min(end);
            }
        }
    }

    fn encode(self) -> Vec<u8> {
        let mut starts = vec![TEXT];
        for item in &self.items {
            starts.push(starts[starts.len() - 1] + item.size());
        }
        let last = starts[self.items.len() - 1];
        let mut out = Vec::new();
        for (number, item) in self.items.iter().enumerate() {
            let next = starts[number + 1];
            let to = |target: u64| (target.wrapping_sub(next) as u32).to_le_bytes();
            match item {
                Item::Code(bytes) => out.extend_from_slice(bytes),
                Item::Jump(None, target) => {
                    out.push(0xe9);
                    out.extend(to(starts[*target]));
                }
                Item::Jump(Some(condition), target) => {
                    out.extend([0x0f, 0x80 | condition]);
                    out.extend(to(starts[*target]));
                }
                Item::Deep => {
                    out.extend([0x0f, 0x84]);
                    out.extend(to(last));
                }
                Item::Call => {
                    out.push(0xe8);
                    out.extend(to(GATE));
                }
            }
        }
        out
    }

    fn register(&mut self) -> u8 {
        self.random.pick(&POOL)
    }

    fn width(&mut self) -> Width {
        if self.random.one_in(2) {
            Width::B8
        } else {
            self.random.pick(&Width::ALL)
        }
    }

    fn push(&mut self, r: u8) {
        self.code(if r < 8 {
            vec![0x50 | r]
        } else {
            vec![0x41, 0x50 | (r & 7)]
        });
    }

    fn pop(&mut self, r: u8) {
        self.code(if r < 8 {
            vec![0x58 | r]
        } else {
            vec![0x41, 0x58 | (r & 7)]
        });
    }

    fn adjust(&mut self, by: i32) {
        if by != 0 {
            let bytes = by.to_le_bytes();
            self.code(legacy(
                Width::B8,
                &[],
                &[0x81],
                0,
                Operand::Register(RSP),
                &bytes,
            ));
        }
    }

    fn constant(&mut self, r: u8, value: u64) {
        let mut bytes = vec![0x48 | (r >> 3), 0xb8 | (r & 7)];
        bytes.extend(value.to_le_bytes());
        self.code(bytes);
    }

    fn store_slot(&mut self, offset: i32, r: u8) {
        let slot = Memory {
            base: Some(RSP),
            index: None,
            displacement: offset,
        };
        self.code(legacy(
            Width::B8,
            &[],
            &[0x89],
            r,
            Operand::Memory(slot),
            &[],
        ));
    }

    fn apply_mask(&mut self, r: u8) {
        let mask = self.mask;
        self.code(legacy(
            Width::B8,
            &[],
            &[0x21],
            mask,
            Operand::Register(r),
            &[],
        ));
    }

    /// An operand in the frame, mostly a whole slot.
    fn slot(&mut self) -> Operand {
        let reach = self.frame as u64 + 16;
        let mut displacement = (8 * self.random.below(reach / 8)) as i32;
        if self.random.one_in(6) {
            displacement += self.random.below(16) as i32 - 8;
        }
        Operand::Memory(Memory {
            base: Some(RSP),
            index: None,
            displacement,
        })
    }

    fn displacement(&mut self) -> i32 {
        let wild = self.random.next() as i32;
        self.random.pick(&[
            0,
            0,
            0,
            8,
            8,
            -8,
            16,
            0x100,
            -0x100,
            0x1000,
            0x10000,
            0x10001,
            0x10_0000,
            -0x1e_0000,
            -0x1f_0000,
            -0x1f_0001,
            -0x20_0000,
            0x4000_0000,
            0x7fff_ffff,
            i32::MIN,
            wild,
        ])
    }

    fn memory(&mut self) -> Operand {
        let base = if self.random.one_in(20) {
            None
        } else {
            Some(self.register())
        };
        let index = if self.random.one_in(4) {
            Some((self.register(), self.random.below(4) as u8))
        } else {
            None
        };
        Operand::Memory(Memory {
            base,
            index,
            displacement: self.displacement(),
        })
    }

    /// A register mostly, else memory or a slot.
    fn operand(&mut self) -> Operand {
        match self.random.below(8) {
            0 | 1 => self.slot(),
            2 => self.memory(),
            _ => Operand::Register(self.register()),
        }
    }

    fn step_constant(&mut self) -> i32 {
        let wild = self.random.next() as i32;
        self.random.pick(&[
            1,
            -1,
            8,
            -8,
            8,
            16,
            64,
            1024,
            -1024,
            -1025,
            0x10_0000,
            0x10_0001,
            -0x1f_0000,
            127,
            255,
            0xffff,
            0x7fff_ffff,
            i32::MIN,
            wild,
        ])
    }

    fn step(&mut self, first: usize) {
        let (r, width) = (self.register(), self.width());
        match self.random.below(40) {
            0..=5 => self.apply_mask(r),
            6..=9 => {
                // mov, loads and stores
                let rm = self.operand();
                let opcode = self.random.pick(&[0x88, 0x8a, 0x8a]);
                self.code(usual(width, &[opcode], r, rm, &[]));
            }
            10..=12 => {
                let rm = self.memory();
                let opcode = self.random.pick(&[0x88, 0x8a, 0x8a, 0x38]);
                self.code(usual(width, &[opcode], r, rm, &[]));
            }
            13..=15 => {
                let rm = self.operand();
                let opcode = (self.random.below(8) as u8) << 3 | self.random.pick(&[0, 2]);
                self.code(usual(width, &[opcode], r, rm, &[]));
            }
            16..=19 => {
                let rm = self.operand();
                let operation = self.random.pick(&[0, 0, 5, 4, 1, 6, 2, 3, 7]);
                let value = self.step_constant().to_le_bytes();
                let size = match width {
                    Width::B1 => 1,
                    Width::B2 => 2,
                    _ => 4,
                };
                self.code(usual(width, &[0x80], operation, rm, &value[..size]));
            }
            20..=22 => {
                let rm = self.memory();
                let width = self
                    .random
                    .pick(&[Width::B8, Width::B8, Width::B4, Width::B2]);
                self.code(legacy(width, &[], &[0x8d], r, rm, &[]));
            }
            23 => {
                let rm = self.operand();
                let operation = self.random.pick(&[0, 1, 4, 5, 7, 2, 3]);
                let count = self.random.pick(&[0, 1, 3, 31, 32, 33, 63, 64]);
                if self.random.one_in(4) {
                    self.code(usual(width, &[0xd2], operation, rm, &[]));
                } else {
                    self.code(usual(width, &[0xc0], operation, rm, &[count]));
                }
            }
            24 | 25 => self.extend(r),
            26 => {
                let s = self.register();
                self.push(s);
                self.pop(r);
            }
            27 => {
                let rm = self.operand();
                let wide = self.random.pick(&[Width::B8, Width::B4, Width::B2]);
                let (prefix, opcode): (&[u8], u8) = self.random.pick(&[
                    (&[], 0xbc),
                    (&[], 0xbd),
                    (&[0xf3], 0xbc),
                    (&[0xf3], 0xbd),
                    (&[0xf3], 0xb8),
                ]);
                self.code(legacy(wide, prefix, &[0x0f, opcode], r, rm, &[]));
            }
            28 => {
                let rm = self.operand();
                let opcode: &[u8] = self
                    .random
                    .pick(&[&[0x86][..], &[0x0f, 0xc0], &[0x0f, 0xb0]]);
                self.code(usual(width, opcode, r, rm, &[]));
            }
            29 => {
                let rm = self.operand();
                let operation = self.random.pick(&[2, 3, 4, 5, 6]);
                self.code(usual(width, &[0xf6], operation, rm, &[]));
            }
            30 => {
                let rm = self.operand();
                let operation = self.random.below(2) as u8;
                self.code(usual(width, &[0xfe], operation, rm, &[]));
            }
            31 => self.small(r),
            32 | 33 => self.bits(r),
            34 => self.bmi(r),
            35 => self.vector(r),
            36 => {
                if self.calls {
                    self.items.push(Item::Call);
                } else {
                    self.walk(r);
                }
            }
            37 => self.walk(r),
            38 => {
                let to = first + self.random.index(50);
                let condition = self.random.below(16) as u8;
                self.items.push(Item::Jump(Some(condition), to));
            }
            _ => {
                let value = self.random.pick(&[
                    0,
                    1,
                    63,
                    64,
                    0xffff,
                    0x7fff_ffff,
                    1 << 31,
                    1 << 47,
                    0xfeff_ffff_ffff_0000,
                    u64::MAX,
                ]);
                self.constant(r, value);
            }
        }
    }

    /// movzx, movsx, movsxd, imul, cmov, setcc.
    fn extend(&mut self, r: u8) {
        let rm = self.operand();
        let wide = self.random.pick(&[Width::B8, Width::B4, Width::B2]);
        let condition = self.random.below(16) as u8;
        let opcode = match self.random.below(8) {
            0 => 0xb6,
            1 => 0xb7,
            2 => 0xbe,
            3 => 0xbf,
            4 => 0xaf,
            5 => {
                return self.code(legacy(
                    Width::B1,
                    &[],
                    &[0x0f, 0x90 | condition],
                    0,
                    rm,
                    &[],
                ));
            }
            6 => return self.code(legacy(wide, &[], &[0x63], r, rm, &[])),
            _ => 0x40 | condition,
        };
        self.code(legacy(wide, &[], &[0x0f, opcode], r, rm, &[]));
    }

    /// One-byte things: cdqe, cqo, nop that looks like xchg, bswap, xchg with rax.
    fn small(&mut self, r: u8) {
        let rex = 0x48 | (r >> 3);
        let bytes = match self.random.below(8) {
            0 => vec![0x48, 0x98],
            1 => vec![0x48, 0x99],
            2 => vec![0x99],
            3 => vec![0x90],
            4 => vec![rex, 0x0f, 0xc8 | (r & 7)],
            5 => vec![0x40 | (r >> 3), 0x90 | (r & 7)],
            6 => vec![rex, 0x90 | (r & 7)],
            _ => vec![0x66, 0x98],
        };
        self.code(bytes);
    }

    /// bt, bts, btr, btc, shld, shrd.
    fn bits(&mut self, r: u8) {
        let wide = self.random.pick(&[Width::B8, Width::B4]);
        let s = self.register();
        let count = self.random.pick(&[0, 1, 31, 62, 63, 127]);
        let rm = Operand::Register(s);
        if self.random.one_in(3) {
            let opcode = self.random.pick(&[0xa3, 0xab, 0xb3, 0xbb]);
            self.code(legacy(wide, &[], &[0x0f, opcode], r, rm, &[]));
        } else if self.random.one_in(4) {
            let opcode = self.random.pick(&[0xa4, 0xac]);
            self.code(legacy(wide, &[], &[0x0f, opcode], r, rm, &[count]));
        } else {
            let rm = if self.random.one_in(4) {
                self.slot()
            } else {
                rm
            };
            let operation = self.random.pick(&[4, 5, 6, 6, 7]);
            self.code(legacy(wide, &[], &[0x0f, 0xba], operation, rm, &[count]));
        }
    }

    fn bmi(&mut self, r: u8) {
        let (s, wide) = (self.register(), self.random.one_in(2));
        let rm = self.operand();
        let bytes = match self.random.below(9) {
            0 => vex(2, 0, wide, 0xf2, r, s, rm, &[]),
            1 => vex(2, 0, wide, 0xf3, self.random.pick(&[1, 2, 3]), r, rm, &[]),
            2 => vex(2, 0, wide, 0xf5, r, s, rm, &[]),
            3 => vex(2, 0, wide, 0xf7, r, s, rm, &[]),
            4 => vex(2, 1, wide, 0xf7, r, s, rm, &[]),
            5 => vex(2, 2, wide, 0xf7, r, s, rm, &[]),
            6 => vex(2, 3, wide, 0xf7, r, s, rm, &[]),
            7 => vex(2, 3, wide, 0xf6, r, s, rm, &[]),
            _ => vex(
                3,
                3,
                wide,
                0xf0,
                r,
                0,
                rm,
                &[self.random.pick(&[0, 1, 31, 63])],
            ),
        };
        self.code(bytes);
    }

    /// Moves between vector registers, memory, slots and general registers.
    fn vector(&mut self, r: u8) {
        let x = self.random.below(2) as u8;
        let rm = if self.random.one_in(2) {
            self.slot()
        } else {
            self.operand()
        };
        let memory = match rm {
            Operand::Memory(_) => rm,
            Operand::Register(_) => self.memory(),
        };
        let bytes = match self.random.below(5) {
            0 => legacy(Width::B4, &[], &[0x0f, 0x10], x, memory, &[]),
            1 => legacy(Width::B4, &[], &[0x0f, 0x11], x, memory, &[]),
            2 => legacy(Width::B8, &[0x66], &[0x0f, 0x6e], x, rm, &[]),
            3 => legacy(Width::B8, &[0x66], &[0x0f, 0x7e], x, rm, &[]),
            _ => legacy(
                Width::B4,
                &[0x66],
                &[0x0f, 0x7e],
                x,
                Operand::Register(r),
                &[],
            ),
        };
        self.code(bytes);
    }

    /// Mask, then access and step in a loop: proof by access.
    fn walk(&mut self, r: u8) {
        self.apply_mask(r);
        let start = self.items.len();
        for _ in 0..1 + self.random.below(2) {
            if self.random.one_in(5) {
                self.extend(r);
            }
            let displacement = self.displacement();
            let s = self.register();
            let base = if self.random.one_in(4) {
                self.code(legacy(
                    Width::B8,
                    &[],
                    &[0x89],
                    r,
                    Operand::Register(s),
                    &[],
                ));
                s
            } else {
                r
            };
            let memory = Operand::Memory(Memory {
                base: Some(base),
                index: None,
                displacement,
            });
            let s = self.register();
            let opcode = self.random.pick(&[0x88, 0x8a, 0x02, 0x38]);
            let width = self.random.pick(&Width::ALL);
            self.code(usual(width, &[opcode], s, memory, &[]));
        }
        let by = self.step_constant().to_le_bytes();
        let operation = self.random.pick(&[0, 0, 5]);
        self.code(legacy(
            Width::B8,
            &[],
            &[0x81],
            operation,
            Operand::Register(r),
            &by,
        ));
        let back = start + self.random.index(2);
        self.items.push(Item::Jump(Some(5), back));
        if self.random.one_in(2) {
            let displacement = self.displacement();
            let memory = Operand::Memory(Memory {
                base: Some(r),
                index: None,
                displacement,
            });
            self.code(usual(Width::B8, &[0x8a], 0, memory, &[]));
        }
    }
}
