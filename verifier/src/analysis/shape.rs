//! Descriptions of instructions, remembered: a program has far fewer kinds of instructions than
//! instructions, and describing one costs more than decoding it.

use alloc::format;
use alloc::vec::Vec;

use iced_x86::{Instruction, InstructionInfoFactory, Mnemonic, OpKind};

use crate::features::Features;
use crate::rule::Rule;

use super::context::Sink;
use super::op::{self, Op};

/// Places for descriptions. A kind has one place only, so whatever the code, this is all the memory.
const PLACES: usize = 1 << PLACE_BITS;
const PLACE_BITS: u32 = 13;

/// Descriptions of instructions of the allowed kind.
pub(super) struct Shapes {
    factory: InstructionInfoFactory,
    places: Vec<Option<Shape>>,
}

struct Shape {
    /// See [`key`]: equal keys have equal descriptions.
    key: Instruction,
    op: Op,
    features: Features,
}

impl Shapes {
    pub(super) fn new() -> Shapes {
        Shapes {
            factory: InstructionInfoFactory::new(),
            places: (0..PLACES).map(|_| None).collect(),
        }
    }

    /// The description of an instruction, with the CPU features that it needs, if such a one was
    /// described before without a complaint. Its prefixes are not looked at.
    pub(super) fn find(&self, instruction: &Instruction) -> Option<(Op, Features)> {
        let key = key(instruction);
        let shape = self.places.get(place(&key))?.as_ref()?;
        (shape.key == key).then(|| (shape.op.of(instruction), shape.features))
    }

    /// Describes an instruction that [`allow::check`](super::allow::check) allows, and says which CPU
    /// features it needs.
    pub(super) fn describe(
        &mut self,
        instruction: &Instruction,
        sink: &mut Sink<'_>,
    ) -> (Option<Op>, Features) {
        let (mut features, mut known) = (Features::default(), true);
        for &feature in instruction.cpuid_features() {
            match Features::from_iced(feature) {
                // `tzcnt` is checked as what it is on every CPU (rule 4), so it demands none.
                Some(_) if instruction.mnemonic() == Mnemonic::Tzcnt => {}
                // A nop without CET.
                _ if instruction.mnemonic() == Mnemonic::Endbr64 => {}
                Some(f) => features |= f,
                None => {
                    known = false;
                    sink.fail(Rule::R3, || (format!("the instruction needs the CPU feature {feature:?}, which is not allowed"), "compile for x86-64-v3 or less"));
                }
            }
        }
        match op::describe(&mut self.factory, instruction) {
            Ok(op) => {
                let key = key(instruction);
                if let (true, Some(place)) = (known, self.places.get_mut(place(&key))) {
                    *place = Some(Shape { key, op, features });
                }
                (Some(op), features)
            }
            Err(why) => {
                sink.fail(Rule::R3, || {
                    (why.into(), "the instruction's form is not allowed")
                });
                (None, features)
            }
        }
    }
}

/// The instruction without what neither `allow::check` (prefixes aside) nor `op::describe` looks at:
/// displacements, targets of branches, and immediates but for what a shift's count means to the flags
/// (shifts by 0 leave them alone). Comparing instructions leaves out address and length.
fn key(instruction: &Instruction) -> Instruction {
    let mut key = *instruction;
    for i in 0..instruction.op_count() {
        match instruction.op_kind(i) {
            OpKind::Memory => key.set_memory_displacement64(0),
            OpKind::NearBranch64 => key.set_near_branch64(0),
            OpKind::Immediate32 | OpKind::Immediate8to32 | OpKind::Immediate8to64 => {
                key.set_immediate32(0);
            }
            OpKind::Immediate32to64 => key.set_immediate32to64(0),
            OpKind::Immediate64 => key.set_immediate64(0),
            OpKind::Immediate8 => key.set_immediate8((instruction.rflags_modified() != 0).into()),
            _ => {}
        }
    }
    key
}

/// Where a key's description is, if it is known.
fn place(key: &Instruction) -> usize {
    let parts = [
        key.code() as u64,
        key.op0_register() as u64,
        key.op1_register() as u64,
        key.memory_base() as u64,
        key.memory_index() as u64 ^ (u64::from(key.memory_index_scale()) << 3),
        key.op2_register() as u64,
        u64::from(key.immediate8()),
    ];
    let mut hash = 0u64;
    for part in parts {
        hash = (hash.rotate_left(9) ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    (hash >> (u64::BITS - PLACE_BITS)) as usize
}

#[cfg(test)]
mod tests {
    use iced_x86::{Decoder, DecoderOptions};

    use super::super::allow;
    use super::*;
    use crate::image::Function;

    /// What is remembered is what would be found out anew, whatever displacement and immediate.
    #[test]
    fn remembered_as_described() {
        let mut shapes = Shapes::new();
        let function = Function { start: 0, size: 0 };
        let mut sink = Sink::new(&function, None);
        let mut seed = 0x9e37_79b9_7f4a_7c15u64;
        let mut next = || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed
        };
        let (mut remembered, mut shifts) = (0, 0);
        for _ in 0..100_000 {
            let mut bytes = [next().to_le_bytes(), next().to_le_bytes()].concat();
            match next() % 4 {
                0 => bytes[0] = 0x48,
                // Shifts by a number of few bits, with few registers.
                1 => {
                    bytes[0] = [0xc0, 0xc1][(next() % 2) as usize];
                    bytes[1] |= 0xc0;
                    bytes[2] &= 0x23;
                }
                _ => {}
            }
            let instruction = Decoder::with_ip(64, &bytes, next(), DecoderOptions::NONE).decode();
            let encoded = &bytes[..instruction.len()];
            if instruction.is_invalid() || allow::check(&instruction, encoded).is_err() {
                continue;
            }
            if let Some((op, features)) = shapes.find(&instruction) {
                remembered += 1;
                shifts += u32::from(instruction.op1_kind() == OpKind::Immediate8);
                let (anew, needed) = Shapes::new().describe(&instruction, &mut sink);
                let anew = anew.expect("it was described before");
                assert_eq!(format!("{op:?}"), format!("{anew:?}"));
                assert_eq!(features, needed);
            } else {
                shapes.describe(&instruction, &mut sink);
            }
        }
        assert!(remembered > 2000 && shifts > 200, "{remembered} {shifts}");
    }
}
