//! Parameters of functions and calls, read from the IR.

use super::signature::Param;
use crate::llvm::{Attribute, Function, Place, Type, Value};

/// Attributes of a parameter that the box convention has no place for.
const UNSUPPORTED: &[&str] = &[
    "inalloca",
    "preallocated",
    "nest",
    "swiftself",
    "swifterror",
    "swiftasync",
    "byref",
    "dead_on_unwind_never",
];

/// The named parameters of a function.
pub fn of_function(function: Function) -> Result<Vec<Param>, String> {
    let types = function.function_type().params();
    collect(&types, |place| function.attributes(place))
}

/// The arguments of a call: named ones (as many as the call's type has) and variadic ones.
pub fn of_call(call: Value) -> Result<(Vec<Param>, Vec<Param>), String> {
    let types: Vec<Type> = call.args().iter().map(|a| a.ty()).collect();
    let named = call.called_type().map_or(0, |t| t.params().len());
    let mut all = collect(&types, |place| call.site_attributes(place))?;
    let variadic = all.split_off(named.min(all.len()));
    Ok((all, variadic))
}

fn collect(
    types: &[Type],
    attributes: impl Fn(Place) -> Vec<Attribute>,
) -> Result<Vec<Param>, String> {
    let mut params = Vec::new();
    for (index, ty) in types.iter().enumerate() {
        let mut param = Param::plain(*ty);
        for attribute in attributes(Place::Param(index as u32)) {
            if let Some(name) = UNSUPPORTED.iter().find(|name| attribute.is(name)) {
                return Err(format!("a parameter with the attribute `{name}`"));
            }
            if attribute.is("byval") {
                param.byval = attribute.ty();
            }
            if attribute.is("align") {
                param.align = attribute.value();
            }
        }
        if param.byval.is_none() {
            param.align = 0;
        }
        params.push(param);
    }
    Ok(params)
}

/// May this function use 32-byte vector registers?
pub fn has_avx(function: Function) -> bool {
    function
        .string_attribute(Place::Function, "target-features")
        .is_some_and(|features| features.split(',').any(|f| f == "+avx"))
}
