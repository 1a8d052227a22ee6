//! An encoder of our own, so that the oracle does not share a decoder's idea of an encoding.

#[derive(Clone, Copy, Debug)]
pub struct Memory {
    pub base: Option<u8>,
    /// Register (not 4) and log2 of its scale.
    pub index: Option<(u8, u8)>,
    pub displacement: i32,
}

#[derive(Clone, Copy, Debug)]
pub enum Operand {
    Register(u8),
    Memory(Memory),
}

/// How wide an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    B1,
    B2,
    B4,
    B8,
}

impl Width {
    pub const ALL: [Width; 4] = [Width::B1, Width::B2, Width::B4, Width::B8];
}

/// ModRM, SIB and displacement, and the REX bits R, X, B.
fn modrm(reg: u8, rm: Operand) -> (u8, Vec<u8>) {
    let mut rex = (reg >> 3) << 2;
    let field = (reg & 7) << 3;
    match rm {
        Operand::Register(r) => {
            rex |= r >> 3;
            (rex, vec![0xc0 | field | (r & 7)])
        }
        Operand::Memory(m) => {
            // Always SIB with a 32-bit displacement: one form for all.
            let index = match m.index {
                Some((register, scale)) => {
                    rex |= (register >> 3) << 1;
                    (scale << 6) | ((register & 7) << 3)
                }
                None => 0x20,
            };
            let (mode, base) = match m.base {
                Some(b) => {
                    rex |= b >> 3;
                    (0x80, b & 7)
                }
                None => (0, 5),
            };
            let mut out = vec![mode | field | 4, index | base];
            out.extend(m.displacement.to_le_bytes());
            (rex, out)
        }
    }
}

/// A legacy instruction: prefixes, REX if needed, opcode, ModRM, immediate.
pub fn legacy(
    width: Width,
    prefix: &[u8],
    opcode: &[u8],
    reg: u8,
    rm: Operand,
    imm: &[u8],
) -> Vec<u8> {
    let (mut rex, tail) = modrm(reg, rm);
    let mut out = Vec::new();
    if width == Width::B2 {
        out.push(0x66);
    }
    out.extend_from_slice(prefix);
    if width == Width::B8 {
        rex |= 8;
    }
    // With a REX prefix byte registers 4 to 7 are SPL.. instead of AH..; half of them get one.
    let byte = width == Width::B1 && (4..8).contains(&reg);
    if rex != 0 || byte {
        out.push(0x40 | rex);
    }
    out.extend_from_slice(opcode);
    out.extend(tail);
    out.extend_from_slice(imm);
    out
}

/// The same for the usual pair of opcodes: even for bytes, odd for the other widths.
pub fn usual(width: Width, opcode: &[u8], reg: u8, rm: Operand, imm: &[u8]) -> Vec<u8> {
    let mut opcode = opcode.to_vec();
    if width != Width::B1
        && let Some(last) = opcode.last_mut()
    {
        *last |= 1;
    }
    legacy(width, &[], &opcode, reg, rm, imm)
}

/// A VEX instruction of map 0F38 or 0F3A (BMI): `pp` is 0, 1 (66), 2 (F3), 3 (F2).
#[expect(
    clippy::too_many_arguments,
    reason = "they are the fields of the encoding"
)]
pub fn vex(
    map: u8,
    pp: u8,
    wide: bool,
    opcode: u8,
    reg: u8,
    v: u8,
    rm: Operand,
    imm: &[u8],
) -> Vec<u8> {
    let (rex, tail) = modrm(reg, rm);
    let inverted = ((rex >> 2 & 1) ^ 1) << 7 | ((rex >> 1 & 1) ^ 1) << 6 | ((rex & 1) ^ 1) << 5;
    let mut out = vec![
        0xc4,
        inverted | map,
        u8::from(wide) << 7 | (!v & 15) << 3 | pp,
        opcode,
    ];
    out.extend(tail);
    out.extend_from_slice(imm);
    out
}
