//! Entry functions: calling `NAME` in the normal code enters the box (docs/box-abi.md).

use crate::Error;
use crate::abi::callblock::{self, Argument};
use crate::abi::clones::lowered_type;
use crate::abi::params;
use crate::abi::signature::{BoxPlace, box_plan};
use crate::llvm::{
    Builder, Function, IntPredicate, Linkage, Module, Place, TailCallKind, Type, Value, Visibility,
};
use crate::split::plain;

/// Attributes that the stub keeps from the function it stands before.
const KEPT: &[&str] = &["uwtable", "nounwind", "noreturn", "cold"];
const KEPT_STRINGS: &[&str] = &[
    "target-cpu",
    "target-features",
    "tune-cpu",
    "frame-pointer",
    "no-trapping-math",
];

/// Puts the stub of an entry function before its normal code. `clone` is the clone's symbol;
/// `unwinding`: the clone may return by unwinding, which goes on here.
pub fn add_stub(
    module: &Module<'_>,
    name: &str,
    clone: &str,
    unwinding: bool,
) -> Result<(), Error> {
    let broken = |what: &str| Error::Internal {
        function: plain(name).to_owned(),
        what: what.to_owned(),
    };
    let function = module
        .function(name)
        .ok_or_else(|| broken("the entry function is gone"))?;
    let context = module.context();
    let normal = split_off(module, function);
    let entry = function.append_block(context, "entry");
    let run_normal = function.append_block(context, "normal");
    let run_box = function.append_block(context, "box");
    let builder = Builder::new(context);

    builder.at_end(entry);
    let enabled = enabled(module);
    let flag = builder.load(context.i8(), enabled);
    let off = builder.icmp(IntPredicate::LLVMIntEQ, flag, context.i8().constant(0));
    builder.cond_br(off, run_normal, run_box);

    builder.at_end(run_normal);
    let ty = function.function_type();
    let result = ty.result().unwrap_or(context.void());
    let call = builder.call(ty, normal.value(), &function.params());
    // A static function may be `fastcc`, and a tail call must agree with it.
    call.set_site_call_conv(normal.call_conv());
    for (index, _) in function.params().iter().enumerate() {
        let place = Place::Param(index as u32);
        for attribute in function.attributes(place) {
            call.add_site_attribute(place, attribute);
        }
    }
    // A result that the function extends and the call does not is no tail call for LLVM.
    for attribute in function.attributes(Place::Result) {
        call.add_site_attribute(Place::Result, attribute);
    }
    call.set_tail_kind(TailCallKind::LLVMTailCallKindMustTail);
    builder.ret((!result.is_void()).then_some(call));

    builder.at_end(run_box);
    if unwinding {
        let raises = !crate::unwind::is_nounwind(normal);
        let raised = crate::unwind::around_entry(module, &builder, function, raises, || {
            enter(module, &builder, function, result, clone)
        });
        let call = raised.map_err(|what| broken(&what))?;
        builder.ret((!result.is_void()).then_some(call));
        return Ok(());
    }
    let call = enter(module, &builder, function, result, clone).map_err(|what| broken(&what))?;
    builder.ret((!result.is_void()).then_some(call));
    Ok(())
}

/// Calls `__privbox_enter` with the arguments in box convention and the clone's address in R10.
fn enter(
    module: &Module<'_>,
    builder: &Builder<'_>,
    function: Function,
    result: Type,
    clone: &str,
) -> Result<Value, String> {
    let context = module.context();
    let parameters = params::of_function(function)?;
    let plan = box_plan(module.layout(), &parameters, params::has_avx(function))?;
    let mut args = Vec::new();
    let mut attributes = Vec::new();
    let spill = plan.complex.then(|| {
        let spill = builder.alloca(context.i64().array(plan.size.div_ceil(8)));
        spill.set_alignment(plan.align.max(16) as u32);
        spill
    });
    for (index, ((value, param), place)) in function
        .params()
        .into_iter()
        .zip(&parameters)
        .zip(&plan.places)
        .enumerate()
    {
        match (place, spill) {
            (BoxPlace::Block(offset), Some(spill)) => {
                let address = callblock::at(context, builder, spill, *offset);
                if param.byval.is_some() {
                    let argument = Argument {
                        value,
                        param: *param,
                        signed: false,
                    };
                    callblock::store(context, module.layout(), builder, address, &argument);
                } else {
                    builder.store(value, address);
                }
            }
            _ => {
                attributes.push((
                    args.len() as u32,
                    function.attributes(Place::Param(index as u32)),
                ));
                args.push(value);
            }
        }
    }
    args.extend(spill);
    let types: Vec<Type> = parameters.iter().map(|p| p.ty).collect();
    let mut lowered = lowered_type(context, result, &types, &plan).params();
    lowered.push(context.ptr());
    args.push(clone_symbol(module, clone, Linkage::LLVMExternalLinkage).value());
    let gate = callblock::gate(
        module,
        "__privbox_enter",
        context.void().function(&[], false),
    );
    let call = builder.call(result.function(&lowered, false), gate, &args);
    for (register, list) in attributes {
        for attribute in list
            .into_iter()
            .filter(|a| ["signext", "zeroext", "sret"].iter().any(|n| a.is(n)))
        {
            call.add_site_attribute(Place::Param(register), attribute);
        }
    }
    if let Some(nest) = context.enum_attribute("nest", 0) {
        call.add_site_attribute(Place::Param(args.len() as u32 - 1), nest);
    }
    Ok(call)
}

/// The symbol of a clone, as the normal module sees it.
pub fn clone_symbol(module: &Module<'_>, symbol: &str, linkage: Linkage) -> Function {
    if let Some(there) = module.function(symbol) {
        return there;
    }
    let function = module.declare(symbol, module.context().void().function(&[], false));
    function.set_linkage(linkage);
    function.set_visibility(Visibility::LLVMHiddenVisibility);
    function
}

/// The byte that says whether this process runs its boxes.
fn enabled(module: &Module<'_>) -> Value {
    if let Some(there) = module.variable("__privbox_enabled") {
        return there;
    }
    let variable = module.add_variable("__privbox_enabled", module.context().i8());
    variable.set_visibility(Visibility::LLVMHiddenVisibility);
    variable
}

/// Moves the body of `function` to an internal `NAME.privbox.normal` of the same type; what names
/// `function` now names the stub.
fn split_off(module: &Module<'_>, function: Function) -> Function {
    let context = module.context();
    let name = function.name();
    let normal = module.add_function(
        &format!("{}.privbox.normal", plain(&name)),
        function.function_type(),
    );
    normal.set_linkage(Linkage::LLVMInternalLinkage);
    normal.set_call_conv(function.call_conv());
    normal.set_section(&function.section());
    normal.set_personality(function.personality());
    normal.set_subprogram(function.subprogram());
    let places = (0..function.params().len() as u32)
        .map(Place::Param)
        .chain([Place::Function, Place::Result]);
    for place in places {
        for attribute in function.attributes(place) {
            normal.add_attribute(place, attribute);
        }
    }
    normal.add_enum(context, "noinline");
    normal.remove_enum_attribute(Place::Function, "alwaysinline");
    // Label addresses name the function they are in: they move with the body.
    let labels: Vec<(Value, crate::llvm::Block)> = function
        .users()
        .into_iter()
        .filter_map(|user| user.block_address().map(|(_, block)| (user, block)))
        .collect();
    let placeholders: Vec<(Value, crate::llvm::Block)> = labels
        .into_iter()
        .map(|(label, block)| {
            let placeholder = module.add_variable("privbox.label", context.i8());
            label.replace_all_uses_with(placeholder);
            (placeholder, block)
        })
        .collect();
    normal.take_body(function);
    for (placeholder, block) in placeholders {
        placeholder.replace_all_uses_with(Value::new_block_address(normal, block));
        placeholder.delete_global();
    }
    for (old, new) in function.params().into_iter().zip(normal.params()) {
        let name = old.name();
        old.replace_all_uses_with(new);
        new.set_name(&name);
    }
    function.value().clear_global_metadata();
    function.set_personality(None);
    for attribute in function.attributes(Place::Function) {
        let kept = KEPT.iter().any(|name| attribute.is(name));
        match attribute.string() {
            Some((key, _)) if !KEPT_STRINGS.contains(&key.as_str()) => {
                function.remove_string_attribute(Place::Function, &key);
            }
            None if !kept => function.remove_attribute(Place::Function, attribute),
            _ => {}
        }
    }
    function.add_enum(context, "noinline");
    normal
}
