//! Mathematical intrinsics that code generation would turn into calls the box cannot make.
//!
//! A `long double` argument would be passed on the stack (rule 9), and the pair of `sin` and `cos` of
//! one value becomes `sincos`, which is given addresses of the safe stack. As calls in the IR they get
//! the box convention like any other.

use crate::llvm::{Builder, Function, Module, TypeKind, Value};

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

/// Intrinsics with two results: code generation would pass addresses of the safe stack for the second.
const PAIRS: &[&str] = &["modf", "frexp", "sincos"];

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
            } else if call.is_call() {
                lower_pair(module, function, call);
            }
        }
    }
}

/// `{T, U} llvm.modf(T)` becomes `T modf(T, U *)`, with the second result in a local. `sincos` has both there.
fn lower_pair(module: &Module<'_>, function: Function, call: Value) -> Option<()> {
    let intrinsic = call.intrinsic()?;
    let base = intrinsic.strip_prefix("llvm.")?.split('.').next()?;
    let name = PAIRS.iter().find(|name| **name == base)?;
    let argument = *call.args().first()?;
    let suffix = match argument.ty().kind() {
        TypeKind::LLVMX86_FP80TypeKind => "l",
        TypeKind::LLVMFloatTypeKind => "f",
        TypeKind::LLVMDoubleTypeKind => "",
        _ => return None,
    };
    let context = module.context();
    let builder = Builder::new(context);
    let fields = call.ty().fields();
    builder.before(function.entry()?.first()?);
    let locals: Vec<Value> = fields.iter().map(|ty| builder.alloca(*ty)).collect();
    let (first, second) = (*locals.first()?, *locals.get(1)?);
    builder.before(call);
    let (result, args) = if *name == "sincos" {
        (context.void(), vec![argument, first, second])
    } else {
        (argument.ty(), vec![argument, second])
    };
    let types: Vec<_> = args.iter().map(|a| a.ty()).collect();
    let ty = result.function(&types, false);
    let callee = module.declare(&format!("{name}{suffix}"), ty);
    let new = builder.call(ty, callee.value(), &args);
    let first = if *name == "sincos" {
        builder.load(*fields.first()?, first)
    } else {
        new
    };
    let second = builder.load(*fields.get(1)?, second);
    let pair = builder.insert_value(call.ty().poison(), first, 0);
    let pair = builder.insert_value(pair, second, 1);
    call.replace_all_uses_with(pair);
    call.erase();
    Some(())
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
