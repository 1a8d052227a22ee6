//! The translation table: normal addresses of functions, and their clones (docs/box-abi.md).

use crate::abi::clones::Clone;
use crate::entry::clone_symbol;
use crate::llvm::{Function, Linkage, Module, Value};
use crate::split::{Names, plain, resolve_alias, share};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Adds `.privbox.map` to the normal module: one entry per function whose address may reach an
/// indirect call of the box. `by_address` are functions that clones call that way.
pub fn add(
    normal: &Module<'_>,
    names: &Names,
    clones: &BTreeMap<String, Clone>,
    outside: &BTreeMap<String, String>,
    provided: &HashSet<String>,
    by_address: &BTreeSet<String>,
) {
    let context = normal.context();
    let mut entries = Vec::new();
    for function in taken(normal, by_address) {
        let name = function.name();
        if outside.contains_key(&name) || name.starts_with("__privbox_") {
            continue; // The thunk calls out what it does not find.
        }
        let (key, clone) = match clones.get(&name) {
            Some(clone) => {
                let symbol = clone_symbol(normal, &clone.symbol, Linkage::LLVMExternalLinkage);
                // Another definition may win at link time: the key is this unit's own. Those that are equal in all units
                // lie in groups of which the linker keeps one: their key is that one, whose address everybody takes.
                let key = if clone.replaceable {
                    share(normal, function.value(), &names.shared(&name))
                } else {
                    function.value()
                };
                (key, symbol)
            }
            None if !function.is_declaration() => continue,
            None => {
                let symbol = names.of_clone(&name, false);
                let weak = !provided.contains(plain(&name));
                let linkage = if weak {
                    Linkage::LLVMExternalWeakLinkage
                } else {
                    Linkage::LLVMExternalLinkage
                };
                (function.value(), clone_symbol(normal, &symbol, linkage))
            }
        };
        entries.push(context.const_struct(&[key, clone.value()], false));
    }
    if entries.is_empty() {
        return;
    }
    let ty = entries[0].ty();
    let table = normal.add_variable("privbox.map", ty.array(entries.len() as u64));
    table.set_initializer(Some(ty.const_array(&entries)));
    table.set_linkage(Linkage::LLVMInternalLinkage);
    // Not constant: its relocations are applied at load time; the linker script makes it relro.
    table.set_section(".privbox.map");
    table.set_alignment(8);
    retain(normal, table);
}

/// Functions whose address the unit takes, in code or in data.
fn taken(normal: &Module<'_>, by_address: &BTreeSet<String>) -> Vec<Function> {
    let mut aliased = HashSet::new();
    for alias in normal.aliases() {
        // The name shared with the box is no use by the program: its uses are counted below.
        if alias.has_uses()
            && let Some(function) = resolve_alias(alias).and_then(Value::as_function)
        {
            aliased.insert(function);
        }
    }
    normal
        .functions()
        .into_iter()
        .filter(|f| f.intrinsic_id() == 0 && !f.name().contains(".privbox"))
        .filter(|f| {
            by_address.contains(&f.name())
                || aliased.contains(f)
                || f.users().iter().any(|u| takes(*u, *f))
        })
        .collect()
}

/// Does this user do more with the function than call it?
fn takes(user: Value, function: Function) -> bool {
    if user.is_alias() || user.block_address().is_some() {
        return false;
    }
    if user.is_call() {
        let passed = user.args().contains(&function.value());
        return passed || user.callee() != Some(function.value());
    }
    true
}

/// Keeps a variable through `--gc-sections`: `llvm.used` sets `SHF_GNU_RETAIN`.
fn retain(module: &Module<'_>, variable: Value) {
    let context = module.context();
    let mut used = vec![variable];
    if let Some(old) = module.variable("llvm.used") {
        used.extend(old.initializer().map(Value::operands).unwrap_or_default());
        old.delete_global();
    }
    let list = module.add_variable("llvm.used", context.ptr().array(used.len() as u64));
    list.set_initializer(Some(context.ptr().const_array(&used)));
    list.set_linkage(Linkage::LLVMAppendingLinkage);
    list.set_section("llvm.metadata");
}
