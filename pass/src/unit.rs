//! The pipeline of one unit.

use crate::abi::calls::Calls;
use crate::abi::clones::{self, Clone};
use crate::callouts::{Callouts, provided};
use crate::llvm::{Context, Function, Linkage, Machine, Module, Place};
use crate::split::{self, Names, Shared, plain};
use crate::{
    Error, FunctionRecord, Level, Options, Output, OutsideRecord, Scheme, Strength, UnitRecord,
    Unwinding, asm, codegen, computed_goto, depth, entry, intrinsics, libm, map, mask, object,
    prepare, safestack, select, setjmp, switches, tls, unwind,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The functions that a unit defines, for globs.
pub fn function_names(bitcode: &[u8]) -> Result<Vec<String>, Error> {
    let context = Context::new();
    let module = Module::parse(&context, bitcode, "unit")?;
    let defined = module.defined_functions().into_iter();
    Ok(defined
        .filter(|f| f.linkage() != Linkage::LLVMAvailableExternallyLinkage)
        .map(|f| plain(&f.name()).to_owned())
        .collect())
}

/// Instruments a unit.
pub fn run(bitcode: &[u8], options: &Options) -> Result<Output, Error> {
    run_keeping_ir(bitcode, options, &mut |_, _| {})
}

/// As [`run`]; `watch` is given the box module's text after each stage, for tests and debugging.
pub fn run_keeping_ir(
    bitcode: &[u8],
    options: &Options,
    watch: &mut dyn FnMut(&str, &dyn Fn() -> String),
) -> Result<Output, Error> {
    let context = Context::new();
    let normal = Module::parse(&context, bitcode, &options.unit)?;
    let boxed = Module::parse(&context, bitcode, &options.unit)?;
    let triple = normal.triple();
    if !triple.starts_with("x86_64") || !triple.contains("linux") {
        return Err(Error::Target {
            unit: options.unit.clone(),
            triple,
        });
    }
    let machine = codegen::machine(&boxed, options)?;
    let return_thunks = options.scheme == Scheme::Paper
        && boxed
            .defined_functions()
            .iter()
            .any(|f| f.enum_attribute(Place::Function, RETURN_THUNK).is_some());
    split::name_everything(&normal);
    split::name_everything(&boxed);
    // `-fno-plt`, rustc's default: code generation would call `memcpy` by its address, out of the box.
    boxed.clear_flag("RtLibUseGOT");
    libm::lower(&boxed);
    intrinsics::lower(&boxed);
    prepare::compare_in_place(&boxed, &machine)?;
    let unwinding = options.unwinding != Unwinding::None;
    let mut provided = provided();
    if unwinding {
        unwind::lower(&boxed, &normal, &provided, options.unwinding);
    }
    watch("lower", &|| boxed.print());
    let selection = select::select(&boxed, options)?;
    let names = Names::new(&options.unit_hash);
    let mut record = UnitRecord {
        unit: options.unit.clone(),
        hash: options.unit_hash.clone(),
        level: options.level.name().into(),
        strength: options.strength.name().into(),
        requested: options.entry.clone(),
        outside_requested: options.outside.clone(),
        entries: selection
            .entries
            .iter()
            .map(|n| plain(n).to_owned())
            .collect(),
        outside: selection
            .outside
            .iter()
            .chain(&selection.not_entries)
            .map(|(name, reason)| OutsideRecord {
                name: plain(name).to_owned(),
                reason: reason.clone(),
            })
            .collect(),
        ..UnitRecord::default()
    };

    for function in boxed.defined_functions() {
        let name = function.name();
        if !selection.outside.contains_key(&name) {
            computed_goto::lower(&normal, &boxed, &name, &names);
        }
    }
    let mut shared = split::strip_box(&boxed, &names, &machine)?;
    let mut clones = make_clones(&boxed, &names, &selection, &mut shared)?;
    // A function of the unit's own that its author keeps outside is called out, whatever the runtime library has under its name.
    provided.retain(|name| {
        let reason = selection.outside.get(name);
        reason.is_none_or(|reason| reason != select::KEPT)
    });
    let mut callouts = Callouts::new(names.clone(), provided.clone(), &shared);
    callouts.catch = unwinding;
    callouts.catch_pointers = options.unwinding == Unwinding::Cxx;
    let called = rewrite_calls(&boxed, &mut clones, &shared, &mut callouts, options.level)?;
    record.external = callouts.external();
    callouts.export(&normal, &shared);
    let by_address: BTreeSet<String> = callouts
        .by_address()
        .map(|(_, name)| shared.promoted.get(name).unwrap_or(name).clone())
        .collect();
    map::add(
        &normal,
        &names,
        &clones,
        &selection.outside,
        &provided,
        &by_address,
    );
    split::export(&normal, &boxed, &shared);
    for name in &selection.entries {
        if let Some(clone) = clones.get(name) {
            entry::add_stub(&normal, name, &clone.symbol, unwinding)?;
        }
    }
    normal.verify()?;
    watch("normal", &|| normal.print());
    watch("abi", &|| boxed.print());
    boxed.verify()?;
    keep_only(&mut clones, options);

    if return_thunks {
        for function in boxed.defined_functions() {
            function.add_enum(&context, RETURN_THUNK);
        }
    }
    let mut box_object = None;
    if !clones.is_empty() {
        let (bytes, statistics) = stages(&boxed, &machine, options, watch)?;
        for (name, clone) in &clones {
            let mut function = FunctionRecord {
                name: plain(name).to_owned(),
                ..FunctionRecord::default()
            };
            function.callouts = called.get(name).cloned().unwrap_or_default();
            if let Some(counts) = statistics.get(&clone.symbol) {
                function.accesses = counts.accesses;
                function.masks = counts.masks;
                function.elided = counts.elided;
                function.mask_all = options.mask_all;
            }
            record.functions.push(function);
        }
        let (bytes, _) = object::finish(&bytes, &provided, &record.to_line()?)?;
        box_object = Some(bytes);
    }
    Ok(Output {
        normal_bitcode: normal.to_bitcode(),
        box_object,
        record,
    })
}

/// `-mfunction-return=thunk-extern`: clones lose it, but for the benchmark of the paper's scheme, which
/// puts that scheme's returns in place of the jumps.
const RETURN_THUNK: &str = "fn_ret_thunk_extern";

/// What the mask stage counted, by symbol of the clone.
type Statistics = HashMap<String, mask::Stats>;

/// From clones in box convention to LLVM's object (`docs/box-abi.md`; the order is `compiler.md`'s).
fn stages(
    boxed: &Module<'_>,
    machine: &Machine,
    options: &Options,
    watch: &mut dyn FnMut(&str, &dyn Fn() -> String),
) -> Result<(Vec<u8>, Statistics), Error> {
    if setjmp::any(boxed) {
        boxed.run_passes("function(mem2reg)", machine)?;
    }
    prepare::run(boxed, machine, options)?;
    if options.strength != Strength::Transient {
        // Its tables would need masks that T1 does not believe: compare trees instead.
        switches::run(boxed);
    }
    watch("prepare", &|| boxed.print());
    safestack::run(boxed, machine, options)?;
    watch("safestack", &|| boxed.print());
    let statistics = mask::run(boxed, options)?;
    watch("mask", &|| boxed.print());
    depth::run(boxed, options.mask_all);
    watch("depth", &|| boxed.print());
    let object = codegen::run(boxed, machine, options)?;
    watch("codegen", &|| boxed.print());
    Ok((object, statistics))
}

/// Turns every selected definition into its clone, and every other one into a declaration.
fn make_clones(
    boxed: &Module<'_>,
    names: &Names,
    selection: &select::Selection,
    shared: &mut Shared,
) -> Result<BTreeMap<String, Clone>, Error> {
    let mut clones = BTreeMap::new();
    for function in boxed.defined_functions() {
        let name = function.name();
        let available = function.linkage() == Linkage::LLVMAvailableExternallyLinkage;
        if available || selection.outside.contains_key(&name) {
            // Uses of the parameters go with the body.
            let linkage = function.linkage();
            let local = function.is_local_linkage();
            function.delete_body();
            function.value().clear_global_metadata();
            function.set_personality(None);
            function.set_linkage(if local {
                linkage
            } else {
                Linkage::LLVMExternalLinkage
            });
            split::declare(function.value(), names, shared);
            continue;
        }
        let clone =
            clones::make(boxed, function, names, shared).map_err(|what| Error::Internal {
                function: plain(&name).to_owned(),
                what,
            })?;
        clones.insert(name, clone);
    }
    Ok(clones)
}

/// Rewrites the calls of every clone, and splits those that call `setjmp`; returns the call-outs by
/// function.
fn rewrite_calls(
    boxed: &Module<'_>,
    clones: &mut BTreeMap<String, Clone>,
    shared: &Shared,
    callouts: &mut Callouts,
    level: Level,
) -> Result<BTreeMap<String, Vec<String>>, Error> {
    let unpromoted: HashMap<&str, &str> = shared
        .promoted
        .iter()
        .map(|(f, n)| (n.as_str(), f.as_str()))
        .collect();
    let mut by_declaration: HashMap<Function, Clone> = HashMap::new();
    let declaration = |name: &str| boxed.function(unpromoted.get(name).copied().unwrap_or(name));
    for (name, clone) in clones.iter() {
        if let Some(function) = declaration(name) {
            by_declaration.insert(function, clone.clone());
        }
    }
    for (alias, target, replaceable) in &shared.aliases {
        if let (Some(function), Some(clone)) = (declaration(alias), clones.get(target)) {
            let mut clone = clone.clone();
            clone.replaceable |= replaceable;
            by_declaration.insert(function, clone);
        }
    }
    let mut called = BTreeMap::new();
    let mut bodies = BTreeMap::new();
    for (name, clone) in clones.iter() {
        let internal = |what| Error::Internal {
            function: plain(name).to_owned(),
            what,
        };
        asm::rewrite(boxed, clone.function);
        tls::lower(boxed, clone.function, level);
        let mut calls = Calls {
            module: boxed,
            clones: &by_declaration,
            callouts,
        };
        match setjmp::split(boxed, clone).map_err(internal)? {
            None => {
                let outside = calls.rewrite(clone).map_err(internal)?;
                called.insert(name.clone(), outside);
            }
            // The driver calls nothing but the gate.
            Some(body) => {
                let outside = calls.rewrite(&body).map_err(internal)?;
                let name = format!("{name}.cont");
                called.insert(name.clone(), outside);
                bodies.insert(name, body);
            }
        }
    }
    clones.append(&mut bodies);
    Ok(called)
}

/// Drops the clones that were not asked for (a recompilation of some functions).
fn keep_only(clones: &mut BTreeMap<String, Clone>, options: &Options) {
    let Some(only) = &options.only else { return };
    clones.retain(|name, clone| {
        let keep = only.contains(name) || only.contains(&clone.symbol);
        if !keep {
            clone.function.delete_body();
            clone.function.clear_global_metadata();
            clone.function.set_section("");
        }
        keep
    });
}
