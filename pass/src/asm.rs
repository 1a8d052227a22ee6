//! Inline assembly: what is understood runs in the box, the rest keeps its function outside.
//!
//! Understood is: nothing at all (compiler barriers), register-only instructions of a short list,
//! memory through `m` operands (LLVM passes their addresses as arguments; they are masked here, on
//! top of which the verifier decides), and the system call, which goes to the gate.

use crate::abi::callblock;
use crate::llvm::{Builder, Function, Linkage, Module, Place, Type, Value, Visibility};

/// Mnemonics (AT&T, without size suffix) that only touch the registers and memory of their operands.
const MNEMONICS: &[&str] = &[
    "nop",
    "pause",
    "rep nop",
    "bswap",
    "rol",
    "ror",
    "shl",
    "shr",
    "sar",
    "sal",
    "shld",
    "shrd",
    "add",
    "adc",
    "sub",
    "sbb",
    "mul",
    "imul",
    "div",
    "idiv",
    "inc",
    "dec",
    "neg",
    "not",
    "and",
    "or",
    "xor",
    "cmp",
    "test",
    "mov",
    "lea",
    "xchg",
    "xadd",
    "cmpxchg",
    "bsf",
    "bsr",
    "tzcnt",
    "lzcnt",
    "popcnt",
    "crc32",
    "rdtsc",
    "cpuid",
    "lfence",
    "mfence",
    "sfence",
    "cmova",
    "cmovae",
    "cmovb",
    "cmovbe",
    "cmovc",
    "cmove",
    "cmovg",
    "cmovge",
    "cmovl",
    "cmovle",
    "cmovne",
    "cmovnc",
    "cmovnz",
    "cmovz",
    "cmovs",
    "cmovns",
    "seta",
    "setae",
    "setb",
    "setbe",
    "setc",
    "sete",
    "setg",
    "setge",
    "setl",
    "setle",
    "setne",
    "setnc",
    "setnz",
    "setz",
    "sets",
    "setns",
    "seto",
    "setno",
    "movzb",
    "movzw",
    "movsb",
    "movsw",
    "movsl",
    "cltq",
    "cqto",
    "cltd",
    "cwtl",
    "mulx",
    "adcx",
    "adox",
    "andn",
    "rorx",
    "movd",
    "movq",
    "movaps",
    "movups",
    "movapd",
    "movupd",
    "movdqa",
    "movdqu",
    "movss",
    "movsd",
    "addss",
    "addsd",
    "mulss",
    "mulsd",
    "sqrtss",
    "sqrtsd",
    "pxor",
    "paddd",
    "paddq",
    "psubd",
    "pand",
    "por",
    "pshufd",
    "pclmulqdq",
    "stc",
    "clc",
    "cmc",
];

/// Inline assembly that this module can put into the box.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// Left as it is, but for masks on the addresses it is given.
    Plain,
    /// `syscall` with the number in RAX.
    SystemCall,
    /// `cpuid` as `<cpuid.h>` and Rust's `core::arch` write it, with RBX kept in the register of another result.
    CpuId,
}

/// Is this assembly understood? The error is the reason for the record.
pub fn check(call: Value) -> Result<(), String> {
    understand(call).map(|_| ())
}

fn understand(call: Value) -> Result<Kind, String> {
    let (text, constraints) = call
        .callee()
        .and_then(Value::inline_asm)
        .ok_or("inline assembly that cannot be read")?;
    let shown = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let unknown = || Err(format!("inline assembly that is not understood: `{shown}`"));
    if let Some(constraint) = constraints.split(',').find(|c| !constraint_understood(c)) {
        return Err(format!(
            "inline assembly with the constraint `{constraint}`: `{shown}`"
        ));
    }
    if shown == "syscall" {
        return system_call_operands(call, &constraints).map(|_| Kind::SystemCall);
    }
    if CPUID.contains(&shown.as_str()) {
        return if cpuid_usual(call, &constraints) {
            Ok(Kind::CpuId)
        } else {
            unknown()
        };
    }
    for statement in without_comments(&text)
        .split(['\n', ';'])
        .map(str::trim)
        .filter(|s| !s.is_empty())
    {
        if !statement_understood(statement) {
            return unknown();
        }
    }
    Ok(Kind::Plain)
}

/// `xchg %rbx, %1; cpuid; xchg %rbx, %1` in its spellings (`$(a$|b$)` is AT&T's `a`, Intel's `b`; the last is rustc's).
const CPUID: [&str; 4] = [
    "xchg$(q$|$) $(%$|$)rbx,${1:q} cpuid xchg$(q$|$) $(%$|$)rbx,${1:q}",
    "xchgq %rbx,${1:q} cpuid xchgq %rbx,${1:q}",
    "xchgq %rbx, ${1:q} cpuid xchgq %rbx, ${1:q}",
    "mov ${0:q}, rbx cpuid xchg ${0:q}, rbx",
];

/// Comments become blanks, as the assembler takes them. (Rust code hides values from the optimiser
/// with `asm!("/*{0}*/")`.)
fn without_comments(text: &str) -> String {
    let mut rest = text;
    let mut kept = String::new();
    while let Some((before, comment)) = rest.split_once("/*") {
        let Some((_, after)) = comment.split_once("*/") else {
            break;
        };
        kept.push_str(before);
        kept.push(' ');
        rest = after;
    }
    kept.push_str(rest);
    kept
}

/// Are its operands the usual ones: results in EAX, ECX and EDX, and EBX's in any register, before or behind EAX's?
fn cpuid_usual(call: Value, constraints: &str) -> bool {
    let mut outputs: Vec<&str> = constraints
        .split(',')
        .filter_map(|constraint| constraint.strip_prefix('='))
        .map(|output| output.trim_start_matches('&'))
        .collect();
    let fields = call.ty().fields();
    let first = outputs.iter().position(|output| *output == "r");
    outputs.sort_unstable();
    first.is_some_and(|n| n <= 1)
        && outputs == ["r", "{ax}", "{cx}", "{dx}"]
        && fields.len() == 4
        && fields.iter().all(|f| f.int_width() == 32)
}

/// LLVM keeps RBX itself.
fn cpuid(module: &Module<'_>, call: Value) {
    let (Some((_, constraints)), Some(ty)) = (
        call.callee().and_then(Value::inline_asm),
        call.called_type(),
    ) else {
        return;
    };
    let context = module.context();
    let constraints: Vec<&str> = constraints
        .split(',')
        .map(|constraint| match constraint {
            "=r" | "=&r" => "={bx}",
            other => other,
        })
        .collect();
    let builder = Builder::new(context);
    builder.before(call);
    let asm = context.inline_asm(ty, "cpuid", &constraints.join(","), true);
    let new = builder.call(ty, asm, &call.args());
    call.replace_all_uses_with(new);
    call.erase();
}

/// Registers, immediates, direct memory operands and harmless clobbers.
fn constraint_understood(constraint: &str) -> bool {
    let constraint = constraint.trim_start_matches(['=', '&', '%']);
    if let Some(clobber) = constraint.strip_prefix("~{") {
        return !matches!(clobber, "rsp}" | "esp}" | "sp}");
    }
    if let Some(memory) = constraint.strip_prefix('*') {
        return memory.trim_start_matches('&') == "m";
    }
    if constraint.starts_with("{@cc") {
        return true;
    }
    if let Some(register) = constraint.strip_prefix('{') {
        return !matches!(register, "rsp}" | "esp}" | "sp}");
    }
    // A plain `m` without `*` would be an address LLVM computes behind the masks.
    constraint
        .chars()
        .all(|c| c.is_ascii_digit() || "rqQRlabcdSDxyinIJKLMNeZ^Yk".contains(c))
        && !constraint.is_empty()
}

fn statement_understood(statement: &str) -> bool {
    let statement = statement
        .strip_prefix("lock")
        .map_or(statement, str::trim_start);
    let lower = statement.to_ascii_lowercase();
    let (mnemonic, operands) = lower
        .split_once(char::is_whitespace)
        .unwrap_or((&lower, ""));
    if matches!(lower.as_str(), "rep; nop" | "rep nop") {
        return true;
    }
    let known = MNEMONICS.contains(&mnemonic)
        || mnemonic
            .strip_suffix(['b', 'w', 'l', 'q'])
            .is_some_and(|m| MNEMONICS.contains(&m))
        || mnemonic
            .strip_suffix(['l', 'q'])
            .is_some_and(|m| matches!(m, "movzb" | "movzw" | "movsb" | "movsw" | "movsl"));
    // Memory, the stack pointer or a label by name; alternatives; directives.
    let named = [
        "(", "%rsp", "%esp", "%sp", "%spl", "%fs", "%gs", "%rip", "{", "|", ".", "*", "\"", "#",
        "%cs", "%ss", "%ds", "%es", "%cr", "%dr",
    ]
    .iter()
    .any(|bad| operands.contains(bad));
    known && !named
}

/// Rewrites the assembly of a clone that needs it.
pub fn rewrite(module: &Module<'_>, clone: Function) {
    for call in clone.instructions() {
        if !call.is_call() || !call.callee().is_some_and(Value::is_inline_asm) {
            continue;
        }
        match understand(call) {
            Ok(Kind::SystemCall) => system_call(module, call),
            Ok(Kind::CpuId) => cpuid(module, call),
            Ok(Kind::Plain) | Err(_) => {}
        }
    }
}

/// Where the gate wants the arguments of a system call, and its number.
const CARRIERS: [&str; 7] = ["{di}", "{si}", "{dx}", "{ax}", "{r8}", "{r9}", "{r10}"];
const NUMBER: usize = 3;
/// The stub for all: `(rdi, rsi, rdx, rcx = number, r8, r9, nest r10)`.
const STUB: &str = "__privbox_syscall.privbox";

/// The operands of a `syscall`: one argument index per carrier. The error is a reason.
fn system_call_operands(call: Value, constraints: &str) -> Result<[Option<u32>; 7], String> {
    let unknown =
        |what: &str| format!("a system call with an operand that is not understood: `{what}`");
    let mut carried = [None; 7];
    let mut argument = 0;
    let mut outputs = Vec::new();
    for constraint in constraints.split(',') {
        if constraint.starts_with("~{") {
            continue;
        }
        if let Some(output) = constraint.strip_prefix('=') {
            let output = output.trim_start_matches('&');
            if output == "*m" {
                return Err(unknown(constraint));
            }
            // rustc says that RCX and R11 are lost by naming results that nobody reads.
            if !matches!(output, "{ax}" | "{cx}" | "{r11}") || outputs.contains(&output) {
                return Err(unknown(constraint));
            }
            outputs.push(output);
            continue;
        }
        let input = if constraint == "0" {
            "{ax}"
        } else {
            constraint
        };
        if constraint == "*m" {
            argument += 1; // Only says which memory is read: the call may read all of it.
            continue;
        }
        let Some(carrier) = CARRIERS.iter().position(|c| *c == input) else {
            return Err(unknown(constraint));
        };
        let ty = call.operand(argument).map(|v| v.ty());
        if !ty.is_some_and(|t| t.is_pointer() || (t.is_int() && t.int_width() <= 64)) {
            return Err(unknown(constraint));
        }
        carried[carrier] = Some(argument);
        argument += 1;
    }
    let word = |ty: Type| ty.is_pointer() || (ty.is_int() && ty.int_width() <= 64);
    let simple = if outputs.len() > 1 {
        call.ty().fields().into_iter().all(word)
    } else {
        word(call.ty())
    };
    if carried[NUMBER].is_none() || outputs.first() != Some(&"{ax}") || !simple {
        Err(unknown(constraints))
    } else {
        Ok(carried)
    }
}

/// `syscall` becomes a call of a stub that hands the registers to the gate.
fn system_call(module: &Module<'_>, call: Value) {
    let context = module.context();
    let Some((_, constraints)) = call.callee().and_then(Value::inline_asm) else {
        return;
    };
    let Ok(carried) = system_call_operands(call, &constraints) else {
        return;
    };
    let carriers = carriers(&carried);
    let (stub, ty) = system_call_stub(module, carriers);
    let builder = Builder::new(context);
    builder.before(call);
    let mut args = Vec::new();
    for (&carrier, param) in carriers.iter().zip(ty.params()) {
        let value = carried[carrier].and_then(|a| call.operand(a));
        args.push(match value {
            None => param.undef(),
            Some(value) if param.is_pointer() && value.ty().is_pointer() => value,
            Some(value) if param.is_pointer() => builder.int_to_ptr(value, param),
            Some(value) if value.ty().is_pointer() => builder.ptr_to_int(value, param),
            Some(value) if value.ty().int_width() < 64 => builder.zext(value, param),
            Some(value) => value,
        });
    }
    let new = builder.call(ty, stub.value(), &args);
    if let Some(nest) = context.enum_attribute("nest", 0) {
        new.add_site_attribute(Place::Param(carriers.len() as u32 - 1), nest);
    }
    let whole = call.ty();
    let result = whole
        .fields()
        .first()
        .copied()
        .filter(|_| whole.is_struct());
    let result = result.unwrap_or(whole);
    let value = if result.is_pointer() {
        builder.int_to_ptr(new, result)
    } else if result.int_width() < 64 {
        builder.trunc(new, result)
    } else {
        new
    };
    let value = if whole.is_struct() {
        builder.insert_value(whole.null(), value, 0)
    } else {
        value
    };
    call.replace_all_uses_with(value);
    call.erase();
}

/// Which carrier each parameter of the stub is; the last one, the `nest` parameter, is R10. A call that needs the first three
/// registers at most has a stub with no more parameters than it has arguments, and the number in R10: those it
/// does not have would be made zero.
fn carriers(carried: &[Option<u32>; 7]) -> &'static [usize] {
    let given = (0..3).take_while(|&i| carried[i].is_some()).count();
    match carried.iter().flatten().count() - 1 - given {
        0 => [
            &[NUMBER][..],
            &[0, NUMBER],
            &[0, 1, NUMBER],
            &[0, 1, 2, NUMBER],
        ][given],
        _ => &[0, 1, 2, NUMBER, 4, 5, 6],
    }
}

/// Moves the number to RAX and jumps to the gate. A function of its own so that the caller's call is one to LLVM and to the
/// depth test (rule 13).
fn system_call_stub(module: &Module<'_>, carriers: &[usize]) -> (Function, Type) {
    let context = module.context();
    let last = carriers.len() - 1;
    let mut params = vec![context.i64(); last];
    params.push(context.ptr());
    let ty = context.i64().function(&params, false);
    let (name, number) = match carriers[last] {
        NUMBER => (format!("__privbox_syscall.{last}.privbox"), "%r10"),
        _ => (STUB.to_owned(), "%rcx"),
    };
    if let Some(there) = module.function(&name) {
        return (there, ty);
    }
    let stub = module.add_function(&name, ty);
    stub.set_linkage(Linkage::LLVMWeakAnyLinkage);
    stub.set_visibility(Visibility::LLVMHiddenVisibility);
    stub.set_section(&format!("{}{name}", crate::object::TEXT_PREFIX));
    stub.set_alignment(16);
    stub.add_enum(context, "naked");
    stub.add_enum(context, "nounwind");
    if let Some(nest) = context.enum_attribute("nest", 0) {
        stub.add_attribute(Place::Param(last as u32), nest);
    }
    let builder = Builder::new(context);
    builder.at_end(stub.append_block(context, "entry"));
    let text = format!("movq {number}, %rax; jmp __privbox_gate_syscall");
    let void = context.void().function(&[], false);
    let asm = context.inline_asm(void, &text, "~{memory},~{dirflag},~{fpsr},~{flags}", true);
    builder.call(void, asm, &[]);
    builder.unreachable();
    // The text's symbol must be a hidden one in this object, too.
    callblock::gate(module, "__privbox_gate_syscall", void);
    (stub, ty)
}
