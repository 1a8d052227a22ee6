//! Unwinding in the box: a word per thread, tested after every call that may set it.
//!
//! Outside, an unwinder finds frames by return addresses and rewrites registers and stack pointer; no
//! contract could allow that to code of the box, and the unwinder is not in it. Here a function that
//! unwinds *returns*, with the exception in `__privbox_unwinding`, and its caller tests that word:
//! an `invoke` goes on at its landing pad, a call returns at once. What LLVM knows as landing pads and
//! `resume` stays as it was written, so destructors run in the order they run outside.
//!
//! The word is the program's own memory and means nothing to the verifier. Calls of `nounwind`
//! functions, of the runtime library, and those whose result is returned at once need no test. Who enters the box tests the
//! word too ([`crate::entry`]), and raises the exception for its caller.
//!
//! Rust's landing pads catch everything or nothing; those of C++ ask for types ([`crate::catches`]). An exception
//! of C++ is raised by `__cxa_throw` as ever, outside, where the call-out's routine catches it at once.

use crate::abi::signature::ResultPlace;
use crate::abi::{callblock, variadic};
use crate::catches::{self, Selectors};
use crate::llvm::{
    Block, Builder, Context, Function, IntPredicate, Module, Opcode, Place, TailCallKind, Value,
    Visibility,
};
use crate::options::Unwinding;
use crate::safestack::UNSAFE_SP;
use std::collections::HashSet;

/// The word: null, or the exception object that is on its way.
pub const WORD: &str = "__privbox_unwinding";
/// Begins unwinding outside; here it stores its argument to the word.
const RAISE: &str = "_Unwind_RaiseException";

/// Functions that the runtime has a version of for callers in the box: threads that the box starts run in it.
const REPLACED: [(&str, &str); 1] = [("pthread_create", "__privbox_thread_create")];

/// What a promise about a function's result is worth when it may return by unwinding.
const RESULT_PROMISES: [&str; 7] = [
    "nonnull",
    "noundef",
    "dereferenceable",
    "dereferenceable_or_null",
    "align",
    "range",
    "noalias",
];

/// Lowers every function that this can be done for; the others keep their landing pads, for which
/// [`crate::select`] leaves them outside. `provided`: what the runtime library defines, none of
/// which unwinds. `normal`: the module of the normal code.
pub fn lower(
    module: &Module<'_>,
    normal: &Module<'_>,
    provided: &HashSet<String>,
    language: Unwinding,
) {
    let replaced = REPLACED.iter().filter(|_| language == Unwinding::Rust);
    for (name, ours) in replaced {
        if let Some(function) = module.function(name).filter(|f| f.is_declaration()) {
            function.value().set_name(ours);
            function.set_visibility(Visibility::LLVMHiddenVisibility);
        }
    }
    for function in module.functions() {
        if function.intrinsic_id() == 0 && !is_nounwind(function) {
            weaken(function);
        }
    }
    for function in module.defined_functions() {
        let understood = |i: Value| understood(function, i);
        if function.instructions().into_iter().all(understood) {
            Lowering {
                module,
                normal,
                context: module.context(),
                function,
                provided,
                selectors: Selectors::assign(function),
                leave: None,
            }
            .run();
        }
    }
}

/// May this function return by unwinding?
pub fn is_nounwind(function: Function) -> bool {
    function
        .enum_attribute(Place::Function, "nounwind")
        .is_some()
}

/// Does a call say so of its callee?
pub fn is_nounwind_site(call: Value) -> bool {
    call.site_attribute(Place::Function, "nounwind").is_some()
}

/// Landing pads whose clauses are, no funclets.
fn understood(function: Function, instruction: Value) -> bool {
    match instruction.opcode() {
        Some(Opcode::LLVMLandingPad) => instruction
            .operands()
            .into_iter()
            .all(|clause| catches::understood(function, clause)),
        Some(
            Opcode::LLVMCleanupPad
            | Opcode::LLVMCatchPad
            | Opcode::LLVMCatchSwitch
            | Opcode::LLVMCleanupRet
            | Opcode::LLVMCatchRet
            | Opcode::LLVMCallBr,
        ) => false,
        _ => catches::understood_intrinsic(function, instruction),
    }
}

/// A function that unwinds returns after all, and what it returns is nothing.
fn weaken(function: Function) {
    function.remove_enum_attribute(Place::Function, "noreturn");
    for name in RESULT_PROMISES {
        function.remove_enum_attribute(Place::Result, name);
    }
    for index in 0..function.function_type().params().len() {
        function.remove_enum_attribute(Place::Param(index as u32), "returned");
    }
}

/// What a call-out of `target` with arguments in registers has to call for its exceptions to come back into the box: the
/// runtime's routine that catches. It is told whom to call by a word in the red zone below the stack that it
/// will find: there a signal handler changes nothing, as it might do with a variable of the thread's.
pub fn catching(
    module: &Module<'_>,
    builder: &Builder<'_>,
    target: Value,
    results: &[ResultPlace],
) -> Value {
    let context = module.context();
    let i64t = context.i64();
    let pointer = variadic::thread_local(module, builder, variadic::variable(module, UNSAFE_SP));
    let top = builder.and(builder.load(i64t, pointer), i64t.signed(-16));
    // Two words of the gate's and the return address are pushed: docs/gate-abi.md, "callout".
    let place = builder.add(top, i64t.signed(-24 - 16));
    builder.store(target, builder.int_to_ptr(place, context.ptr()));
    routine(module, "__privbox_catching", results)
}

/// The same for a call block, whose stack starts with what the routine wants to know. The words behind it are counted
/// already.
pub fn catching_block(
    module: &Module<'_>,
    builder: &Builder<'_>,
    block: Value,
    target: Value,
    results: &[ResultPlace],
) -> Value {
    let context = module.context();
    let at = |offset| callblock::at(context, builder, block, offset);
    let words = builder.load(context.i64(), at(callblock::NSTACK));
    let head = context.i64().constant(callblock::CATCHING / 8);
    builder.store(target, at(callblock::STACK));
    builder.store(builder.sub(words, head), at(callblock::STACK + 8));
    routine(module, "__privbox_catching_block", results)
}

/// The caller of what returns on the x87 stack finds as many values there when it has thrown.
fn routine(module: &Module<'_>, name: &str, results: &[ResultPlace]) -> Value {
    let x87 = |place: &&ResultPlace| matches!(place, ResultPlace::X87(_));
    let name = match results.iter().filter(x87).count() {
        0 => name.to_owned(),
        count => format!("{name}_{count}"),
    };
    let ty = module.context().void().function(&[], false);
    callblock::gate(module, &name, ty)
}

/// Around the call that enters the box from normal code: the clone finds the word empty (a signal
/// handler may enter while a function of the box returns by unwinding), and an exception that it
/// leaves there is raised anew, by normal code and for normal code; `raises`: it may.
pub fn around_entry(
    module: &Module<'_>,
    builder: &Builder<'_>,
    stub: Function,
    raises: bool,
    enter: impl FnOnce() -> Result<Value, String>,
) -> Result<Value, String> {
    let context = module.context();
    let pointer = context.ptr();
    let word = variadic::thread_local(module, builder, variadic::variable(module, WORD));
    let before = builder.load(pointer, word);
    builder.store(pointer.null(), word);
    let result = enter()?;
    if !raises {
        builder.store(before, word);
        return Ok(result);
    }
    let exception = builder.load(pointer, word);
    builder.store(before, word);
    let is = builder.icmp(IntPredicate::LLVMIntNE, exception, pointer.null());
    let raise = stub.append_block(context, "raise");
    let returned = stub.append_block(context, "returned");
    builder.cond_br(is, raise, returned);
    builder.at_end(raise);
    let ty = context.void().function(&[pointer], false);
    let again = callblock::gate(module, "__privbox_raise", ty);
    builder.call(ty, again, &[exception]);
    builder.unreachable();
    builder.at_end(returned);
    Ok(result)
}

struct Lowering<'a, 'c> {
    module: &'a Module<'c>,
    normal: &'a Module<'c>,
    context: &'c Context,
    function: Function,
    provided: &'a HashSet<String>,
    selectors: Selectors,
    /// Returns nothing in particular to a caller that tests the word.
    leave: Option<Block>,
}

impl Lowering<'_, '_> {
    fn run(mut self) {
        let passes_on = !is_nounwind(self.function);
        // Chosen first: splitting blocks makes their successors' phis anew.
        let mut chosen = self.function.instructions();
        chosen.retain(|i| {
            matches!(
                i.opcode(),
                Some(
                    Opcode::LLVMInvoke
                        | Opcode::LLVMCall
                        | Opcode::LLVMLandingPad
                        | Opcode::LLVMResume
                )
            )
        });
        for instruction in chosen {
            match instruction.opcode() {
                Some(Opcode::LLVMInvoke) => self.invoke(instruction),
                Some(Opcode::LLVMCall) if self.may_unwind(instruction) => {
                    self.weaken_site(instruction);
                    let raised = self.raise(instruction);
                    if passes_on {
                        self.call(raised);
                    }
                }
                Some(Opcode::LLVMLandingPad) => self.landing_pad(instruction),
                Some(Opcode::LLVMResume) => self.resume(instruction),
                _ => {}
            }
        }
        self.function.set_personality(None);
    }

    fn may_unwind(&self, call: Value) -> bool {
        if is_nounwind_site(call)
            || call.intrinsic().is_some()
            || call.callee().is_some_and(Value::is_inline_asm)
        {
            return false;
        }
        call.called_function().is_none_or(|callee| {
            !is_nounwind(callee) && !self.provided.contains(crate::split::plain(&callee.name()))
        })
    }

    fn weaken_site(&self, call: Value) {
        call.remove_site_attribute(Place::Function, "noreturn");
        for name in RESULT_PROMISES {
            call.remove_site_attribute(Place::Result, name);
        }
        for index in 0..call.arg_count() {
            call.remove_site_attribute(Place::Param(index), "returned");
        }
    }

    fn word(&self, builder: &Builder<'_>) -> Value {
        let variable = variadic::variable(self.module, WORD);
        variadic::thread_local(self.module, builder, variable)
    }

    /// Is an exception on its way? Two blocks follow.
    fn test(&self, builder: &Builder<'_>, unwinding: Block, otherwise: Block) {
        let pointer = self.context.ptr();
        let exception = builder.load(pointer, self.word(builder));
        let is = builder.icmp(IntPredicate::LLVMIntNE, exception, pointer.null());
        let branch = builder.cond_br(is, unwinding, otherwise);
        let weights = [1, 1_000_000].map(|n| self.context.i32().constant(n).as_metadata());
        let mut node = vec![self.context.metadata_string("branch_weights")];
        node.extend(weights);
        let node = self.context.metadata_node(&node);
        let kind = self.context.metadata_kind("prof");
        branch.set_metadata(kind, Some(self.context.metadata_value(node)));
    }

    /// `_Unwind_RaiseException(e)` becomes a store; the test behind it finds it.
    fn raise(&self, call: Value) -> Value {
        let raises = call.called_function().is_some_and(|f| f.name() == RAISE);
        let Some(exception) = call.operand(0).filter(|_| raises) else {
            return call;
        };
        let builder = Builder::new(self.context);
        builder.before(call);
        let place = self.word(&builder);
        let store = builder.store(exception, place);
        call.replace_all_uses_with(call.ty().null());
        call.erase();
        store
    }

    /// Behind a call that may have unwound.
    fn call(&mut self, call: Value) {
        let Some(next) = call.next() else { return };
        let result = self.function.function_type().result();
        let zero = result.filter(|r| !r.is_void()).map(|r| r.null());
        let builder = Builder::new(self.context);
        match next.opcode() {
            // The caller tests.
            Some(Opcode::LLVMRet) if next.operand(0).is_none_or(|value| value == call) => return,
            Some(Opcode::LLVMUnreachable) => {
                builder.before(next);
                builder.ret(zero);
                next.erase();
                return;
            }
            _ => {}
        }
        if call.tail_kind() == TailCallKind::LLVMTailCallKindMustTail {
            return;
        }
        let Some(block) = call.parent() else { return };
        let leave = *self.leave.get_or_insert_with(|| {
            let leave = self.function.append_block(self.context, "unwind");
            builder.at_end(leave);
            builder.set_location(None);
            builder.ret(zero);
            leave
        });
        let location = call.location();
        let rest = block.split_before(self.context, next, "returned");
        builder.at_end(block);
        builder.set_location(location);
        self.test(&builder, leave, rest);
    }

    fn invoke(&mut self, invoke: Value) {
        let (Some(block), Some(normal), Some(unwind), Some(ty), Some(callee)) = (
            invoke.parent(),
            invoke.normal_destination(),
            invoke.unwind_destination(),
            invoke.called_type(),
            invoke.callee(),
        ) else {
            return;
        };
        let builder = Builder::new(self.context);
        builder.before(invoke);
        let location = invoke.location();
        let call = builder.call_with_bundles(ty, callee, &invoke.args(), &invoke.bundles());
        call.set_site_call_conv(invoke.site_call_conv());
        let places = (0..invoke.arg_count())
            .map(Place::Param)
            .chain([Place::Function, Place::Result]);
        for place in places {
            for attribute in invoke.site_attributes(place) {
                call.add_site_attribute(place, attribute);
            }
        }
        let name = invoke.name();
        invoke.replace_all_uses_with(call);
        invoke.erase();
        call.set_name(&name);
        self.weaken_site(call);
        self.raise(call);
        builder.at_end(block);
        builder.set_location(location);
        self.test(&builder, unwind, normal);
    }

    /// Takes the exception; what runs now may raise another.
    fn landing_pad(&mut self, pad: Value) {
        let builder = Builder::new(self.context);
        builder.before(pad);
        let pointer = self.context.ptr();
        let place = self.word(&builder);
        let exception = builder.load(pointer, place);
        builder.store(pointer.null(), place);
        let modules = (self.module, self.normal);
        let answer = self.selectors.ask(modules, &builder, pad, exception);
        if !catches::stops(pad, &answer) {
            self.pass_by(&builder, pad, exception, answer.selector);
        }
        let mut value = builder.insert_value(pad.ty().undef(), exception, 0);
        if pad.ty().fields().len() > 1 {
            value = builder.insert_value(value, answer.selector, 1);
        }
        pad.replace_all_uses_with(value);
        pad.erase();
    }

    /// Nothing runs at this pad for an exception that no clause of it matches.
    fn pass_by(&self, builder: &Builder<'_>, pad: Value, exception: Value, selector: Value) {
        let Some(block) = pad.parent() else { return };
        let location = pad.location();
        let rest = block.split_before(self.context, pad, "matched");
        let past = self.function.append_block(self.context, "unmatched");
        builder.at_end(block);
        builder.set_location(location);
        let matched = builder.icmp(IntPredicate::LLVMIntNE, selector, selector.ty().constant(0));
        builder.cond_br(matched, rest, past);
        builder.at_end(past);
        builder.set_location(location);
        self.go_on(builder, exception);
        builder.before(pad);
    }

    fn resume(&self, resume: Value) {
        let builder = Builder::new(self.context);
        builder.before(resume);
        let Some(value) = resume.operand(0) else {
            return;
        };
        let exception = builder.extract_value(value, 0);
        self.go_on(&builder, exception);
        resume.erase();
    }

    /// Returns with the exception on its way.
    fn go_on(&self, builder: &Builder<'_>, exception: Value) {
        let place = self.word(builder);
        builder.store(exception, place);
        let result = self.function.function_type().result();
        builder.ret(result.filter(|r| !r.is_void()).map(|r| r.null()));
    }
}
