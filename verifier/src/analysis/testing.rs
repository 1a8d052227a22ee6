//! What one instruction does to intervals, for the test that compares it with the processor; and what the library's own tests share.

use alloc::vec::Vec;

use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory};

use super::cell::Cell;
use super::context::{Context, Sink};
use super::state::{RSP, State};
use super::value::{Interval, Value};
use super::{allow, op, transfer};
use crate::features::Features;
use crate::image::{Function, Image};
use crate::manifest::{Level, Strength};

/// A register as the analysis knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// The interval's bounds.
    pub bounds: (i128, i128),
    /// Registers of one identity other than 0 differ by their deltas.
    pub identity: (u32, i64),
}

/// An image without anything in it.
pub(super) fn empty_image(features: Features) -> Image {
    Image {
        base: 0x40_0000,
        bytes: Vec::new(),
        text: 0..0,
        tables: 0..0,
        functions: Vec::new(),
        segments: Vec::new(),
        level: Level::Mask,
        strength: Strength::Architectural,
        features,
        digest: None,
    }
}

/// Of such an image: one instruction needs no more.
pub(super) fn context(image: &Image) -> Context<'_> {
    Context {
        image,
        level: image.level,
        strength: image.strength,
        starts: Vec::new(),
        span: (0x40_0000, 0x50_0000),
    }
}

/// Pseudorandom numbers of the library's own tests (xorshift, not 0): the same in each run.
#[cfg(test)]
pub(super) struct Random(pub(super) u64);

#[cfg(test)]
impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `n`.
    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

/// Executes the one instruction `bytes` on registers in `intervals`. `None`: it is refused, moves RSP or
/// transfers control. Of a register of which nothing is known as a number, `None` is returned.
pub fn execute(
    bytes: &[u8],
    intervals: &[(i128, i128); 16],
    features: Features,
) -> Option<(Instruction, [Option<Known>; 16])> {
    let mut decoder = Decoder::with_ip(64, bytes, 0x40_4000, DecoderOptions::NONE);
    let instruction = decoder.decode();
    if instruction.is_invalid() || instruction.flow_control() != FlowControl::Next {
        return None;
    }
    allow::check(&instruction, bytes.get(..instruction.len())?).ok()?;
    let op = op::describe(&mut InstructionInfoFactory::new(), &instruction).ok()?;
    if op.writes_sp {
        return None;
    }
    let image = empty_image(features);
    let context = context(&image);
    let mut state = State::entry();
    for (r, &(lo, hi)) in intervals.iter().enumerate().filter(|(r, _)| *r != RSP) {
        state.set_register(r, Cell::number(Interval::new(lo, hi)));
    }
    let mut sink = Sink::new(&Function { start: 0, size: 0 }, None);
    if !transfer::step(&context, &mut state, &op, &mut sink) || sink.failed {
        return None;
    }
    let known = core::array::from_fn(|r| match state.value(r) {
        Value::Number(i) | Value::Anchored(i) => Some(Known {
            bounds: (i.lo, i.hi),
            identity: (state.register(r).id, state.register(r).delta),
        }),
        _ => None,
    });
    Some((instruction, known))
}
