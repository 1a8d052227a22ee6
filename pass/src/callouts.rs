//! Callees that are no clone of this unit: the runtime library's, other units', the outside's.

use crate::abi::callblock::{self, Argument};
use crate::abi::calls::Site;
use crate::abi::clones::{Clone, lowered_type};
use crate::abi::signature::{BoxPlace, Param, result_places};
use crate::abi::{params, variadic};
use crate::llvm::{
    Builder, Function, Linkage, Module, Place, TailCallKind, Type, UnnamedAddr, Value, Visibility,
};
use crate::split::{Names, Shared, plain};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Names that the runtime library defines in the box.
const PROVIDED: &str = include_str!("../../runtime/box/provided.txt");

/// The names in `runtime/box/provided.txt`.
pub fn provided() -> HashSet<String> {
    listed(PROVIDED).map(str::to_owned).collect()
}

/// The names in a list of `runtime/box`: one a line, and comments.
pub fn listed(list: &str) -> impl Iterator<Item = &str> {
    let lines = list.lines();
    lines
        .map(|line| line.split('#').next().unwrap_or("").trim())
        .filter(|name| !name.is_empty())
}

/// Stubs and references made for one unit.
pub struct Callouts {
    names: Names,
    provided: HashSet<String>,
    ifuncs: HashSet<String>,
    /// Symbol called, to its stub and the function type it was made for.
    stubs: HashMap<String, (Function, Type)>,
    /// Reference variable, to the function whose address it holds (box module's name).
    references: BTreeMap<String, String>,
    external: BTreeSet<String>,
    /// Exceptions of callees come back into the box (`unwind.rs`).
    pub catch: bool,
    /// Those of foreign callees that are called through pointers, too.
    pub catch_pointers: bool,
}

impl Callouts {
    /// For a unit.
    pub fn new(names: Names, provided: HashSet<String>, shared: &Shared) -> Callouts {
        Callouts {
            names,
            provided,
            ifuncs: shared.ifuncs.iter().cloned().collect(),
            stubs: HashMap::new(),
            references: BTreeMap::new(),
            external: BTreeSet::new(),
            catch: false,
            catch_pointers: false,
        }
    }

    /// Callees that neither this unit nor the runtime library defines.
    pub fn external(&self) -> Vec<String> {
        self.external.iter().cloned().collect()
    }
    /// Functions that are called by address, by their names in the box module.
    pub fn by_address(&self) -> impl Iterator<Item = (&String, &String)> {
        self.references.iter()
    }
    /// The stubs, which are code of the box like the clones.
    pub fn stubs(&self) -> Vec<Function> {
        self.stubs.values().map(|(f, _)| *f).collect()
    }

    /// What a direct call of `function` calls in the box, and whether that may lead outside.
    /// `None`: it has to be called by address.
    pub fn find(
        &mut self,
        module: &Module<'_>,
        clone: &Clone,
        function: Function,
        site: &Site,
        variadic: bool,
    ) -> Result<Option<(Value, bool)>, String> {
        let mut function = function;
        let mut name = function.name();
        if matches!(plain(&name), "vfork" | "__vfork") {
            // A child on the parent's stack would return out of the gate twice (docs/box-abi.md).
            function = module.declare("fork", function.function_type());
            name = function.name();
        }
        if self.ifuncs.contains(&name) {
            return Ok(None);
        }
        let symbol = self.names.of_clone(&name, false);
        let context = module.context();
        let types: Vec<Type> = site.named().iter().map(|a| a.value.ty()).collect();
        if self.provided.contains(plain(&name)) {
            let ty = lowered_type(context, site.result(), &types, site.plan());
            let callee = module.declare(&symbol, ty);
            callee.set_visibility(Visibility::LLVMHiddenVisibility);
            return Ok(Some((callee.value(), false)));
        }
        self.external.insert(plain(&name).to_owned());
        let called = site.call().called_type().unwrap_or(context.void());
        if let Some((stub, ty)) = self.stubs.get(&symbol) {
            // Called with two types: one stub cannot serve both.
            return Ok((*ty == called).then(|| (stub.value(), true)));
        }
        let lowered = lowered_type(context, site.result(), &types, site.plan());
        let stub = module.add_function(&symbol, lowered);
        self.stubs.insert(symbol.clone(), (stub, called));
        stub.set_linkage(Linkage::LLVMWeakAnyLinkage);
        stub.set_visibility(Visibility::LLVMHiddenVisibility);
        stub.set_unnamed_addr(UnnamedAddr::LLVMGlobalUnnamedAddr);
        stub.set_section(&format!("{}{symbol}", crate::object::TEXT_PREFIX));
        stub.set_alignment(16);
        stub.add_enum(context, "nounwind");
        for key in ["target-cpu", "target-features", "tune-cpu"] {
            if let Some(value) = clone.function.string_attribute(Place::Function, key) {
                stub.add_string(context, key, &value);
            }
        }
        let named: Vec<(Param, bool)> = site.named().iter().map(|a| (a.param, a.signed)).collect();
        let avx = params::has_avx(clone.function);
        let catch = self.catch && !crate::unwind::is_nounwind(function);
        body(module, stub, function, &named, site, (variadic, catch), avx)?;
        Ok(Some((stub.value(), true)))
    }

    /// Loads a function's address from a variable of the normal module: a call through it is one
    /// that LLVM cannot make direct again.
    pub fn address(
        &mut self,
        module: &Module<'_>,
        builder: &Builder<'_>,
        function: Function,
    ) -> Value {
        let context = module.context();
        let symbol = self.names.reference(&function.name());
        let variable = match module.variable(&symbol) {
            Some(there) => there,
            None => {
                let variable = module.add_variable(&symbol, context.ptr());
                variable.set_visibility(Visibility::LLVMHiddenVisibility);
                variable.set_global_constant(true);
                self.references.insert(symbol, function.name());
                variable
            }
        };
        builder.load(context.ptr(), variable)
    }

    /// Defines the reference variables in the normal module.
    pub fn export(&self, normal: &Module<'_>, shared: &Shared) {
        for (symbol, name) in &self.references {
            let name = shared.promoted.get(name).unwrap_or(name);
            let Some(function) = normal.global(name) else {
                continue;
            };
            let variable = normal.add_variable(symbol, normal.context().ptr());
            variable.set_initializer(Some(function));
            variable.set_global_constant(true);
            variable.set_visibility(Visibility::LLVMHiddenVisibility);
        }
    }
}

/// The body of a call-out stub (docs/box-abi.md, "Out of the box").
fn body(
    module: &Module<'_>,
    stub: Function,
    target: Function,
    named: &[(Param, bool)],
    site: &Site,
    (is_variadic, catch): (bool, bool),
    avx: bool,
) -> Result<(), String> {
    let context = module.context();
    let builder = Builder::new(context);
    builder.at_end(stub.append_block(context, "entry"));
    let result = site.result();
    let places = result_places(module.layout(), result, avx)?;
    if !site.plan().complex && !is_variadic {
        let target = if catch {
            crate::unwind::catching(module, &builder, target.value(), &places)
        } else {
            target.value()
        };
        let call = callblock::call_in_registers(module, &builder, stub.params(), target, result);
        for (index, (_, _)) in named.iter().enumerate() {
            for attribute in site.call().site_attributes(Place::Param(index as u32)) {
                if ["signext", "zeroext"].iter().any(|n| attribute.is(n)) {
                    call.add_site_attribute(Place::Param(index as u32), attribute);
                    stub.add_attribute(Place::Param(index as u32), attribute);
                }
            }
        }
        call.set_tail_kind(TailCallKind::LLVMTailCallKindTail);
        builder.ret((!result.is_void()).then_some(call));
        return Ok(());
    }
    let arguments = incoming(module, &builder, stub, named, site)?;
    // The block's fixed part, then as much as the variadic arguments can take on the stack.
    let reserved = if catch { callblock::CATCHING } else { 0 };
    let size = reserved + fixed_size(module, &arguments, avx)?;
    let area_and_words = is_variadic.then(|| {
        let read = |name, ty| {
            let place = variadic::thread_local(module, &builder, variadic::variable(module, name));
            builder.load(ty, place)
        };
        (
            read("__privbox_va_area", context.ptr()),
            read("__privbox_va_words", context.i64()),
        )
    });
    let block = match area_and_words {
        None => builder.alloca(context.i64().array(size / 8)),
        Some((_, words)) => {
            let words = builder.add(words, context.i64().constant(size / 8));
            builder.array_alloca(context.i64(), words)
        }
    };
    block.set_alignment(if avx { 32 } else { 16 });
    let home = callblock::fill(module, &builder, block, &arguments, &[], reserved, avx)?;
    callblock::store_flags(module, &builder, block, home.wide, &places);
    if let Some((area, words)) = area_and_words {
        let (ptr, i32t, i64t) = (context.ptr(), context.i32(), context.i64());
        let ty = context
            .void()
            .function(&[ptr, ptr, i64t, i32t, i32t, i32t], false);
        let va_block = callblock::gate(module, "__privbox_va_block.privbox", ty);
        let used =
            [u64::from(home.gp), u64::from(home.vec), home.stack / 8].map(|n| i32t.constant(n));
        builder.call(
            ty,
            va_block,
            &[block, area, words, used[0], used[1], used[2]],
        );
    }
    let target = if catch {
        crate::unwind::catching_block(module, &builder, block, target.value(), &places)
    } else {
        target.value()
    };
    let value = callblock::call(module, &builder, block, target, result, avx)?;
    builder.ret(value);
    Ok(())
}

/// A stub's named arguments, out of its registers and its spill block.
fn incoming(
    module: &Module<'_>,
    builder: &Builder<'_>,
    stub: Function,
    named: &[(Param, bool)],
    site: &Site,
) -> Result<Vec<Argument>, String> {
    let context = module.context();
    let spill = stub.params().last().copied();
    let mut registers = stub.params().into_iter();
    let mut arguments = Vec::new();
    for ((param, signed), place) in named.iter().zip(&site.plan().places) {
        let value = match place {
            BoxPlace::Register => registers.next().ok_or("a stub with too few parameters")?,
            BoxPlace::Block(offset) => {
                let spill = spill.ok_or("a stub without a spill block")?;
                let address = callblock::at(context, builder, spill, *offset);
                if param.byval.is_some() {
                    address
                } else {
                    builder.load(param.ty, address)
                }
            }
        };
        arguments.push(Argument {
            value,
            param: *param,
            signed: *signed,
        });
    }
    Ok(arguments)
}

fn fixed_size(module: &Module<'_>, arguments: &[Argument], avx: bool) -> Result<u64, String> {
    let mut state = crate::abi::signature::HomeState::default();
    for argument in arguments {
        state.place(
            crate::abi::signature::classify(module.layout(), &argument.param, avx)?,
            false,
        );
    }
    Ok(callblock::STACK + state.stack.next_multiple_of(8))
}
