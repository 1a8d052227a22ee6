//! What C++ landing pads catch: types, by the runtime's answers; exception specifications.
//!
//! Outside, the personality routine compares the exception's type with a pad's clauses before anything is
//! unwound. Here the pad asks when it is reached, clause by clause, with call-outs of the runtime
//! (`runtime/entry/cxx.c`), which note in the exception what `__cxa_begin_catch` will look for. An answer is a clause's
//! selector, a number per function and type as outside, or 0.

use crate::llvm::{Builder, Function, IntPredicate, Linkage, Module, Value, Visibility};
use std::collections::BTreeMap;

/// The routine that clang names for C++; others know other types.
const PERSONALITY: &str = "__gxx_personality_v0";
const TYPE_ID: &str = "llvm.eh.typeid.for";
/// A specification's list names its types by one byte each.
const MOST_TYPES: u64 = 100;

/// The selectors of a function: by type, from 1 on.
pub struct Selectors {
    types: BTreeMap<Value, u64>,
    cxx: bool,
}

/// A landing pad's answer.
pub struct Answer {
    /// The selector, as wide as the pad says.
    pub selector: Value,
    /// Is there a clause that every exception matches?
    pub everything: bool,
}

/// Do we know what this clause of a landing pad in `function` asks?
pub fn understood(function: Function, clause: Value) -> bool {
    let ty = clause.ty();
    if ty.is_pointer() {
        return clause.is_null() || is_cxx(function) && clause.is_global_value();
    }
    if !ty.is_array() || ty.len() > MOST_TYPES {
        return false;
    }
    // A filter that names nothing is what nothing passes.
    ty.is_empty() || is_cxx(function) && filtered(clause).iter().all(|t| t.is_global_value())
}

/// Do we know what this intrinsic of exception handling means? The others are of funclets and debuggers.
pub fn understood_intrinsic(function: Function, call: Value) -> bool {
    call.intrinsic().is_none_or(|name| {
        !name.starts_with("llvm.eh.") || name.starts_with(TYPE_ID) && is_cxx(function)
    })
}

fn is_cxx(function: Function) -> bool {
    function
        .personality()
        .is_some_and(|routine| routine.name() == PERSONALITY)
}

/// The types that a filter lets pass.
fn filtered(clause: Value) -> Vec<Value> {
    (0..clause.ty().len() as u32)
        .filter_map(|index| clause.aggregate_element(index))
        .collect()
}

impl Selectors {
    /// Of a function with understood landing pads only; `llvm.eh.typeid.for` becomes the number it stands for.
    pub fn assign(function: Function) -> Selectors {
        let mut selectors = Selectors {
            types: BTreeMap::new(),
            cxx: is_cxx(function),
        };
        for instruction in function.instructions() {
            let asks = instruction
                .intrinsic()
                .is_some_and(|name| name.starts_with(TYPE_ID));
            if let (true, Some(of)) = (asks, instruction.operand(0)) {
                let id = instruction.ty().constant(selectors.of(of));
                instruction.replace_all_uses_with(id);
                instruction.erase();
            }
        }
        selectors
    }

    fn of(&mut self, ty: Value) -> u64 {
        let next = self.types.len() as u64 + 1;
        *self.types.entry(ty).or_insert(next)
    }

    /// Asks, with `builder`, which clause of `pad` the `exception` matches. Data for the runtime is added to
    /// both modules, under names that both know as the unit's own.
    pub fn ask(
        &mut self,
        (boxed, normal): (&Module<'_>, &Module<'_>),
        builder: &Builder<'_>,
        pad: Value,
        exception: Value,
    ) -> Answer {
        let context = boxed.context();
        let (i64t, ptr) = (context.i64(), context.ptr());
        let mut answer = i64t.constant(0);
        let mut everything = false;
        for clause in pad.operands() {
            let before = answer;
            // Rust's filters are behind its one catch-all, or alone: anything but 0 tells them from cleanups.
            let all = if clause.ty().is_pointer() {
                clause.is_null().then(|| self.of(clause) as i64)
            } else {
                (!self.cxx).then_some(1)
            };
            if let Some(selector) = all {
                everything = true;
                let none = builder.icmp(IntPredicate::LLVMIntEQ, before, i64t.constant(0));
                answer = builder.select(none, i64t.signed(selector), before);
                break;
            }
            let (name, asked, number) = if clause.ty().is_pointer() {
                ("__privbox_catches", clause, self.of(clause))
            } else {
                let types = filtered(clause);
                everything |= types.is_empty();
                let data = specification(boxed, normal, &types);
                ("__privbox_violates", data, types.len() as u64)
            };
            let ty = i64t.function(&[ptr, ptr, i64t, i64t], false);
            let runtime = boxed.declare(name, ty);
            runtime.set_visibility(Visibility::LLVMHiddenVisibility);
            runtime.add_enum(context, "nounwind");
            let number = i64t.constant(number);
            answer = builder.call(ty, runtime.value(), &[exception, asked, number, before]);
            if everything {
                break;
            }
        }
        let selector = match pad.ty().fields().get(1) {
            Some(field) if field.int_width() < 64 => builder.trunc(answer, *field),
            _ => answer,
        };
        Answer {
            selector,
            everything,
        }
    }
}

/// An exception specification as language-specific data of its own, which is what `__cxa_call_unexpected` reads: no
/// landing pads, absolute addresses, no call sites; the types, the list of all of them.
fn specification(boxed: &Module<'_>, normal: &Module<'_>, types: &[Value]) -> Value {
    let name = (0..)
        .map(|n| format!("privbox.specification.{n}"))
        .find(|name| boxed.variable(name).is_none())
        .unwrap_or_default();
    let context = normal.context();
    let (ptr, count) = (context.ptr(), types.len() as u64);
    // The types' end, from behind the four bytes that say so; longer than need be, so that the types are aligned.
    let end = 2 + 8 * count;
    let mut head = vec![0xff, 0x00];
    head.extend((0..4).map(|n| (end >> (7 * n)) as u8 & 0x7f | if n < 3 { 0x80 } else { 0 }));
    head.extend([0x01, 0x00]);
    let list: Vec<u8> = (1..=count as u8).chain([0]).collect();
    let theirs: Vec<Value> = types
        .iter()
        .map(|ty| normal.global(&ty.name()).unwrap_or_else(|| ptr.null()))
        .collect();
    let value = context.const_struct(
        &[
            context.const_bytes(&head),
            ptr.const_array(&theirs),
            context.const_bytes(&list),
        ],
        false,
    );
    for module in [boxed, normal] {
        let ty = value.ty();
        let variable = module.add_variable(&name, ty);
        // The box module's becomes a declaration, like every variable there.
        let contents = if std::ptr::eq(module, normal) {
            value
        } else {
            ty.null()
        };
        variable.set_initializer(Some(contents));
        variable.set_linkage(Linkage::LLVMInternalLinkage);
        variable.set_global_constant(true);
        variable.set_alignment(8);
    }
    boxed.variable(&name).unwrap_or_else(|| ptr.null())
}

/// A landing pad that exceptions pass which match none of its clauses does not stop them: is it one for cleanups, too?
pub fn stops(pad: Value, answer: &Answer) -> bool {
    answer.everything || pad.is_cleanup() || pad.operand_count() == 0
}
