//! `setjmp` in the box (docs/box-abi.md, "setjmp, longjmp").
//!
//! No frame of the box is ever resumed twice: returns are proved by the stack pointer, and a second
//! return of a call would be one that nobody proved. So a function that calls `setjmp` is split. Its
//! body becomes a function of its own that is called anew after every jump and goes on where that
//! `setjmp` stood; everything that must survive lies in a frame in user memory. What is left
//! under the old name is a *driver*, a loop over the gate's `try`.

mod demote;
mod frame;

use crate::abi::clones::Clone;
use crate::abi::{callblock, variadic};
use crate::llvm::{
    Block, Builder, Function, IntPredicate, Linkage, Module, Opcode, Place, TailCallKind, Type,
    UnnamedAddr, Value, Visibility,
};
use crate::safestack;
use frame::Frame;

/// The runtime's half of `setjmp`, a function of the box.
const FILL: &str = "__privbox_setjmp";

/// The functions of that family, by symbol.
pub fn is_setjmp(name: &str) -> bool {
    matches!(name, "setjmp" | "_setjmp" | "sigsetjmp" | "__sigsetjmp")
}

/// The name of the function called, if it is of the family.
fn callee(call: Value) -> Option<String> {
    let name = call.called_function()?.name();
    let name = crate::split::plain(&name);
    is_setjmp(name).then(|| name.to_owned())
}

fn calls(function: Function) -> Vec<Value> {
    let all = function.instructions().into_iter();
    all.filter(|i| callee(*i).is_some()).collect()
}

/// Can the calls of `setjmp` in this function, if any, be made in the box?
pub fn check(function: Function) -> Result<(), String> {
    let calls = calls(function);
    if calls.is_empty() {
        return Ok(());
    }
    for call in calls {
        let args = call.args();
        let masked = matches!(callee(call).as_deref(), Some("sigsetjmp" | "__sigsetjmp"));
        let right = args.len() == 1 + usize::from(masked)
            && args[0].ty().is_pointer()
            && args.iter().skip(1).all(|a| a.ty().int_width() == 32)
            && call.ty().int_width() == 32;
        if !right {
            return Err("a call of `setjmp` with other arguments than the C library's".into());
        }
    }
    let entry = function.entry();
    for i in function.instructions() {
        let fixed = i.parent() == entry && i.operand(0).is_some_and(Value::is_const_int);
        if i.is_alloca() && !fixed {
            return Err("`setjmp` in a function with `alloca` or a variable-length array".into());
        }
        if i.tail_kind() == TailCallKind::LLVMTailCallKindMustTail {
            return Err("`setjmp` in a function with a `musttail` call".into());
        }
        if i.ty().is_token() {
            return Err("`setjmp` in a function with tokens".into());
        }
    }
    Ok(())
}

/// Was a clone of this module split?
pub fn any(module: &Module<'_>) -> bool {
    module.function("__privbox_gate_try").is_some()
}

/// Splits a clone that calls `setjmp`: `clone.function` becomes the driver, the body is returned.
/// Calls are not in box convention yet. `None`: there is no such call.
pub fn split(module: &Module<'_>, clone: &Clone) -> Result<Option<Clone>, String> {
    let driver = clone.function;
    let jumps = calls(driver);
    if jumps.is_empty() {
        return Ok(None);
    }
    let context = module.context();
    let (ptr, i64t) = (context.ptr(), context.i64());
    let symbol = format!("{}.cont", clone.symbol);
    let ty = context.void().function(&[ptr, i64t, i64t, i64t], false);
    let body = module.add_function(&symbol, ty);
    adopt(driver, body);
    body.set_section(&format!("{}{symbol}", crate::object::TEXT_PREFIX));
    body.take_body(driver);
    let params = body.params();
    let (&[address, site, value, token], Some(start)) = (&params[..], body.entry()) else {
        return Err("a body without parameters or blocks".into());
    };
    for (param, name) in params.iter().zip(["frame", "site", "value", "token"]) {
        param.set_name(name);
    }

    let head = start.insert_before(context, "again");
    let mut frame = Frame::new(module, address, head);
    let builder = Builder::new(context);
    builder.at_end(head);
    builder.set_location(None);
    // Every activation of the body has a token of its own: jumps find the last one.
    let token_place = frame.place(i64t, 8);
    builder.store(token, token_place.pointer);
    let returned = builder.alloca(i64t);
    returned.set_name("setjmp.value");
    builder.store(value, returned);
    let arguments: Vec<u64> = driver
        .params()
        .into_iter()
        .map(|param| {
            let place = frame.place(param.ty(), 0);
            let again = builder.load(param.ty(), place.pointer);
            again.set_name(&param.name());
            param.replace_all_uses_with(again);
            place.offset
        })
        .collect();
    let mut sites = Vec::new();
    for (number, jump) in (1u64..).zip(jumps) {
        sites.push(land(module, jump, number, returned, token_place.pointer)?);
    }
    let result = store_results(module, body, &mut frame);
    demote::cross_block_values(module, body, head);
    demote::to_frame(module, body, head, &sites, returned, &mut frame);
    builder.at_end(head);
    let switch = builder.switch(site, start, sites.len() as u32);
    for (number, block) in (1u64..).zip(&sites) {
        switch.add_case(i64t.constant(number), *block);
    }
    drive(module, driver, body, &frame, &arguments, result)?;
    Ok(Some(Clone {
        name: format!("{}.cont", clone.name),
        symbol,
        function: body,
        variadic: false,
        replaceable: false,
        local: true,
        block: None,
        plan: clone.plan.clone(),
    }))
}

/// Gives the body what the clone has, but for its parameters.
fn adopt(driver: Function, body: Function) {
    for attribute in driver.attributes(Place::Function) {
        body.add_attribute(Place::Function, attribute);
    }
    for name in ["noreturn", "returns_twice"] {
        body.remove_enum_attribute(Place::Function, name);
        driver.remove_enum_attribute(Place::Function, name);
    }
    body.set_linkage(Linkage::LLVMExternalLinkage);
    body.set_visibility(Visibility::LLVMHiddenVisibility);
    body.set_unnamed_addr(UnnamedAddr::LLVMGlobalUnnamedAddr);
    body.set_alignment(16);
    body.set_subprogram(driver.subprogram());
    driver.set_subprogram(None);
    body.set_personality(driver.personality());
    driver.set_personality(None);
}

/// Replaces a call of `setjmp` by its two returns: the first goes on with 0, the others come from
/// the switch. Returns the block where both meet.
fn land(
    module: &Module<'_>,
    jump: Value,
    number: u64,
    returned: Value,
    token: Value,
) -> Result<Block, String> {
    let context = module.context();
    let (ptr, i32t, i64t) = (context.ptr(), context.i32(), context.i64());
    let name = callee(jump).unwrap_or_default();
    let args = jump.args();
    // glibc: the function `setjmp` keeps the signal mask, the macro of that name is `_setjmp`.
    let save_mask = match (name.as_str(), args.get(1)) {
        ("setjmp", _) => i32t.constant(1),
        (_, Some(save)) => *save,
        (_, None) => i32t.constant(0),
    };
    let block = jump.parent().ok_or("a call outside of a block")?;
    let location = jump.location();
    let landing = block.split_before(context, jump, "setjmp.return");
    let builder = Builder::new(context);
    builder.at_end(block);
    builder.set_location(location);
    let ty = context.void().function(&[ptr, i32t, ptr, i64t], false);
    let fill = module.declare(FILL, ty);
    builder.call(
        ty,
        fill.value(),
        &[args[0], save_mask, token, i64t.constant(number)],
    );
    builder.store(i64t.constant(0), returned);
    builder.br(landing);
    builder.before(jump);
    let value = builder.load(i64t, returned);
    let value = builder.trunc(value, i32t);
    value.set_name("setjmp.result");
    jump.replace_all_uses_with(value);
    jump.erase();
    Ok(landing)
}

/// Returns become stores to the frame. The place and type of the result, if there is one.
fn store_results(
    module: &Module<'_>,
    body: Function,
    frame: &mut Frame<'_, '_>,
) -> Option<(u64, Type)> {
    let builder = Builder::new(module.context());
    let mut result = None;
    for block in body.blocks() {
        let Some(end) = block
            .terminator()
            .filter(|e| e.opcode() == Some(Opcode::LLVMRet))
        else {
            continue;
        };
        builder.before(end);
        if let Some(value) = end.operand(0) {
            let (_, pointer) = *result.get_or_insert_with(|| {
                let place = frame.place(value.ty(), 0);
                ((place.offset, value.ty()), place.pointer)
            });
            builder.store(value, pointer);
        }
        builder.ret(None);
        end.erase();
    }
    result.map(|(place, _)| place)
}

/// Writes the driver: arguments to the frame, then the body, again and again while it is thrown to.
fn drive(
    module: &Module<'_>,
    driver: Function,
    body: Function,
    frame: &Frame<'_, '_>,
    arguments: &[u64],
    result: Option<(u64, Type)>,
) -> Result<(), String> {
    let context = module.context();
    let (ptr, i64t) = (context.ptr(), context.i64());
    let builder = Builder::new(context);
    let entry = driver.append_block(context, "entry");
    let again = driver.append_block(context, "again");
    let done = driver.append_block(context, "done");
    builder.at_end(entry);
    builder.set_location(None);
    let memory = builder.alloca(i64t.array(frame.size().div_ceil(8)));
    memory.set_alignment(frame.alignment() as u32);
    memory.set_name("privbox.frame");
    for (param, offset) in driver.params().into_iter().zip(arguments) {
        builder.store(param, callblock::at(context, &builder, memory, *offset));
    }
    // A throw abandons activations, and in kernel mode nobody else puts these back. In this order: a signal handler
    // that comes in between takes an activation below the unsafe stack pointer for one that lives.
    let kept = ["__privbox_activation", safestack::UNSAFE_SP].map(|name| {
        let place = variadic::thread_local(module, &builder, variadic::variable(module, name));
        let value = builder.load(ptr, place);
        value.set_volatile(true);
        (place, value)
    });
    builder.br(again);

    builder.at_end(again);
    let site = builder.phi(i64t);
    let value = builder.phi(i64t);
    let pair = context.structure(&[i64t, i64t], false);
    let ty = pair.function(&[ptr, ptr, i64t, i64t], false);
    let gate = callblock::gate(module, "__privbox_gate_try", ty);
    let call = builder.call(ty, gate, &[body.value(), memory, site, value]);
    if let Some(nest) = context.enum_attribute("nest", 0) {
        call.add_site_attribute(Place::Param(0), nest);
    }
    for (place, value) in kept {
        builder.store(value, place).set_volatile(true);
    }
    let thrown_value = builder.extract_value(call, 0);
    let thrown_site = builder.extract_value(call, 1);
    let returned = builder.icmp(IntPredicate::LLVMIntEQ, thrown_site, i64t.constant(0));
    builder.cond_br(returned, done, again);
    for (phi, next) in [(site, thrown_site), (value, thrown_value)] {
        phi.add_incoming(i64t.constant(0), entry);
        phi.add_incoming(next, again);
    }

    builder.at_end(done);
    match (driver.function_type().result(), result) {
        (Some(ty), _) if ty.is_void() => builder.ret(None),
        (_, Some((offset, ty))) => {
            let place = callblock::at(context, &builder, memory, offset);
            let value = builder.load(ty, place);
            builder.ret(Some(value))
        }
        // The body never returns.
        _ => builder.unreachable(),
    };
    Ok(())
}
