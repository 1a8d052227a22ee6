//! What functions, variables and aliases have in common as symbols.

use super::{ComdatKind, Function, Module, Type, Value, borrowed, c_string};
use inkwell::llvm_sys::comdat::*;
use inkwell::llvm_sys::core::*;
use inkwell::llvm_sys::{LLVMLinkage, LLVMThreadLocalMode, LLVMUnnamedAddr, LLVMVisibility};

impl Value {
    /// Only declared here? (`false` for what is no global.)
    pub fn is_declaration(self) -> bool {
        // SAFETY: a global value.
        self.is_global_value() && unsafe { LLVMIsDeclaration(self.0) != 0 }
    }
    /// Linkage (external for what is no global).
    pub fn linkage(self) -> LLVMLinkage {
        if !self.is_global_value() {
            return LLVMLinkage::LLVMExternalLinkage;
        }
        // SAFETY: a global value.
        unsafe { LLVMGetLinkage(self.0) }
    }
    /// Sets the linkage.
    pub fn set_linkage(self, linkage: LLVMLinkage) {
        if self.is_global_value() {
            // SAFETY: a global value.
            unsafe { LLVMSetLinkage(self.0, linkage) }
        }
    }
    /// Internal or private?
    pub fn is_local_linkage(self) -> bool {
        matches!(
            self.linkage(),
            LLVMLinkage::LLVMInternalLinkage | LLVMLinkage::LLVMPrivateLinkage
        )
    }
    /// Visibility.
    pub fn visibility(self) -> LLVMVisibility {
        if !self.is_global_value() {
            return LLVMVisibility::LLVMDefaultVisibility;
        }
        // SAFETY: a global value.
        unsafe { LLVMGetVisibility(self.0) }
    }
    /// Sets the visibility. Hidden implies `dso_local`.
    pub fn set_visibility(self, visibility: LLVMVisibility) {
        if self.is_global_value() {
            // SAFETY: a global value.
            unsafe { LLVMSetVisibility(self.0, visibility) }
        }
    }
    /// Is the symbol known to be resolved within this image? The C API has no getter: the printed
    /// declaration says it. Costly for variables with large initialisers; ask for declarations.
    pub fn is_dso_local(self) -> bool {
        if !self.is_global_value() {
            return false;
        }
        if self.is_local_linkage() || self.visibility() != LLVMVisibility::LLVMDefaultVisibility {
            return true;
        }
        let text = self.print();
        // A name may contain anything, so look behind it only: "@name = ... dso_local ... global T".
        let line = text
            .lines()
            .find(|l| l.starts_with('@') || l.starts_with("declare") || l.starts_with("define"));
        line.is_some_and(|l| {
            let head = if l.starts_with('@') {
                l.split_once(" = ").map_or("", |(_, rest)| rest)
            } else {
                l
            };
            head.split(['@', '('])
                .next()
                .unwrap_or("")
                .split_whitespace()
                .any(|w| w == "dso_local")
        })
    }
    /// Section name; empty for none.
    pub fn section(self) -> String {
        if !self.is_global_value() {
            return String::new();
        }
        // SAFETY: a global value; null is "none".
        unsafe {
            let name = LLVMGetSection(self.0);
            if name.is_null() {
                String::new()
            } else {
                borrowed(name, std::ffi::CStr::from_ptr(name).to_bytes().len())
            }
        }
    }
    /// Sets the section; empty for none.
    pub fn set_section(self, section: &str) {
        let section = c_string(section);
        if self.is_global_variable() || self.as_function().is_some() {
            // SAFETY: a global object and a NUL-terminated name.
            unsafe { LLVMSetSection(self.0, section.as_ptr()) }
        }
    }
    /// Type of the object a global names (a function's type, a variable's).
    pub fn value_type(self) -> Option<Type> {
        // SAFETY: a global value.
        self.is_global_value()
            .then(|| Type(unsafe { LLVMGlobalGetValueType(self.0) }))
    }
    /// `unnamed_addr`.
    pub fn unnamed_addr(self) -> LLVMUnnamedAddr {
        if !self.is_global_value() {
            return LLVMUnnamedAddr::LLVMNoUnnamedAddr;
        }
        // SAFETY: a global value.
        unsafe { LLVMGetUnnamedAddress(self.0) }
    }
    /// Sets `unnamed_addr`.
    pub fn set_unnamed_addr(self, to: LLVMUnnamedAddr) {
        if self.is_global_value() {
            // SAFETY: a global value.
            unsafe { LLVMSetUnnamedAddress(self.0, to) }
        }
    }
    /// Is it in a comdat group?
    pub fn has_comdat(self) -> bool {
        // SAFETY: a global object; null is "none".
        (self.is_global_variable() || self.as_function().is_some())
            && !unsafe { LLVMGetComdat(self.0) }.is_null()
    }
    /// Takes it out of its comdat group.
    pub fn clear_comdat(self) {
        if self.is_global_variable() || self.as_function().is_some() {
            // SAFETY: a global object; null clears.
            unsafe { LLVMSetComdat(self.0, std::ptr::null_mut()) }
        }
    }
    /// Puts it into the comdat group of that name.
    pub fn set_comdat(self, module: &Module<'_>, name: &str, kind: ComdatKind) {
        let name = c_string(name);
        if self.is_global_variable() || self.as_function().is_some() {
            // SAFETY: a global object of the module and a NUL-terminated name.
            unsafe {
                let comdat = LLVMGetOrInsertComdat(module.raw, name.as_ptr());
                LLVMSetComdatSelectionKind(comdat, kind);
                LLVMSetComdat(self.0, comdat);
            }
        }
    }

    /// Initialiser of a variable.
    pub fn initializer(self) -> Option<Value> {
        if !self.is_global_variable() {
            return None;
        }
        // SAFETY: a variable; null for declarations.
        Value::option(unsafe { LLVMGetInitializer(self.0) })
    }
    /// Sets the initialiser of a variable; `None` makes it a declaration.
    pub fn set_initializer(self, value: Option<Value>) {
        if self.is_global_variable() {
            // SAFETY: a variable and a constant of its type; null removes.
            unsafe { LLVMSetInitializer(self.0, value.map_or(std::ptr::null_mut(), |v| v.0)) }
        }
    }
    /// A constant variable?
    pub fn is_global_constant(self) -> bool {
        // SAFETY: a variable.
        self.is_global_variable() && unsafe { LLVMIsGlobalConstant(self.0) != 0 }
    }
    /// Makes a variable constant or not.
    pub fn set_global_constant(self, constant: bool) {
        if self.is_global_variable() {
            // SAFETY: a variable.
            unsafe { LLVMSetGlobalConstant(self.0, i32::from(constant)) }
        }
    }
    /// A thread-local variable?
    pub fn is_thread_local(self) -> bool {
        // SAFETY: a variable.
        self.is_global_variable() && unsafe { LLVMIsThreadLocal(self.0) != 0 }
    }
    /// Thread-local model of a variable.
    pub fn thread_local_mode(self) -> LLVMThreadLocalMode {
        if !self.is_global_variable() {
            return LLVMThreadLocalMode::LLVMNotThreadLocal;
        }
        // SAFETY: a variable.
        unsafe { LLVMGetThreadLocalMode(self.0) }
    }
    /// Sets the thread-local model of a variable.
    pub fn set_thread_local_mode(self, mode: LLVMThreadLocalMode) {
        if self.is_global_variable() {
            // SAFETY: a variable.
            unsafe { LLVMSetThreadLocalMode(self.0, mode) }
        }
    }
    /// What an alias stands for.
    pub fn aliasee(self) -> Option<Value> {
        if self.is_alias() {
            // SAFETY: an alias.
            Value::option(unsafe { LLVMAliasGetAliasee(self.0) })
        } else {
            None
        }
    }
    /// Resolver of an ifunc.
    pub fn resolver(self) -> Option<Value> {
        if self.is_ifunc() {
            // SAFETY: an ifunc.
            Value::option(unsafe { LLVMGetGlobalIFuncResolver(self.0) })
        } else {
            None
        }
    }
    /// Removes a global variable, function, alias or ifunc from its module; nothing may use it any more.
    pub fn delete_global(self) {
        // SAFETY: by kind; by the caller's discipline unused. (LLVMDeleteGlobal only casts to
        // GlobalVariable, so aliases, for which the C API has nothing, stay.)
        unsafe {
            if self.is_global_variable() {
                LLVMDeleteGlobal(self.0);
            } else if let Some(Function(f)) = self.as_function() {
                LLVMDeleteFunction(f.0);
            } else if self.is_ifunc() {
                LLVMEraseGlobalIFunc(self.0);
            }
        }
    }
}
