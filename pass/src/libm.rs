//! Mathematical intrinsics that code generation would turn into calls the box cannot make.
//!
//! A `long double` argument would be passed on the stack (rule 9), and the pair of `sin` and `cos` of
//! one value becomes `sincos`, which is given addresses of the safe stack. As calls in the IR they get
//! the box convention like any other.

use crate::llvm::{Builder, Module, TypeKind, Value};

/// Intrinsics (`llvm.NAME.TYPE`) and the library function's name where it differs.
const FUNCTIONS: &[(&str, &str)] = &[
    ("floor", "floor"),
    ("ceil", "ceil"),
    ("trunc", "trunc"),
    ("round", "round"),
    ("roundeven", "roundeven"),
    ("tan", "tan"),
    ("asin", "asin"),
    ("acos", "acos"),
    ("atan", "atan"),
    ("atan2", "atan2"),
    ("sinh", "sinh"),
    ("cosh", "cosh"),
    ("tanh", "tanh"),
    ("exp", "exp"),
    ("exp2", "exp2"),
    ("exp10", "exp10"),
    ("log", "log"),
    ("log2", "log2"),
    ("log10", "log10"),
    ("pow", "pow"),
    ("fma", "fma"),
    ("minnum", "fmin"),
    ("maxnum", "fmax"),
    ("lround", "lround"),
    ("llround", "llround"),
    ("sin", "sin"),
    ("cos", "cos"),
];

/// Replaces them in every function of the box module.
pub fn lower(module: &Module<'_>) {
    for function in module.defined_functions() {
        for call in function.instructions() {
            if call.is_call()
                && let Some(name) = library_name(call)
                && let Some(ty) = call.called_type()
            {
                let callee = module.declare(&name, ty);
                let builder = Builder::new(module.context());
                builder.before(call);
                let new = builder.call(ty, callee.value(), &call.args());
                call.replace_all_uses_with(new);
                call.erase();
            }
        }
    }
}

fn library_name(call: Value) -> Option<String> {
    let intrinsic = call.intrinsic()?;
    let mut parts = intrinsic.strip_prefix("llvm.")?.split('.');
    let base = parts.next()?;
    let (_, name) = FUNCTIONS.iter().find(|(intrinsic, _)| *intrinsic == base)?;
    match call.args().first()?.ty().kind() {
        TypeKind::LLVMX86_FP80TypeKind => Some(format!("{name}l")),
        TypeKind::LLVMDoubleTypeKind if matches!(base, "sin" | "cos") => Some((*name).to_owned()),
        TypeKind::LLVMFloatTypeKind if matches!(base, "sin" | "cos") => Some(format!("{name}f")),
        _ => None,
    }
}
