//! Descriptions of instructions, remembered: a program has far fewer kinds of instructions than
//! instructions, and describing one costs more than decoding it.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use iced_x86::{Code, Decoder, Instruction, InstructionInfoFactory, Mnemonic};

use crate::features::Features;
use crate::rule::Rule;

use super::context::Sink;
use super::op::{self, Form, Op};

/// Places for descriptions, at most: a kind has one place only, so whatever the code, this bounds the memory.
const MOST_BITS: u32 = 13;
/// And at least.
const LEAST_BITS: u32 = 6;
/// So many bytes of text for each: a program has fewer kinds of instructions than that.
const TEXT_PER_PLACE: u64 = 32;

/// Descriptions of instructions of the allowed kind.
pub(super) struct Shapes {
    factory: InstructionInfoFactory,
    /// Of each place: the kind that was there last, and where its description is in `shapes`.
    places: Vec<Option<(Key, u32)>>,
    shapes: Vec<(Form, Features)>,
    /// What is left of a hash is a place.
    shift: u32,
}

impl Shapes {
    /// For so many bytes of text.
    pub(super) fn new(text: u64) -> Shapes {
        let bits = (text / TEXT_PER_PLACE).checked_ilog2().unwrap_or(0);
        let bits = bits.clamp(LEAST_BITS, MOST_BITS);
        Shapes {
            factory: InstructionInfoFactory::new(),
            places: vec![None; 1 << bits],
            shapes: Vec::new(),
            shift: u64::BITS - bits,
        }
    }

    /// Where a key's description is, if it is known.
    fn place(&self, key: &Key) -> usize {
        (key.hash() >> self.shift) as usize
    }

    /// The form of instructions of this kind, with the CPU features that it needs, if such a one
    /// was described before without a complaint.
    #[inline(always)]
    pub(super) fn find(&self, key: &Key) -> Option<&(Form, Features)> {
        let (there, at) = self.places.get(self.place(key))?.as_ref()?;
        if there != key {
            return None;
        }
        self.shapes.get(*at as usize)
    }

    /// Remembers a description in place of the one that is where it belongs.
    fn keep(&mut self, key: Key, form: Form, features: Features) {
        let at = self.place(&key);
        let Some(place) = self.places.get_mut(at) else {
            return;
        };
        let next = self.shapes.len() as u32;
        let at = place.map_or(next, |(_, at)| at);
        if let Some(old) = self.shapes.get_mut(at as usize) {
            *old = (form, features);
        } else {
            self.shapes.push((form, features));
        }
        *place = Some((key, at));
    }

    /// Describes an instruction that [`allow::check`](super::allow::check) allows, and says which CPU
    /// features it needs. Others of its kind need neither be checked nor described.
    pub(super) fn describe(
        &mut self,
        instruction: &Instruction,
        key: Option<Key>,
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
                if let (true, Some(key)) = (known, key) {
                    self.keep(key, op.form, features);
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

/// What instructions have in common that neither `allow::check` nor `op::describe` can tell apart: all bytes
/// but those of displacement, immediate and branch target, and what a shift's count means to the flags
/// (shifts by 0 leave them alone).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Key {
    /// The bytes before displacement and immediate, and zeros.
    head: [u64; 2],
    code: Code,
    /// How many bytes there are in all, and in the head.
    length: u8,
    head_length: u8,
    /// An immediate of one byte lets the instruction change flags.
    flags: bool,
}

impl Key {
    /// Of the instruction that `decoder` has just decoded from the beginning of `bytes`. `None`: only
    /// that one is of its kind.
    #[inline(always)]
    pub(super) fn of(
        decoder: &Decoder<'_>,
        instruction: &Instruction,
        bytes: &[u8],
    ) -> Option<Key> {
        let parts = decoder.get_constant_offsets(instruction);
        let (displacement, immediate) = (parts.displacement_size(), parts.immediate_size());
        let length = instruction.len();
        let head = length.checked_sub(displacement + immediate)?;
        // These must be all that follows the head: no second immediate, no register in an immediate.
        let follows = (displacement == 0 || parts.displacement_offset() == head)
            && (immediate == 0 || parts.immediate_offset() == head + displacement)
            && !parts.has_immediate2();
        if !follows || !(1..=15).contains(&head) {
            return None;
        }
        let word = match bytes.first_chunk() {
            Some(whole) => u128::from_le_bytes(*whole),
            None => {
                let mut whole = [0; 16];
                whole
                    .iter_mut()
                    .zip(bytes)
                    .for_each(|(to, from)| *to = *from);
                u128::from_le_bytes(whole)
            }
        };
        let word = word & (u128::MAX >> (u128::BITS - 8 * head as u32));
        Some(Key {
            head: [word as u64, (word >> 64) as u64],
            code: instruction.code(),
            length: length as u8,
            head_length: head as u8,
            flags: immediate == 1 && instruction.rflags_modified() != 0,
        })
    }

    fn hash(&self) -> u64 {
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
        let [low, high] = self.head;
        let hash = (low ^ u64::from(self.flags) << 63).wrapping_mul(ODD);
        (hash.rotate_left(32) ^ high ^ u64::from(self.length)).wrapping_mul(ODD)
    }
}

#[cfg(test)]
mod tests {
    use iced_x86::{DecoderOptions, OpKind};

    use super::super::allow;
    use super::*;
    use crate::image::Function;

    /// What is remembered is what would be found out anew, whatever displacement and immediate.
    #[test]
    fn remembered_as_described() {
        let mut shapes = Shapes::new(1 << 16);
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
            let mut decoder = Decoder::with_ip(64, &bytes, next(), DecoderOptions::NONE);
            let instruction = decoder.decode();
            let key = Key::of(&decoder, &instruction, &bytes);
            let encoded = &bytes[..instruction.len()];
            let allowed = !instruction.is_invalid() && allow::check(&instruction, encoded).is_ok();
            let known = key.as_ref().and_then(|key| shapes.find(key));
            if let Some((form, features)) = known {
                assert!(allowed, "{encoded:02x?}");
                remembered += 1;
                shifts += u32::from(instruction.op1_kind() == OpKind::Immediate8);
                let (anew, needed) = Shapes::new(0).describe(&instruction, None, &mut sink);
                let anew = anew.expect("it was described before");
                assert_eq!(format!("{:?}", form.of(&instruction)), format!("{anew:?}"));
                assert_eq!(*features, needed);
            } else if allowed {
                shapes.describe(&instruction, key, &mut sink);
            }
        }
        assert!(remembered > 2000 && shifts > 200, "{remembered} {shifts}");
    }
}
