//! What calls code generation may make of an instruction, and where they lead.

use crate::callouts::listed;
use crate::llvm::{Function, Linkage, Module, Opcode, Value};
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// See [`is_shallow`].
const SHALLOW: &str = include_str!("../../../runtime/box/shallow.txt");

/// Entries of the gate that run no function of the box.
const GATE: [&str; 5] = [
    "__privbox_gate_syscall",
    "__privbox_gate_translate",
    "__privbox_gate_callout",
    "__privbox_gate_callout_block",
    "__privbox_gate_throw",
];

/// Is `symbol` the box's function of a name in `runtime/box/shallow.txt`? What calls it counts [`LIBRARY`](super::LIBRARY) bytes for it.
pub fn is_shallow(symbol: &str) -> bool {
    static NAMES: LazyLock<HashSet<&str>> = LazyLock::new(|| listed(SHALLOW).collect());
    symbol
        .strip_suffix(".privbox")
        .is_some_and(|name| NAMES.contains(name))
}

/// Where a call leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Callee {
    /// To a function that this module defines and nobody replaces, by its number.
    Own(usize),
    /// To code that is known not to go deep: the gate, `shallow.txt`.
    Shallow,
    /// Anywhere: through the thunk, to other units, to what the linker may replace.
    Unknown,
}

/// The functions of a module, and what is known of others.
pub struct Callees {
    own: HashMap<Function, usize>,
    /// Library functions that the module itself defines: what code generation makes of intrinsics calls them.
    redefined: bool,
}

impl Callees {
    /// For calls in `functions`, which are all that the module defines.
    pub fn new(module: &Module<'_>, functions: &[Function]) -> Callees {
        let own = functions.iter().enumerate();
        Callees {
            own: own
                .filter(|(_, f)| stays(**f))
                .map(|(n, f)| (*f, n))
                .collect(),
            redefined: ["memcpy", "memmove", "memset"].iter().any(|name| {
                let clone = module.function(&format!("{name}.privbox"));
                clone.is_some_and(|f| f.entry().is_some())
            }),
        }
    }

    /// Where code generation's call for an instruction leads; `None`: it makes none.
    pub fn of(&self, i: Value) -> Option<Callee> {
        if !may_call(i) {
            return None;
        }
        if let Some(name) = i.intrinsic() {
            let shallow = name.starts_with("llvm.mem") && !self.redefined;
            return Some(if shallow {
                Callee::Shallow
            } else {
                Callee::Unknown
            });
        }
        let Some(function) = i.called_function() else {
            return Some(Callee::Unknown);
        };
        if let Some(&number) = self.own.get(&function) {
            return Some(Callee::Own(number));
        }
        let shallow = GATE.contains(&function.name().as_str())
            || function.entry().is_none() && is_shallow(&function.name());
        Some(if shallow {
            Callee::Shallow
        } else {
            Callee::Unknown
        })
    }
}

/// Is a call of it a call of this very body?
fn stays(function: Function) -> bool {
    matches!(
        function.linkage(),
        Linkage::LLVMExternalLinkage | Linkage::LLVMInternalLinkage | Linkage::LLVMPrivateLinkage
    )
}

/// May code generation emit a call for it? In doubt, yes: a test too many costs two instructions, a
/// test too few is a finding.
pub fn may_call(i: Value) -> bool {
    match i.opcode() {
        Some(Opcode::LLVMCall | Opcode::LLVMInvoke | Opcode::LLVMCallBr) => match i.intrinsic() {
            Some(name) => !intrinsic_stays_inline(i, &name),
            None => !i.callee().is_some_and(Value::is_inline_asm),
        },
        // 128-bit division, x87 and half-precision arithmetic, conversions: libgcc's names.
        Some(Opcode::LLVMUDiv | Opcode::LLVMSDiv | Opcode::LLVMURem | Opcode::LLVMSRem) => {
            i.ty().int_width() > 64
        }
        Some(Opcode::LLVMFRem) => true,
        Some(
            Opcode::LLVMFPToSI
            | Opcode::LLVMFPToUI
            | Opcode::LLVMSIToFP
            | Opcode::LLVMUIToFP
            | Opcode::LLVMFPTrunc
            | Opcode::LLVMFPExt,
        ) => uncommon(i) || i.operand(0).is_some_and(uncommon),
        Some(
            Opcode::LLVMFAdd
            | Opcode::LLVMFSub
            | Opcode::LLVMFMul
            | Opcode::LLVMFDiv
            | Opcode::LLVMFCmp,
        ) => i.operand(0).is_some_and(uncommon),
        Some(Opcode::LLVMAtomicRMW | Opcode::LLVMAtomicCmpXchg) => true,
        Some(Opcode::LLVMLoad | Opcode::LLVMStore) => {
            i.ty().int_width() > 64 || i.operand(0).is_some_and(|v| v.ty().int_width() > 64)
        }
        _ => false,
    }
}

/// Scalars that are neither integers up to 64 bits nor float, double or x87.
fn uncommon(value: Value) -> bool {
    use crate::llvm::TypeKind::*;
    let ty = value.ty();
    let scalar = ty.element().unwrap_or(ty);
    match scalar.kind() {
        LLVMFloatTypeKind | LLVMDoubleTypeKind | LLVMX86_FP80TypeKind => false,
        LLVMIntegerTypeKind => scalar.int_width() > 64,
        _ => true,
    }
}

fn intrinsic_stays_inline(call: Value, name: &str) -> bool {
    const INLINE: [&str; 34] = [
        "dbg.",
        "lifetime.",
        "invariant.",
        "launder.",
        "strip.",
        "ptrmask",
        "threadlocal.address",
        "bswap",
        "ctpop",
        "ctlz",
        "cttz",
        "bitreverse",
        "fshl",
        "fshr",
        "abs.",
        "smax",
        "smin",
        "umax",
        "umin",
        "sadd.",
        "ssub.",
        "uadd.",
        "usub.",
        "umul.with.overflow.i8",
        "umul.with.overflow.i32",
        "umul.with.overflow.i64",
        "smul.with.overflow.i32",
        "smul.with.overflow.i64",
        "expect",
        "is.constant",
        "trap",
        "x86.",
        "vector.reduce.",
        "masked.",
    ];
    const MORE: [&str; 9] = [
        "sqrt.f32",
        "sqrt.f64",
        "fabs.f",
        "copysign.f32",
        "copysign.f64",
        "fmuladd.f32",
        "fmuladd.f64",
        "returnaddress",
        "frameaddress",
    ];
    let Some(rest) = name.strip_prefix("llvm.") else {
        return false;
    };
    if rest.starts_with("mem") {
        // The threshold of inline expansion is larger; small sizes never become calls.
        return call
            .operand(2)
            .and_then(Value::const_u64)
            .is_some_and(|n| n <= 32);
    }
    INLINE
        .iter()
        .chain(MORE.iter())
        .any(|p| rest.starts_with(p))
}
