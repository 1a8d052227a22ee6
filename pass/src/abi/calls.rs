//! Calls in clones: to clones, to the runtime library, out of the box, and through pointers.

use super::callblock::{self, Argument};
use super::clones::{Clone, lowered_type};
use super::signature::{
    BoxPlace, BoxPlan, HomeState, VaPlan, box_plan, classify, result_places, va_plan,
};
use super::{DROPPED, params, variadic};
use crate::callouts::Callouts;
use crate::llvm::{Builder, Function, IntPredicate, Module, Place, TailCallKind, Type, Value};
use crate::unwind;
use std::collections::HashMap;

/// What a call is in box terms, worked out before anything is changed.
pub struct Site {
    call: Value,
    named: Vec<Argument>,
    variadic: Vec<Argument>,
    plan: BoxPlan,
    va: VaPlan,
    /// Bytes of call block this site may need, beside spill block and va area.
    home: HomeState,
    is_variadic: bool,
    result: Type,
}

/// Analyses a call; the error says why it cannot be made in the box.
pub fn analyse(module: &Module<'_>, call: Value, avx: bool) -> Result<Site, String> {
    let layout = module.layout();
    let ty = call.called_type().ok_or("a call without a type")?;
    if !matches!(call.site_call_conv(), 0 | 8) {
        return Err(format!(
            "a call with calling convention {}",
            call.site_call_conv()
        ));
    }
    if let Some((tag, _)) = call.bundles().first() {
        return Err(format!("a call with an operand bundle `{tag}`"));
    }
    let (named, extra) = params::of_call(call)?;
    let plan = box_plan(layout, &named, avx)?;
    let result = ty.result().ok_or("a call without a result type")?;
    result_places(layout, result, avx)?;
    let mut home = HomeState::default();
    for param in &named {
        home.place(classify(layout, param, avx)?, false);
    }
    let va = va_plan(layout, &extra, avx, &mut home)?;
    if call.tail_kind() == TailCallKind::LLVMTailCallKindMustTail
        && (ty.is_variadic() || named.iter().any(|p| p.byval.is_some()))
    {
        return Err("a `musttail` call with variadic or by-value arguments".into());
    }
    let mut values = call.args().into_iter().enumerate().map(|(index, value)| {
        let signed = call
            .site_attribute(Place::Param(index as u32), "signext")
            .is_some();
        (value, signed)
    });
    let mut take = |params: Vec<super::signature::Param>| -> Vec<Argument> {
        params
            .into_iter()
            .filter_map(|param| {
                values.next().map(|(value, signed)| Argument {
                    value,
                    param,
                    signed,
                })
            })
            .collect()
    };
    let named = take(named);
    let variadic = take(extra);
    Ok(Site {
        call,
        named,
        variadic,
        plan,
        va,
        home,
        is_variadic: ty.is_variadic(),
        result,
    })
}

/// Rewrites the calls of one clone.
pub struct Calls<'a, 'c> {
    /// The box module.
    pub module: &'a Module<'c>,
    /// Clones, by the declaration that calls name.
    pub clones: &'a HashMap<Function, Clone>,
    /// Everything that is not a clone of this unit.
    pub callouts: &'a mut Callouts,
}

/// Where a call goes.
enum Target {
    /// A function in the box; variadic ones read the va area.
    Inside { callee: Value, variadic: bool },
    /// An address that the thunk or the gate translates.
    Address(Value),
}

impl Calls<'_, '_> {
    /// Rewrites every call of `clone` and returns the names it may have to call out.
    pub fn rewrite(&mut self, clone: &Clone) -> Result<Vec<String>, String> {
        let avx = params::has_avx(clone.function);
        let mut sites = Vec::new();
        for call in clone.function.instructions() {
            if is_real_call(call) {
                sites.push(analyse(self.module, call, avx)?);
            }
        }
        let mut called_out = Vec::new();
        let mut targeted = Vec::new();
        for site in sites {
            let target = self.target(clone, &site, &mut called_out)?;
            targeted.push((site, target));
        }
        let buffer = self.buffer(clone, &targeted, avx);
        for (mut site, mut target) in targeted {
            site.refresh();
            if let Target::Address(_) = target
                && let Some(callee) = site.call.callee().filter(|c| c.as_function().is_none())
            {
                target = Target::Address(callee);
            }
            self.rewrite_site(clone, site, target, buffer, avx)?;
        }
        called_out.sort();
        called_out.dedup();
        Ok(called_out)
    }

    /// One buffer per function, for the largest need of any site. SafeStack moves it to user memory.
    fn buffer(&self, clone: &Clone, sites: &[(Site, Target)], avx: bool) -> Option<Value> {
        let context = self.module.context();
        let size = sites
            .iter()
            .map(|(site, target)| site.buffer_size(target))
            .max()
            .unwrap_or(0);
        if size == 0 {
            return None;
        }
        let first = clone.function.entry()?.first()?;
        let builder = Builder::new(context);
        builder.before(first);
        builder.set_location(None);
        let buffer = builder.alloca(context.i64().array(size.div_ceil(8)));
        let align = sites.iter().map(|(s, _)| s.plan.align).max().unwrap_or(16);
        buffer.set_alignment(align.max(if avx { 32 } else { 16 }) as u32);
        buffer.set_name("privbox.args");
        Some(buffer)
    }

    fn target(
        &mut self,
        clone: &Clone,
        site: &Site,
        called_out: &mut Vec<String>,
    ) -> Result<Target, String> {
        let callee = site.call.callee().ok_or("a call without a callee")?;
        let Some(function) = callee.as_function() else {
            return Ok(Target::Address(callee));
        };
        if let Some(inside) = self.clones.get(&function)
            && !inside.replaceable
        {
            return Ok(Target::Inside {
                callee: inside.function.value(),
                variadic: inside.variadic,
            });
        }
        let replaceable = self.clones.contains_key(&function);
        // `int f();` declares nothing about the parameters: the call's own arguments are all named.
        let unprototyped =
            function.function_type().is_variadic() && function.function_type().params().is_empty();
        let variadic = site.is_variadic && !(unprototyped && site.variadic.is_empty());
        let found = if replaceable {
            None
        } else {
            self.callouts
                .find(self.module, clone, function, site, variadic)?
        };
        if let Some((callee, outside)) = found {
            if outside {
                called_out.push(function.name());
            }
            return Ok(Target::Inside { callee, variadic });
        }
        let builder = Builder::new(self.module.context());
        builder.before(site.call);
        Ok(Target::Address(self.callouts.address(
            self.module,
            &builder,
            function,
        )))
    }

    fn rewrite_site(
        &mut self,
        clone: &Clone,
        site: Site,
        target: Target,
        buffer: Option<Value>,
        avx: bool,
    ) -> Result<(), String> {
        let context = self.module.context();
        let call = site.call;
        call.set_site_call_conv(0);
        let must_tail = call.tail_kind() == TailCallKind::LLVMTailCallKindMustTail;
        let unchanged = !site.plan.complex && !site.is_variadic;
        // Only here is it known whether a callee that the thunk would call out may throw.
        let caught = self.callouts.catch_pointers && !unwind::is_nounwind_site(call) && !must_tail;
        match target {
            Target::Address(address) if caught && site.in_registers() => {
                return self.translate(site, address, buffer, avx);
            }
            Target::Inside { callee, .. } | Target::Address(callee) if unchanged => {
                call.set_callee(callee);
                drop_promises(call);
                return Ok(());
            }
            _ => {}
        }
        let builder = Builder::new(context);
        builder.before(call);
        let (callee, variadic) = match target {
            Target::Inside { callee, variadic } => (callee, variadic),
            Target::Address(address) if !site.plan.complex && site.variadic.is_empty() => {
                (address, true)
            }
            Target::Address(address) => {
                if must_tail {
                    return Err(
                        "a `musttail` call through a pointer with a complex signature".into(),
                    );
                }
                return self.translate(site, address, buffer, avx);
            }
        };
        let spill = if must_tail { clone.block } else { buffer };
        let result = self.call_inside(&builder, &site, callee, variadic, spill)?;
        if must_tail {
            result.set_tail_kind(TailCallKind::LLVMTailCallKindMustTail);
        }
        finish(call, Some(result));
        Ok(())
    }

    /// A call of a box function in box convention, with the call's attributes.
    fn call_inside(
        &self,
        builder: &Builder<'_>,
        site: &Site,
        callee: Value,
        variadic: bool,
        buffer: Option<Value>,
    ) -> Result<Value, String> {
        let context = self.module.context();
        let layout = self.module.layout();
        if variadic {
            let area = match buffer {
                Some(buffer) if site.va.size > 0 => buffer,
                _ => context.ptr().null(),
            };
            for (argument, offset) in site.variadic.iter().zip(&site.va.offsets) {
                callblock::store(
                    context,
                    layout,
                    builder,
                    callblock::at(context, builder, area, *offset),
                    argument,
                );
            }
            self.announce(builder, area, site.va.words);
        }
        let mut args = Vec::new();
        let mut spilled = 0;
        let spill_start = site.spill_offset();
        for (argument, place) in site.named.iter().zip(&site.plan.places) {
            match place {
                BoxPlace::Register => args.push(argument.value),
                BoxPlace::Block(offset) => {
                    let buffer = buffer.ok_or("no buffer for a spill block")?;
                    let address = callblock::at(context, builder, buffer, spill_start + offset);
                    store_spilled(self.module, builder, address, argument);
                    spilled += 1;
                }
            }
        }
        debug_assert!(spilled == 0 || site.plan.complex);
        if site.plan.complex {
            let buffer = buffer.ok_or("no buffer for a spill block")?;
            args.push(callblock::at(context, builder, buffer, spill_start));
        }
        let types: Vec<Type> = site.named.iter().map(|a| a.value.ty()).collect();
        let ty = lowered_type(context, site.result, &types, &site.plan);
        let call = builder.call(ty, callee, &args);
        copy_site_attributes(site.call, call, &site.plan);
        if !site.plan.complex && site.variadic.is_empty() {
            call.set_tail_kind(site.call.tail_kind());
        }
        Ok(call)
    }

    /// Stores the va area and the number of its stack words for the callee.
    fn announce(&self, builder: &Builder<'_>, area: Value, words: u64) {
        let words = self.module.context().i64().constant(words);
        for (name, value) in [("__privbox_va_area", area), ("__privbox_va_words", words)] {
            let variable = variadic::variable(self.module, name);
            let place = variadic::thread_local(self.module, builder, variable);
            builder.store(value, place);
        }
    }

    /// A call through a pointer whose convention depends on where it leads: into the box, or out.
    fn translate(
        &self,
        mut site: Site,
        address: Value,
        buffer: Option<Value>,
        avx: bool,
    ) -> Result<(), String> {
        let module = self.module;
        let context = module.context();
        let call = site.call;
        let block = call.parent().ok_or("a call outside of a block")?;
        let location = call.location();
        let builder = Builder::new(context);
        builder.before(call);
        let ty = context.ptr().function(&[context.ptr()], false);
        let translate = callblock::gate(module, "__privbox_gate_translate", ty);
        let start = builder.call(ty, translate, &[address]);
        if let Some(nest) = context.enum_attribute("nest", 0) {
            start.add_site_attribute(Place::Param(0), nest);
        }
        let is_outside = builder.icmp(IntPredicate::LLVMIntEQ, start, context.ptr().null());
        let rest = block.split_before(context, call, "called");
        // Phis of the successors were made anew, and arguments and callee may be among them.
        site.refresh();
        let address = call.callee().unwrap_or(address);
        let function = block.function();
        let catch = self.callouts.catch && !unwind::is_nounwind_site(call);
        let outside = function.append_block(context, "outside");
        let inside = function.append_block(context, "inside");
        outside.move_after(block);
        inside.move_after(block);
        builder.at_end(block);
        builder.set_location(location);
        builder.cond_br(is_outside, outside, inside);

        builder.at_end(inside);
        builder.set_location(location);
        let from_inside = self.call_inside(&builder, &site, start, site.is_variadic, buffer)?;
        builder.br(rest);

        builder.at_end(outside);
        builder.set_location(location);
        let from_outside = self.call_outside(&builder, &site, address, buffer, (catch, avx))?;
        builder.br(rest);

        let has_result = !site.result.is_void();
        let result = from_outside.filter(|_| has_result).map(|from_outside| {
            builder.before(call);
            let phi = builder.phi(site.result);
            phi.add_incoming(from_inside, inside);
            phi.add_incoming(from_outside, outside);
            phi
        });
        finish(call, result);
        Ok(())
    }

    /// A call-out of an address that no clone belongs to.
    fn call_outside(
        &self,
        builder: &Builder<'_>,
        site: &Site,
        address: Value,
        buffer: Option<Value>,
        (catch, avx): (bool, bool),
    ) -> Result<Option<Value>, String> {
        let module = self.module;
        let places = result_places(module.layout(), site.result, avx)?;
        if site.in_registers() {
            let target = if catch {
                unwind::catching(module, builder, address, &places)
            } else {
                address
            };
            let args = site.named.iter().map(|a| a.value).collect();
            let call = callblock::call_in_registers(module, builder, args, target, site.result);
            copy_site_attributes(site.call, call, &site.plan);
            return Ok(Some(call));
        }
        let buffer = buffer.ok_or("no buffer for a call block")?;
        let reserved = if catch { callblock::CATCHING } else { 0 };
        let (named, variadic) = (&site.named, &site.variadic);
        let home = callblock::fill(module, builder, buffer, named, variadic, reserved, avx)?;
        callblock::store_flags(module, builder, buffer, home.wide, &places);
        let target = if catch {
            unwind::catching_block(module, builder, buffer, address, &places)
        } else {
            address
        };
        callblock::call(module, builder, buffer, target, site.result, avx)
    }
}

impl Site {
    /// Type of the call's result.
    pub fn result(&self) -> Type {
        self.result
    }
    /// The named arguments.
    pub fn named(&self) -> &[Argument] {
        &self.named
    }
    /// How the named arguments travel.
    pub fn plan(&self) -> &BoxPlan {
        &self.plan
    }
    /// The call itself.
    pub fn call(&self) -> Value {
        self.call
    }

    /// Reads the arguments again: calls rewritten meanwhile may have replaced them.
    fn refresh(&mut self) {
        let values = self.call.args();
        for (argument, value) in self.named.iter_mut().chain(&mut self.variadic).zip(values) {
            argument.value = value;
        }
    }

    /// The va area comes first in the buffer, then the spill block.
    fn spill_offset(&self) -> u64 {
        self.va.size.next_multiple_of(self.plan.align.max(16))
    }

    /// Does the gate's call-out in registers do?
    fn in_registers(&self) -> bool {
        !self.plan.complex && self.variadic.is_empty()
    }

    fn buffer_size(&self, target: &Target) -> u64 {
        if !self.plan.complex && self.va.size == 0 {
            return 0;
        }
        let inside = self.spill_offset() + self.plan.size;
        match target {
            Target::Inside { .. } => inside,
            Target::Address(_) => {
                inside.max(callblock::STACK + callblock::CATCHING + self.home.stack)
            }
        }
    }
}

/// Is it a call that the conventions apply to: not an intrinsic, not inline assembly, not the stub
/// that inline system calls became?
pub fn is_real_call(value: Value) -> bool {
    let ours = value
        .called_function()
        .is_some_and(|f| f.name().starts_with("__privbox_syscall."));
    value.is_call()
        && !ours
        && value.intrinsic().is_none()
        && value.callee().is_some_and(|c| !c.is_inline_asm())
}

/// Spill blocks hold parameters as their types are (the callee loads them so).
fn store_spilled(module: &Module<'_>, builder: &Builder<'_>, address: Value, argument: &Argument) {
    if argument.param.byval.is_some() {
        callblock::store(
            module.context(),
            module.layout(),
            builder,
            address,
            argument,
        );
    } else {
        builder.store(argument.value, address);
    }
}

fn copy_site_attributes(from: Value, to: Value, plan: &BoxPlan) {
    for attribute in from.site_attributes(Place::Function) {
        if !DROPPED.iter().any(|name| attribute.is(name)) {
            to.add_site_attribute(Place::Function, attribute);
        }
    }
    for attribute in from.site_attributes(Place::Result) {
        to.add_site_attribute(Place::Result, attribute);
    }
    let mut register = 0;
    for (index, place) in plan.places.iter().enumerate() {
        if *place == BoxPlace::Register {
            for attribute in from.site_attributes(Place::Param(index as u32)) {
                to.add_site_attribute(Place::Param(register), attribute);
            }
            register += 1;
        }
    }
}

/// What the callee was promised to do or not do to memory, it may do in box convention.
fn drop_promises(call: Value) {
    for name in DROPPED {
        call.remove_site_attribute(Place::Function, name);
    }
}

fn finish(call: Value, result: Option<Value>) {
    if let Some(result) = result
        && call.has_uses()
    {
        let name = call.name();
        call.replace_all_uses_with(result);
        result.set_name(&name);
    }
    call.erase();
}
