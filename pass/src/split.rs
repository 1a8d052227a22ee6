//! One bitcode file, two modules: names that both use, and the box module's globals.
//!
//! Both modules are parsed from the same bytes, so they hold the same globals in the same order.
//! In the box module every global becomes a declaration; what was internal gets a name that the
//! normal module exports as a hidden alias, once something in the box really uses it.

use crate::Error;
use crate::llvm::{Linkage, Machine, Module, ThreadLocalMode, UnnamedAddr, Value, Visibility};
use std::collections::BTreeMap;

/// Names derived from a unit's symbols (docs/box-abi.md, "Symbols and sections").
#[derive(Debug, Clone)]
pub struct Names {
    hash: String,
}

impl Names {
    /// For the unit with these 16 hexadecimal digits.
    pub fn new(hash: &str) -> Names {
        Names {
            hash: hash.to_owned(),
        }
    }
    /// The symbol of a clone. `local`: other units must not see it.
    pub fn of_clone(&self, name: &str, local: bool) -> String {
        let name = plain(name);
        if local {
            format!("{name}.privbox.{}", self.hash)
        } else {
            format!("{name}.privbox")
        }
    }
    /// The shared symbol of something internal.
    pub fn shared(&self, name: &str) -> String {
        // A name that starts with `.L` would never reach the symbol table.
        let name = plain(name);
        let name = name
            .strip_prefix(".L")
            .map_or_else(|| name.to_owned(), |rest| format!("L{rest}"));
        format!("{name}.pb.{}", self.hash)
    }
    /// The variable in the normal module that holds a function's address for calls by address.
    pub fn reference(&self, name: &str) -> String {
        self.shared(&format!("{}.ref", plain(name)))
    }
}

/// Without the mark that keeps LLVM from mangling a name.
pub fn plain(name: &str) -> &str {
    name.strip_prefix('\u{1}').unwrap_or(name)
}

/// Names what has no name, in module order, so that the two modules agree.
pub fn name_everything(module: &Module<'_>) {
    let mut count = 0;
    let globals = module
        .variables()
        .into_iter()
        .chain(module.functions().into_iter().map(Value::from));
    for global in globals.chain(module.aliases()).chain(module.ifuncs()) {
        if global.name().is_empty() {
            global.set_name(&format!("unnamed.{count}"));
            count += 1;
        }
    }
}

/// What the box module's globals were before they became declarations.
#[derive(Debug, Default)]
pub struct Shared {
    /// Box name of each promoted global, to the name it has in the normal module.
    pub promoted: BTreeMap<String, String>,
    /// Aliases of functions: name, aliasee's name, can another definition replace it?
    pub aliases: Vec<(String, String, bool)>,
    /// Names of ifuncs.
    pub ifuncs: Vec<String>,
}

/// Turns variables, aliases and ifuncs of the box module into declarations.
/// Functions keep their bodies; `crate::abi` moves them into clones.
pub fn strip_box(module: &Module<'_>, names: &Names, machine: &Machine) -> Result<Shared, Error> {
    let mut shared = Shared::default();
    module.set_assembly("");
    for variable in module.variables() {
        if variable.name().starts_with("llvm.") {
            // llvm.used, llvm.global_ctors, llvm.global.annotations: the normal module's business.
            variable.set_initializer(None);
            variable.delete_global();
        }
    }
    replace_aliases(module, names, machine, &mut shared)?;
    for ifunc in module.ifuncs() {
        let name = ifunc.name();
        let Some(ty) = ifunc.value_type() else {
            continue;
        };
        ifunc.set_name(&format!("{name}.privbox.ifunc"));
        let declaration = module.add_function(&name, ty);
        declaration.set_visibility(ifunc.visibility());
        if ifunc.is_local_linkage() {
            promote(declaration.value(), names, &mut shared);
        }
        ifunc.replace_all_uses_with(declaration.value());
        ifunc.delete_global();
        shared.ifuncs.push(name);
    }
    for variable in module.variables() {
        let defined = !variable.is_declaration();
        if variable.is_thread_local() {
            // A box is in an executable: what it defines itself lies at a constant offset of FS.
            let near = defined || variable.visibility() != Visibility::LLVMDefaultVisibility;
            variable.set_thread_local_mode(if near {
                ThreadLocalMode::LLVMLocalExecTLSModel
            } else {
                ThreadLocalMode::LLVMInitialExecTLSModel
            });
        }
        if defined {
            declare(variable, names, &mut shared);
            variable.set_initializer(None);
        }
        variable.clear_global_metadata();
    }
    Ok(shared)
}

/// Makes a declaration of a global whose contents are gone (or about to go).
pub fn declare(global: Value, names: &Names, shared: &mut Shared) {
    global.clear_comdat();
    global.set_section("");
    if global.is_local_linkage() {
        promote(global, names, shared);
    } else {
        global.set_linkage(Linkage::LLVMExternalLinkage);
    }
}

fn promote(global: Value, names: &Names, shared: &mut Shared) {
    let name = global.name();
    let fresh = names.shared(&name);
    global.set_name(&fresh);
    global.set_linkage(Linkage::LLVMExternalLinkage);
    global.set_visibility(Visibility::LLVMHiddenVisibility);
    shared.promoted.insert(fresh, name);
}

/// Aliases of the box module become declarations of what they are; the C API cannot delete an
/// alias, so the old ones are made internal and left to `globaldce`.
fn replace_aliases(
    module: &Module<'_>,
    names: &Names,
    machine: &Machine,
    shared: &mut Shared,
) -> Result<(), Error> {
    let aliases = module.aliases();
    if aliases.is_empty() {
        return Ok(());
    }
    // Resolve first: an alias may stand for another alias.
    let resolved: Vec<_> = aliases.iter().map(|a| (*a, resolve_alias(*a))).collect();
    for (alias, target) in resolved {
        let name = alias.name();
        let Some(ty) = alias.value_type() else {
            continue;
        };
        let local = alias.is_local_linkage();
        let visibility = alias.visibility();
        let replaceable = is_replaceable(alias);
        alias.set_name(&format!("{name}.privbox.alias"));
        let function = ty.is_function();
        let fresh = if function {
            module.add_function(&name, ty).value()
        } else {
            let variable = module.add_variable(&name, ty);
            if let Some(target) = target.filter(|t| t.is_thread_local()) {
                variable.set_thread_local_mode(target.thread_local_mode());
            }
            variable
        };
        fresh.set_visibility(visibility);
        if local {
            promote(fresh, names, shared);
        }
        alias.replace_all_uses_with(fresh);
        alias.set_linkage(Linkage::LLVMInternalLinkage);
        if function && let Some(target) = target {
            shared.aliases.push((name, target.name(), replaceable));
        }
    }
    Ok(module.run_passes("globaldce", machine)?)
}

/// The function or variable that an alias stands for, if it is exactly one of them.
pub fn resolve_alias(alias: Value) -> Option<Value> {
    let mut at = alias;
    for _ in 0..64 {
        if !at.is_alias() {
            break;
        }
        at = at.aliasee()?;
    }
    (at.is_global_variable() || at.as_function().is_some()).then_some(at)
}

/// May another definition replace this one at link time (LLVM's "interposable")?
pub fn is_replaceable(global: Value) -> bool {
    matches!(
        global.linkage(),
        Linkage::LLVMWeakAnyLinkage
            | Linkage::LLVMLinkOnceAnyLinkage
            | Linkage::LLVMCommonLinkage
            | Linkage::LLVMExternalWeakLinkage
    )
}

/// May other units hold an equal definition of the same name?
pub fn is_shared_definition(global: Value) -> bool {
    matches!(
        global.linkage(),
        Linkage::LLVMWeakODRLinkage | Linkage::LLVMLinkOnceODRLinkage
    )
}

/// Exports from the normal module what the box module still refers to.
pub fn export(normal: &Module<'_>, boxed: &Module<'_>, shared: &Shared) {
    for (fresh, name) in &shared.promoted {
        let used = boxed.global(fresh).is_some_and(|g| g.has_uses());
        if used && let Some(global) = normal.global(name) {
            share(normal, global, fresh);
        }
    }
    // A definition that the normal code does not use itself must be there for the box.
    let globals = normal
        .variables()
        .into_iter()
        .chain(normal.defined_functions().into_iter().map(Value::from));
    for global in globals {
        let kept = match global.linkage() {
            Linkage::LLVMLinkOnceAnyLinkage => Linkage::LLVMWeakAnyLinkage,
            Linkage::LLVMLinkOnceODRLinkage => Linkage::LLVMWeakODRLinkage,
            _ => continue,
        };
        if boxed.global(&global.name()).is_some_and(|g| g.has_uses()) {
            global.set_linkage(kept);
        }
    }
}

/// A hidden second name for a definition of the normal module.
pub fn share(normal: &Module<'_>, global: Value, name: &str) -> Value {
    if let Some(there) = normal.alias(name) {
        return there;
    }
    let Some(ty) = global.value_type() else {
        return global;
    };
    let alias = normal.add_alias(name, ty, resolve_alias(global).unwrap_or(global));
    alias.set_linkage(Linkage::LLVMExternalLinkage);
    alias.set_visibility(Visibility::LLVMHiddenVisibility);
    alias.set_unnamed_addr(UnnamedAddr::LLVMNoUnnamedAddr);
    alias
}
