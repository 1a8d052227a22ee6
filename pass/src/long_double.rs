//! Bits and classes of a `long double`.
//!
//! Code generation stores its ten bytes and loads the last two as four, of which two were never written:
//! rule 9 of the contract refuses that. Here the two halves are loaded as what they are.

use crate::expand::Slots;
use crate::llvm::{Builder, IntPredicate, Module, Opcode, RealPredicate, Type, TypeKind, Value};

/// Expands `i` if it takes a `long double` apart: `llvm.is.fpclass`, a comparison with infinity, and a cast to an integer.
pub fn run(module: &Module<'_>, i: Value, slots: &mut Slots) {
    let fp80 = |v: &Value| v.ty().kind() == TypeKind::LLVMX86_FP80TypeKind;
    let Some(value) = i.operand(0).filter(fp80) else {
        return;
    };
    let is_cast = i.opcode() == Some(Opcode::LLVMBitCast) && i.ty().int_width() == 80;
    let (value, classes) = match class_test(i, value) {
        Some((value, classes)) => (value, Some(classes)),
        None if is_cast => (value, None),
        None => return,
    };
    let Some(halves) = Halves::of(module, i, value, slots) else {
        return;
    };
    let result = match classes {
        Some(classes) => halves.is_class(module, classes),
        None => halves.join(i.ty()),
    };
    i.replace_all_uses_with(result);
    i.erase();
}

/// The value and classes that `i` asks for, whose first operand is `first`: it is the intrinsic, or a comparison of which code generation would make it.
fn class_test(i: Value, first: Value) -> Option<(Value, u64)> {
    if i.opcode() == Some(Opcode::LLVMFCmp) {
        return against_infinity(i, first);
    }
    let is_test = i.intrinsic()?.starts_with(IS_CLASS);
    let classes = i.operand(1).filter(|_| is_test)?.const_u64()?;
    Some((first, classes))
}

const IS_CLASS: &str = "llvm.is.fpclass";

/// The explicit integer bit of the mantissa (Intel SDM volume 1, 4.2.2).
const INTEGER_BIT: u64 = 1 << 63;
/// The lowest mantissa of a quiet NaN.
const QUIET: u64 = INTEGER_BIT | 1 << 62;
/// The exponent of infinities and NaNs.
const MAX_EXPONENT: u64 = 0x7fff;

/// The classes that have a sign, as bits of the intrinsic's operand: (negative, positive).
const INFINITY: (u64, u64) = (1 << 2, 1 << 9);
const NORMAL: (u64, u64) = (1 << 3, 1 << 8);
const SUBNORMAL: (u64, u64) = (1 << 4, 1 << 7);
const ZERO: (u64, u64) = (1 << 5, 1 << 6);
const SIGNALING_NAN: u64 = 1 << 0;
const QUIET_NAN: u64 = 1 << 1;
/// All that are no infinities and no NaNs; all.
const FINITE: u64 = 0x1f8;
const ALL: u64 = 0x3ff;

/// The value and classes that `i`, a comparison of `magnitude` with infinity, asks for: `CodeGenPrepare` calls it `foldFCmpToFPClassTest`.
fn against_infinity(i: Value, magnitude: Value) -> Option<(Value, u64)> {
    use RealPredicate::*;
    if !i.operand(1)?.const_f64()?.is_infinite() || i.operand(1)?.const_f64()? < 0.0 {
        return None;
    }
    let absolute = magnitude.intrinsic()?.starts_with("llvm.fabs");
    let value = magnitude.operand(0).filter(|_| absolute)?;
    let infinite = INFINITY.0 | INFINITY.1;
    let nan = SIGNALING_NAN | QUIET_NAN;
    let classes = match i.real_predicate()? {
        LLVMRealOEQ | LLVMRealOGE => infinite,
        LLVMRealUEQ | LLVMRealUGE => infinite | nan,
        LLVMRealONE | LLVMRealOLT => FINITE,
        LLVMRealUNE | LLVMRealULT => FINITE | nan,
        _ => return None,
    };
    Some((value, classes))
}

/// A value in integer registers.
struct Halves<'c> {
    builder: Builder<'c>,
    /// 64 bits.
    mantissa: Value,
    /// 16 bits: sign and exponent.
    top: Value,
}

impl<'c> Halves<'c> {
    fn of(module: &Module<'c>, i: Value, value: Value, slots: &mut Slots) -> Option<Self> {
        let context = module.context();
        let slot = slots.get(module, value.ty())?;
        let builder = Builder::new(context);
        builder.before(i);
        builder.store(value, slot);
        let mantissa = builder.load(context.i64(), slot);
        let place = builder.gep(context.i64(), slot, &[context.i64().constant(1)]);
        let top = builder.load(context.int(16), place);
        // Else code generation may widen it to the alignment.
        top.set_volatile(true);
        Some(Self {
            builder,
            mantissa,
            top,
        })
    }

    /// All 80 bits.
    fn join(&self, ty: Type) -> Value {
        let high = self.builder.zext(self.top, ty);
        let high = self.builder.binary(Opcode::LLVMShl, high, ty.constant(64));
        self.builder.or(high, self.builder.zext(self.mantissa, ty))
    }

    /// As `TargetLowering::expandIS_FPCLASS`, also for encodings that no processor since the 80387 takes for numbers: with an exponent and no
    /// integer bit they are NaNs, neither quiet nor signalling; with an integer bit and no exponent they are finite and in no class.
    fn is_class(&self, module: &Module<'c>, wanted: u64) -> Value {
        if wanted & FINITE == FINITE {
            let rest = self.is_class(module, ALL & !wanted);
            let bit = module.context().int(1);
            return self.builder.binary(Opcode::LLVMXor, rest, bit.constant(1));
        }
        use IntPredicate::{LLVMIntEQ, LLVMIntNE, LLVMIntSLT, LLVMIntUGE, LLVMIntUGT};
        let builder = &self.builder;
        let bit = module.context().int(1);
        let (wide, narrow) = (self.mantissa.ty(), self.top.ty());
        let mantissa = |predicate, n| builder.icmp(predicate, self.mantissa, wide.constant(n));
        let exponent = builder.and(self.top, narrow.constant(MAX_EXPONENT));
        let exponent = |predicate, n| builder.icmp(predicate, exponent, narrow.constant(n));
        let both = |a, b| builder.and(a, b);
        let not = |v| builder.binary(Opcode::LLVMXor, v, bit.constant(1));
        let negative = || builder.icmp(LLVMIntSLT, self.top, narrow.constant(0));

        let mut result = bit.constant(0);
        let mut add = |class| result = builder.or(result, class);
        let integer_bit = || mantissa(LLVMIntUGE, INTEGER_BIT);
        if wanted & (SIGNALING_NAN | QUIET_NAN) != 0 {
            let last = || exponent(LLVMIntEQ, MAX_EXPONENT);
            let quiet = || both(last(), mantissa(LLVMIntUGE, QUIET));
            if wanted & QUIET_NAN == 0 {
                add(both(
                    both(last(), mantissa(LLVMIntUGT, INTEGER_BIT)),
                    not(quiet()),
                ));
            } else if wanted & SIGNALING_NAN == 0 {
                add(quiet());
            } else {
                add(both(last(), mantissa(LLVMIntUGT, INTEGER_BIT)));
                add(both(exponent(LLVMIntNE, 0), not(integer_bit())));
            }
        }
        let mut signed = |(minus, plus): (u64, u64), class: &dyn Fn() -> Value| {
            let class = match (wanted & minus != 0, wanted & plus != 0) {
                (true, true) => class(),
                (true, false) => both(class(), negative()),
                (false, true) => both(class(), not(negative())),
                (false, false) => return,
            };
            add(class);
        };
        signed(INFINITY, &|| {
            both(
                exponent(LLVMIntEQ, MAX_EXPONENT),
                mantissa(LLVMIntEQ, INTEGER_BIT),
            )
        });
        signed(NORMAL, &|| {
            let finite = both(exponent(LLVMIntNE, 0), exponent(LLVMIntNE, MAX_EXPONENT));
            both(finite, integer_bit())
        });
        signed(SUBNORMAL, &|| {
            let some = both(mantissa(LLVMIntNE, 0), not(integer_bit()));
            both(exponent(LLVMIntEQ, 0), some)
        });
        signed(ZERO, &|| {
            both(exponent(LLVMIntEQ, 0), mantissa(LLVMIntEQ, 0))
        });
        result
    }
}
