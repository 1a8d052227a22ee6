//! Definitions: a function of the unit becomes its clone.

use super::signature::{BoxPlace, BoxPlan, HomeState, box_plan, classify};
use super::{DROPPED, DROPPED_STRINGS, params, variadic};
use crate::llvm::{
    Builder, Context, Function, Linkage, Module, Place, Type, UnnamedAddr, Value, Visibility,
};
use crate::split::{Names, Shared, declare, plain};

/// A function with its clone.
#[derive(Debug, Clone)]
pub struct Clone {
    /// The source's symbol.
    pub name: String,
    /// The clone's symbol.
    pub symbol: String,
    /// The clone, in the box module.
    pub function: Function,
    /// Is the definition variadic?
    pub variadic: bool,
    /// Is the clone called by address only, because another definition may replace this one?
    pub replaceable: bool,
    /// Was it internal to the unit?
    pub local: bool,
    /// Of a complex definition: the incoming spill block.
    pub block: Option<Value>,
    /// How it takes its parameters.
    pub plan: BoxPlan,
}

/// The function type of a plan: what is in registers, then the block's address.
pub fn lowered_type(context: &Context, result: Type, types: &[Type], plan: &BoxPlan) -> Type {
    let mut lowered: Vec<Type> = types
        .iter()
        .zip(&plan.places)
        .filter(|(_, p)| **p == BoxPlace::Register)
        .map(|(t, _)| *t)
        .collect();
    if plan.complex {
        lowered.push(context.ptr());
    }
    result.function(&lowered, false)
}

/// Moves the body of `function` into a new clone; `function` stays as the declaration of the normal code.
pub fn make(
    module: &Module<'_>,
    function: Function,
    names: &Names,
    shared: &mut Shared,
) -> Result<Clone, String> {
    let context = module.context();
    let layout = module.layout();
    let name = function.name();
    let local = function.is_local_linkage();
    let replaceable = crate::split::is_replaceable(function.value());
    let unit_only = local || replaceable || crate::split::is_shared_definition(function.value());
    let original = function.function_type();
    let parameters = params::of_function(function)?;
    let avx = params::has_avx(function);
    let plan = box_plan(layout, &parameters, avx)?;
    let types = original.params();
    let lowered = lowered_type(
        context,
        original.result().unwrap_or(context.void()),
        &types,
        &plan,
    );
    let symbol = names.of_clone(&name, unit_only);
    let clone = module.add_function(&symbol, lowered);
    copy_attributes(function, clone, &plan);
    clone.set_linkage(Linkage::LLVMExternalLinkage);
    clone.set_visibility(Visibility::LLVMHiddenVisibility);
    clone.set_unnamed_addr(UnnamedAddr::LLVMGlobalUnnamedAddr);
    clone.set_section(&format!("{}{symbol}", crate::object::TEXT_PREFIX));
    clone.set_alignment(16);
    clone.set_subprogram(function.subprogram());
    clone.take_body(function);
    function.value().clear_global_metadata();
    function.set_personality(None);
    function.set_call_conv(0);
    let block = receive(module, function, clone, &parameters, &plan);
    declare(function.value(), names, shared);
    let is_variadic = original.is_variadic();
    if is_variadic {
        let mut named = HomeState::default();
        for parameter in &parameters {
            named.place(classify(layout, parameter, avx)?, false);
        }
        variadic::lower_starts(module, clone, &named);
    }
    variadic::lower_copies(module, clone);
    Ok(Clone {
        name: plain(&name).to_owned(),
        symbol,
        function: clone,
        variadic: is_variadic,
        replaceable,
        local: unit_only,
        block,
        plan,
    })
}

/// Gives the body its parameters: from registers, or out of the spill block. Returns the block.
fn receive(
    module: &Module<'_>,
    function: Function,
    clone: Function,
    parameters: &[super::signature::Param],
    plan: &BoxPlan,
) -> Option<Value> {
    let context = module.context();
    let block = if plan.complex {
        clone.params().last().copied()
    } else {
        None
    };
    let builder = Builder::new(context);
    if let Some(first) = clone
        .entry()
        .and_then(|e| first_non_alloca(e.instructions()))
    {
        builder.before(first);
        builder.set_location(None);
    }
    let mut register = 0;
    for ((old, place), parameter) in function
        .params()
        .into_iter()
        .zip(&plan.places)
        .zip(parameters)
    {
        let name = old.name();
        let new = match (place, block) {
            (BoxPlace::Block(offset), Some(block)) => {
                let address = builder.gep(context.i8(), block, &[context.i64().constant(*offset)]);
                // The callee owns the block's contents: a `byval` parameter is the block's part.
                if parameter.byval.is_some() {
                    address
                } else {
                    builder.load(parameter.ty, address)
                }
            }
            _ => {
                register += 1;
                match clone.param(register - 1) {
                    Some(value) => value,
                    None => continue,
                }
            }
        };
        old.replace_all_uses_with(new);
        new.set_name(&name);
    }
    block
}

/// The first instruction behind the static allocas at the head of an entry block.
pub fn first_non_alloca(instructions: Vec<Value>) -> Option<Value> {
    instructions
        .into_iter()
        .find(|i| !(i.is_alloca() && i.operand(0).is_some_and(Value::is_const_int)))
}

fn copy_attributes(from: Function, to: Function, plan: &BoxPlan) {
    for attribute in from.attributes(Place::Function) {
        let dropped = DROPPED.iter().any(|name| attribute.is(name))
            || attribute
                .string()
                .is_some_and(|(key, _)| DROPPED_STRINGS.contains(&key.as_str()));
        if !dropped {
            to.add_attribute(Place::Function, attribute);
        }
    }
    for attribute in from.attributes(Place::Result) {
        to.add_attribute(Place::Result, attribute);
    }
    let mut register = 0;
    for (index, place) in plan.places.iter().enumerate() {
        if *place == BoxPlace::Register {
            for attribute in from.attributes(Place::Param(index as u32)) {
                to.add_attribute(Place::Param(register), attribute);
            }
            register += 1;
        }
    }
}
