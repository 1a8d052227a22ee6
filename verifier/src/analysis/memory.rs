//! Rules 6, 7, 8, 9 and 10: where an explicit memory operand may point.

use alloc::format;

use iced_x86::Mnemonic::*;

use crate::manifest::Level;
use crate::rule::Rule;

use super::cell::Anchor;
use super::context::{Context, Sink};
use super::op::{Memory, Op, X87, hint, masked_move};
use super::state::{RSP, State, Unreadable};
use super::value::{Interval, Value};

/// Rule 7: below zero the unmapped top of the address space, less a margin.
const LOW: i128 = -(1 << 21) + (1 << 16);
/// Rule 7: exclusive; the non-canonical hole ends at 0xff00_0000_0000_0000 with 5-level paging.
const HIGH: i128 = 0xff00_0000_0000_0000 - 4096;

/// Rule 7. An interval wholly below the allowed one is the same set of addresses 2^64 higher.
fn is_safe(i: Interval) -> bool {
    let i = if i.hi < LOW {
        i.add(Interval {
            lo: 1 << 64,
            hi: 1 << 64,
        })
    } else {
        i
    };
    i.lo >= LOW && i.hi < HIGH
}

/// What an access was proved to be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// No access (`lea`, `nop`), or one that was refused.
    Nothing,
    /// The frame, at this distance from the return-address slot.
    Frame(i32),
    /// Entries `lo..=hi` of a table in the box.
    Table { table: u64, lo: u32, hi: u32 },
    /// Fixed or `fs:`.
    Elsewhere,
    /// Ordinary memory; with what rule 6 may take from it: the base's identity and the displacement.
    Ordinary(Option<Anchor>),
}

/// The address as an interval of unwrapped integers.
fn address(context: &Context<'_>, state: &State, m: &Memory) -> Option<Interval> {
    let part = |r: Option<u8>, scale: u8| match r {
        None => Some(Interval { lo: 0, hi: 0 }),
        Some(r) => match state.value(r.into()).linear(&|a| context.range(a))? {
            // Scaling would enlarge what rule 6 leaves open.
            (_, true) if scale > 1 => Some(Interval::FULL),
            (n, _) if scale == 1 => Some(n),
            (n, _) => Some(n.scale(i128::from(scale))),
        },
    };
    let d = i128::from(m.displacement);
    Some(
        part(m.base, 1)?
            .add(part(m.index, m.scale)?)
            .add(Interval { lo: d, hi: d }),
    )
}

/// Checks the instruction's explicit access.
// Inlined, with what it calls for most instructions: it is called in one place, and what it returns is large.
#[inline(always)]
pub(super) fn access(context: &Context<'_>, state: &State, op: &Op, sink: &mut Sink<'_>) -> Place {
    let Some(m) = op.memory else {
        return Place::Nothing;
    };
    if !m.read && !m.write {
        return Place::Nothing;
    }
    sink.stats.accesses += 1;
    if m.fs {
        return thread_local(context, state, &m, sink);
    }
    if m.fixed {
        return fixed(context, &m, sink);
    }
    for r in [m.base, m.index].into_iter().flatten() {
        if !state.is_data(r.into()) && state.stack(r.into()).is_none() {
            sink.fail(Rule::R4, || (
                "a value that may only be moved (a caller's register, or unequal values of two paths) is an address".into(),
                "load and mask the pointer on every path to here",
            ));
            return Place::Nothing;
        }
    }
    if let Some(base) = m.base.map(usize::from)
        && let Some(k) = state.stack(base)
    {
        return frame(state, k, base, &m, op, sink);
    }
    if m.index.is_some_and(|i| state.stack(i.into()).is_some()) {
        sink.fail(Rule::R9, || {
            (
                "a safe-stack address is an index".into(),
                "use a constant offset from RSP",
            )
        });
        return Place::Nothing;
    }
    if let Some(place) = table(context, state, &m) {
        return place;
    }
    ordinary(context, state, op, &m, sink)
}

/// Rule 8: `fs:` with an interval within [-2^20, 2^31).
fn thread_local(context: &Context<'_>, state: &State, m: &Memory, sink: &mut Sink<'_>) -> Place {
    let ok = !m.fixed
        && address(context, state, m)
            .is_some_and(|i| i.lo >= -(1 << 20) && i.hi < (1 << 31) - i128::from(m.size));
    if !ok {
        sink.fail(Rule::R8, || {
            (
                "a thread-local access is not bounded to [-2^20, 2^31) of FS".into(),
                "add the thread pointer to the offset and mask the sum",
            )
        });
        return Place::Nothing;
    }
    sink.stats.fixed_accesses += 1;
    Place::Elsewhere
}

/// Rule 8: a RIP-relative access hits one load segment.
fn fixed(context: &Context<'_>, m: &Memory, sink: &mut Sink<'_>) -> Place {
    let start = m.displacement as u64;
    let inside = start.checked_add(m.size as u64).is_some_and(|end| {
        context
            .image
            .segments
            .iter()
            .any(|s| s.start <= start && s.end().is_some_and(|e| end <= e))
    });
    if !inside || m.index.is_some() {
        sink.fail(Rule::R8, || (
            format!("the RIP-relative address {start:#x} (+{} bytes) is in no load segment of the image", m.size),
            "only objects of the image itself may be reached this way",
        ));
        return Place::Nothing;
    }
    sink.stats.fixed_accesses += 1;
    Place::Elsewhere
}

/// Rule 9: constant offset, within [RSP, return-address slot).
fn frame(state: &State, k: i32, base: usize, m: &Memory, op: &Op, sink: &mut Sink<'_>) -> Place {
    if m.index.is_some() {
        sink.fail(Rule::R9, || {
            (
                "a safe-stack access with an index".into(),
                "locals that are indexed belong on the unsafe stack",
            )
        });
        return Place::Nothing;
    }
    // `pop` computes an address off RSP after it raised RSP.
    let raised = if op.mnemonic() == Pop { 8 } else { 0 };
    let offset = i64::from(k) + m.displacement + if base == RSP { raised } else { 0 };
    let end = offset + i64::from(m.size);
    if offset < i64::from(state.sp()) + raised || end > 0 {
        sink.fail(Rule::R9, || (
            format!("a safe-stack access at {offset}..{end} from the return-address slot, outside the frame [{}, 0)", state.sp()),
            "no stack arguments, nothing below RSP",
        ));
        return Place::Nothing;
    }
    if hint(op.mnemonic()) || masked_move(op.mnemonic()) {
        sink.fail(Rule::R9, || {
            (
                "a hint or masked move on the safe stack".into(),
                "use a plain move",
            )
        });
        return Place::Nothing;
    }
    sink.stats.stack_accesses += 1;
    Place::Frame(offset as i32)
}

/// Rule 12: the load of a jump table's entry.
fn table(context: &Context<'_>, state: &State, m: &Memory) -> Option<Place> {
    let (base, index) = (usize::from(m.base?), usize::from(m.index?));
    if m.scale != 4 || m.size != 4 || m.displacement != 0 || m.write {
        return None;
    }
    let (Value::Address(table), Value::Number(i)) = (state.value(base), state.value(index)) else {
        return None;
    };
    let tables = &context.image.tables;
    if !i.exact() || table % 4 != 0 || table < tables.start {
        return None;
    }
    // A table that these numbers do not reach is larger than any file.
    let (lo, hi) = (u32::try_from(i.lo).ok()?, u32::try_from(i.hi).ok()?);
    let end = (u64::from(hi) + 1).checked_mul(4)?.checked_add(table)?;
    (end <= tables.end).then_some(Place::Table { table, lo, hi })
}

/// Rule 7, by level (rule 14).
#[inline(always)]
fn ordinary(
    context: &Context<'_>,
    state: &State,
    op: &Op,
    m: &Memory,
    sink: &mut Sink<'_>,
) -> Place {
    let needed = match context.level {
        Level::Mask => true,
        Level::Pks => m.write,
        Level::Spap => false,
    };
    let Some(i) = address(context, state, m) else {
        sink.fail(Rule::R4, || {
            ("the address is not a number".into(), "mask the pointer")
        });
        return Place::Nothing;
    };
    let safe = is_safe(i);
    if needed && !safe {
        sink.fail(Rule::R7, || {
            let why = if op.memory.is_some_and(|m| m.base.is_none() && m.index.is_none()) {
                "the constant address lies in the kernel half".into()
            } else {
                format!("the address lies in [{:#x}, {:#x}], which reaches the kernel half", Hex(i.lo), Hex(i.hi))
            };
            (why, "clear bit 63 of the base on every path (and keep the index in 32 bits, or mask the sum)")
        });
        return Place::Nothing;
    }
    // Rule 6: no index; the address register itself; certain to access.
    let proves = safe
        && m.index.is_none()
        && !hint(op.mnemonic())
        && !masked_move(op.mnemonic())
        // An x87 store that raises an unmasked exception neither accesses nor faults.
        && op.x87 == X87::None
        && !matches!(
            op.mnemonic(),
            Cmova | Cmovae | Cmovb | Cmovbe | Cmove | Cmovg | Cmovge | Cmovl | Cmovle | Cmovne | Cmovno | Cmovnp
                | Cmovns | Cmovo | Cmovp | Cmovs
        )
        && match context.level {
            Level::Mask => m.read || m.certain_write,
            Level::Pks => m.certain_write,
            Level::Spap => false,
        };
    let anchor = match m.base.map(usize::from) {
        Some(register) if proves && register != RSP => state.anchor(register, m.displacement),
        _ => None,
    };
    Place::Ordinary(anchor)
}

/// Rule 10: a string instruction's address register.
pub(super) fn string_address(
    context: &Context<'_>,
    state: &State,
    register: usize,
    write: bool,
    sink: &mut Sink<'_>,
) {
    sink.stats.accesses += 1;
    let value = state.value(register);
    let Some((i, _)) = value.linear(&|a| context.range(a)) else {
        sink.fail(Rule::R10, || {
            (
                "a string instruction's address is no number".into(),
                "string instructions take masked user addresses",
            )
        });
        return;
    };
    let needed = match context.level {
        Level::Mask => true,
        Level::Pks => write,
        Level::Spap => false,
    };
    if needed && !is_safe(i) {
        sink.fail(Rule::R10, || {
            (
                format!(
                    "a string instruction starts in [{:#x}, {:#x}], which reaches the kernel half",
                    Hex(i.lo),
                    Hex(i.hi)
                ),
                "clear bit 63 of RSI and RDI before it",
            )
        });
    }
}

/// Why the frame's bytes cannot be read as data.
pub(super) fn unreadable(why: &Unreadable, sink: &mut Sink<'_>) {
    match why {
        Unreadable::Unwritten => sink.fail(Rule::R9, || (
            "bytes of the safe stack are read that were not written on every path".into(),
            "write the slot first",
        )),
        Unreadable::NotData => sink.fail(Rule::R4, || (
            "a slot that holds a stack address, a caller's register or unequal values is read as data".into(),
            "such slots may only be moved whole",
        )),
    }
}

/// Signed hexadecimal.
struct Hex(i128);

impl core::fmt::LowerHex for Hex {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        if self.0 < 0 {
            write!(f, "-{:#x}", -self.0)
        } else {
            write!(f, "{:#x}", self.0)
        }
    }
}
