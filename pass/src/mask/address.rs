//! What an address is made of: a base, a constant offset, bounded variable parts.

use super::bounds;
use crate::llvm::{Layout, Opcode, Value};

/// Constant offsets below and above a masked base that rule 7 certainly allows, with room for the
/// access itself (the rule: down to -(2^21 - 2^16); up as far as a displacement can reach).
pub const LOWEST: i64 = -(1 << 20);
/// See [`LOWEST`].
pub const HIGHEST: i64 = (1 << 31) - (1 << 16);
/// Sum of the variable parts: masked base + this stays far below 2^64 - 2^56 (rule 7).
pub const MOST_VARIABLE: u128 = 1 << 61;

/// What one `getelementptr` adds to its base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The constant part in bytes.
    pub constant: i64,
    /// Upper bound of the variable part, which is never negative; `None` if there is no bound.
    pub variable: Option<u128>,
    /// Is there a variable part at all?
    pub has_variable: bool,
}

/// What a `getelementptr` adds; `None` for vectors of pointers and what is no `getelementptr`.
pub fn step(layout: Layout, gep: Value) -> Option<Step> {
    let mut ty = gep.gep_source_type()?;
    if !gep.ty().is_pointer() || gep.operand(0).is_none_or(|b| !b.ty().is_pointer()) {
        return None;
    }
    let mut constant = 0i64;
    let mut variable = Some(0u128);
    let mut has_variable = false;
    for n in 1..gep.operand_count() {
        let index = gep.operand(n)?;
        if n > 1 {
            if ty.is_struct() {
                let field = index.const_u64()? as u32;
                constant = constant.checked_add(layout.field_offset(ty, field) as i64)?;
                ty = *ty.fields().get(field as usize)?;
                continue;
            }
            ty = ty.element()?;
        }
        let size = layout.abi_size(ty);
        if let Some(c) = index.const_i64() {
            constant = constant.wrapping_add(c.wrapping_mul(size as i64));
            continue;
        }
        has_variable = true;
        // Indices are sign extended to 64 bits: a narrower one has no useful lower bound.
        let bound = (index.ty().int_width() == 64 && !bounds::subtracts(size))
            .then(|| bounds::upper(index))
            .flatten();
        variable = match (variable, bound) {
            (Some(sum), Some(b)) => b
                .checked_mul(u128::from(size))
                .and_then(|b| sum.checked_add(b)),
            _ => None,
        };
    }
    Some(Step {
        constant,
        variable,
        has_variable,
    })
}

/// The constant a `getelementptr` adds, if it adds nothing else.
pub fn constant_step(layout: Layout, gep: Value) -> Option<i64> {
    step(layout, gep)
        .filter(|s| !s.has_variable)
        .map(|s| s.constant)
}

/// An address taken apart.
#[derive(Debug, Clone)]
pub struct Address {
    /// What it starts from.
    pub base: Value,
    /// The `getelementptr`s between, the outermost first.
    pub chain: Vec<Value>,
    /// Sum of the constant parts.
    pub offset: i64,
    /// Upper bound of the sum of the variable parts.
    pub variable: u128,
    /// Is there a variable part?
    pub has_variable: bool,
}

impl Address {
    /// Just the pointer itself.
    pub fn whole(pointer: Value) -> Address {
        Address {
            base: pointer,
            chain: Vec::new(),
            offset: 0,
            variable: 0,
            has_variable: false,
        }
    }
    /// Looks through `getelementptr`s as long as a mask on the base covers the sum.
    pub fn of(layout: Layout, pointer: Value, variables: bool) -> Address {
        let mut address = Address::whole(pointer);
        while address.base.is_gep() {
            let Some(step) = step(layout, address.base) else {
                break;
            };
            let (Some(variable), Some(offset)) =
                (step.variable, address.offset.checked_add(step.constant))
            else {
                break;
            };
            let variable = variable + address.variable;
            if !(LOWEST..=HIGHEST).contains(&offset)
                || variable > MOST_VARIABLE
                || (step.has_variable && !variables)
            {
                break;
            }
            let Some(base) = address.base.operand(0) else {
                break;
            };
            address.offset = offset;
            address.variable = variable;
            address.has_variable |= step.has_variable;
            address.chain.push(address.base);
            address.base = base;
        }
        address
    }
}

/// What is known of where an address points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A safe-stack slot at a constant offset (rule 9).
    Slot,
    /// A safe-stack local in a way that is not provable: `safestack.rs` should have moved it.
    BadSlot,
    /// A symbol of this image (rule 8), a thread-local at a constant offset, or a constant.
    Known,
    /// Anything: needs a mask.
    Anywhere,
}

/// Classifies an address of an access of `size` bytes. `local`: is the symbol of this image?
pub fn place(layout: Layout, address: &Address, size: u64, local: impl Fn(Value) -> bool) -> Place {
    let base = address.base;
    let inside = |whole: u64| {
        !address.has_variable
            && address.offset >= 0
            && (address.offset as u64)
                .checked_add(size)
                .is_some_and(|end| end <= whole)
    };
    if let Some(ty) = base.allocated_type() {
        let count = base.operand(0).and_then(Value::const_u64).unwrap_or(0);
        let fits = inside(layout.abi_size(ty).saturating_mul(count));
        return if fits { Place::Slot } else { Place::BadSlot };
    }
    if base
        .intrinsic()
        .is_some_and(|n| n.starts_with("llvm.threadlocal.address"))
    {
        return if address.has_variable || address.offset < 0 {
            Place::Anywhere
        } else {
            Place::Known
        };
    }
    if base.is_global_variable() {
        if base.is_thread_local() {
            return if address.has_variable || address.offset < 0 {
                Place::Anywhere
            } else {
                Place::Known
            };
        }
        if !local(base) {
            return Place::Anywhere;
        }
        let whole = base.value_type().map_or(0, |t| layout.abi_size(t));
        // With a bounded index the address is computed into a register first, where a small excess
        // does no harm.
        let near = address.has_variable && address.offset >= 0;
        return if inside(whole) || near {
            Place::Known
        } else {
            Place::Anywhere
        };
    }
    if base.as_function().is_some() {
        return if local(base) {
            Place::Known
        } else {
            Place::Anywhere
        };
    }
    if base.is_null() {
        return if address.offset >= 0 {
            Place::Known
        } else {
            Place::Anywhere
        };
    }
    if base.any_opcode() == Some(Opcode::LLVMIntToPtr) && base.is_const_expr() {
        let number = base.operand(0).and_then(Value::const_u64);
        if number.is_some_and(|n| n < 1 << 46) && address.offset >= 0 {
            return Place::Known;
        }
    }
    Place::Anywhere
}
