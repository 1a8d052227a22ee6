//! Call blocks: arguments for a call out of the box that registers alone cannot carry.
//! The layout is docs/box-abi.md's, "Out of the box".

use super::signature::{HomePlace, HomeState, Param, ResultPlace, classify, result_places};
use crate::llvm::{Builder, Context, Layout, Module, Opcode, Place, Type, Value, Visibility};

const VEC: u64 = 64;
/// Where the number of stack words is.
pub const NSTACK: u64 = 320;
const FLAGS: u64 = 328;
const RESULT_RAX: u64 = 336;
const RESULT_VEC: u64 = 352;
const RESULT_X87: u64 = 416;
/// Where the stack words start: the size of a block without any.
pub const STACK: u64 = 448;

/// What `__privbox_catching_block` wants at the stack's start: four words, so that the rest stays aligned.
pub const CATCHING: u64 = 32;

const FLAG_WIDE: u64 = 1;
const FLAG_ST0: u64 = 2;
const FLAG_ST1: u64 = 4;

/// One argument on its way into a block: what it is, how it is extended.
pub struct Argument {
    /// Its value; for `byval`, the address of the aggregate.
    pub value: Value,
    /// What it is.
    pub param: Param,
    /// Narrow integers: sign extended (else zero extended).
    pub signed: bool,
}

/// Stores arguments to `block` by the psABI, those in memory behind the first `reserved` bytes of stack. Returns the counters
/// behind the last one.
pub fn fill(
    module: &Module<'_>,
    builder: &Builder<'_>,
    block: Value,
    named: &[Argument],
    variadic: &[Argument],
    reserved: u64,
    avx: bool,
) -> Result<HomeState, String> {
    let context = module.context();
    let layout = module.layout();
    let mut state = HomeState {
        stack: reserved,
        ..HomeState::default()
    };
    let all = named
        .iter()
        .map(|a| (a, false))
        .chain(variadic.iter().map(|a| (a, true)));
    for (argument, is_variadic) in all {
        let class = classify(layout, &argument.param, avx)?;
        let offset = match state.place(class, is_variadic) {
            HomePlace::Gp(register) => 8 * u64::from(register),
            HomePlace::Vec(register) => VEC + 32 * u64::from(register),
            HomePlace::Stack(offset) => STACK + offset,
        };
        store(
            context,
            layout,
            builder,
            at(context, builder, block, offset),
            argument,
        );
    }
    let words = context.i64().constant(state.stack / 8);
    builder.store(words, at(context, builder, block, NSTACK));
    Ok(state)
}

/// Stores the block's flags: what the call passes and what it returns.
pub fn store_flags(
    module: &Module<'_>,
    builder: &Builder<'_>,
    block: Value,
    wide: bool,
    places: &[ResultPlace],
) {
    let mut flags = 0;
    if wide || places.iter().any(|p| matches!(p, ResultPlace::Vec(_, 32))) {
        flags |= FLAG_WIDE;
    }
    if places.contains(&ResultPlace::X87(0)) {
        flags |= FLAG_ST0;
    }
    if places.contains(&ResultPlace::X87(1)) {
        flags |= FLAG_ST1;
    }
    let context = module.context();
    builder.store(
        context.i64().constant(flags),
        at(context, builder, block, FLAGS),
    );
}

/// Calls out through the block and reads the result; `None` for `void`.
pub fn call(
    module: &Module<'_>,
    builder: &Builder<'_>,
    block: Value,
    target: Value,
    result: Type,
    avx: bool,
) -> Result<Option<Value>, String> {
    let context = module.context();
    let ty = context
        .void()
        .function(&[context.ptr(), context.ptr()], false);
    let gate = gate(module, "__privbox_gate_callout_block", ty);
    let call = builder.call(ty, gate, &[block, target]);
    if let Some(nest) = context.enum_attribute("nest", 0) {
        call.add_site_attribute(Place::Param(1), nest);
    }
    let places = result_places(module.layout(), result, avx)?;
    if places.is_empty() {
        return Ok(None);
    }
    if !result.is_struct() {
        return Ok(Some(read(context, builder, block, result, places[0])));
    }
    let mut value = result.undef();
    for (index, (field, place)) in result.fields().into_iter().zip(places).enumerate() {
        let part = read(context, builder, block, field, place);
        value = builder.insert_value(value, part, index as u32);
    }
    Ok(Some(value))
}

/// The call-out of `target` with arguments that are all in registers: no block.
pub fn call_in_registers(
    module: &Module<'_>,
    builder: &Builder<'_>,
    mut args: Vec<Value>,
    target: Value,
    result: Type,
) -> Value {
    let context = module.context();
    let named = args.len() as u32;
    args.push(target);
    let types: Vec<Type> = args.iter().map(|a| a.ty()).collect();
    let ty = context.void().function(&[], false);
    let gate = gate(module, "__privbox_gate_callout", ty);
    let call = builder.call(result.function(&types, false), gate, &args);
    if let Some(nest) = context.enum_attribute("nest", 0) {
        call.add_site_attribute(Place::Param(named), nest);
    }
    call
}

/// The declaration of a gate entry.
pub fn gate(module: &Module<'_>, name: &str, ty: Type) -> Value {
    let function = module.declare(name, ty);
    function.set_visibility(Visibility::LLVMHiddenVisibility);
    function.value()
}

fn read(
    context: &Context,
    builder: &Builder<'_>,
    block: Value,
    ty: Type,
    place: ResultPlace,
) -> Value {
    let offset = match place {
        ResultPlace::Gp(register) => RESULT_RAX + 8 * u64::from(register),
        ResultPlace::GpPair => RESULT_RAX,
        ResultPlace::Vec(register, _) => RESULT_VEC + 32 * u64::from(register),
        ResultPlace::X87(register) => RESULT_X87 + 16 * u64::from(register),
    };
    let address = at(context, builder, block, offset);
    if ty.is_int() && ty.int_width() < 64 {
        let word = builder.load(context.i64(), address);
        return builder.trunc(word, ty);
    }
    let load = builder.load(ty, address);
    load.set_alignment(8);
    load
}

/// Stores one argument to memory: integers as whole words, aggregates by value.
pub fn store(
    context: &Context,
    layout: Layout,
    builder: &Builder<'_>,
    address: Value,
    argument: &Argument,
) {
    let value = argument.value;
    if let Some(pointee) = argument.param.byval {
        let size = context.i64().constant(layout.abi_size(pointee));
        builder.memcpy(
            address,
            8,
            value,
            argument.param.align.clamp(1, 16) as u32,
            size,
        );
        return;
    }
    let ty = value.ty();
    let value = if ty.is_int() && ty.int_width() < 64 {
        let op = if argument.signed {
            Opcode::LLVMSExt
        } else {
            Opcode::LLVMZExt
        };
        builder.cast(op, value, context.i64())
    } else {
        value
    };
    builder.store(value, address).set_alignment(8);
}

/// `base + offset`.
pub fn at(context: &Context, builder: &Builder<'_>, base: Value, offset: u64) -> Value {
    if offset == 0 {
        return base;
    }
    builder.gep(context.i8(), base, &[context.i64().constant(offset)])
}
