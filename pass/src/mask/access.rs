//! The memory accesses of a function.

use crate::cfg::{Cfg, Node};
use crate::llvm::{Layout, Opcode, Place, Value};
use std::collections::HashMap;

/// One pointer operand through which an instruction accesses memory.
#[derive(Debug, Clone, Copy)]
pub struct Access {
    /// The instruction.
    pub instruction: Value,
    /// Which of its operands is the address.
    pub operand: u32,
    /// Bytes.
    pub size: u64,
    /// Does it write? (A read-modify-write does: rule 7.)
    pub store: bool,
    /// Plain enough to prove an address by completing (rule 6)?
    pub proves: bool,
    /// Where.
    pub node: Node,
    /// Where in the block.
    pub position: u32,
}

impl Access {
    /// The address.
    pub fn pointer(&self) -> Option<Value> {
        self.instruction.operand(self.operand)
    }
}

/// Block and place in the block of each instruction.
pub type Positions = HashMap<Value, (Node, u32)>;

/// Every access in reachable code, in reverse postorder, and where instructions are.
pub fn collect(layout: Layout, cfg: &Cfg) -> (Vec<Access>, Positions) {
    let mut all = Vec::new();
    let mut positions = HashMap::new();
    for &node in &cfg.order {
        for (n, instruction) in cfg.blocks[node].instructions().into_iter().enumerate() {
            let position = n as u32;
            positions.insert(instruction, (node, position));
            let mut add = |operand: u32, size: u64, store: bool, proves: bool| {
                all.push(Access {
                    instruction,
                    operand,
                    size,
                    store,
                    proves,
                    node,
                    position,
                });
            };
            match instruction.opcode() {
                Some(Opcode::LLVMLoad) => {
                    let size = layout.store_size(instruction.ty());
                    // An unused load may be deleted by code generation; then it proves nothing.
                    add(
                        0,
                        size,
                        false,
                        instruction.has_uses() || instruction.is_volatile(),
                    );
                }
                Some(Opcode::LLVMStore) => {
                    let size = instruction
                        .operand(0)
                        .map_or(0, |v| layout.store_size(v.ty()));
                    add(1, size, true, true);
                }
                Some(Opcode::LLVMAtomicRMW) => {
                    add(0, layout.store_size(instruction.ty()), true, true);
                }
                Some(Opcode::LLVMAtomicCmpXchg) => {
                    let size = instruction
                        .operand(1)
                        .map_or(0, |v| layout.store_size(v.ty()));
                    add(0, size, true, true);
                }
                Some(Opcode::LLVMVAArg) => add(0, 24, true, false),
                Some(Opcode::LLVMCall | Opcode::LLVMInvoke) => call(instruction, &mut add),
                _ => {}
            }
        }
    }
    (all, positions)
}

/// Intrinsics whose pointers are not accessed, or only by calls that code generation makes of them.
const NOT_ACCESSED: [&str; 17] = [
    "llvm.dbg",
    "llvm.lifetime",
    "llvm.invariant",
    "llvm.launder",
    "llvm.strip",
    "llvm.ptrmask",
    "llvm.threadlocal.address",
    "llvm.objectsize",
    "llvm.is.constant",
    "llvm.ptr.annotation",
    "llvm.var.annotation",
    "llvm.expect",
    "llvm.eh.",
    "llvm.stackrestore",
    "llvm.assume",
    "llvm.fake.use",
    "llvm.experimental.noalias",
];

fn call(call: Value, add: &mut impl FnMut(u32, u64, bool, bool)) {
    let Some(name) = call.intrinsic() else {
        // Inline assembly: its indirect operands are memory.
        if call.callee().is_some_and(Value::is_inline_asm) {
            for n in 0..call.arg_count() {
                if call
                    .site_attribute(Place::Param(n), "elementtype")
                    .is_some()
                {
                    add(n, 64, true, false);
                }
            }
        }
        return;
    };
    if name.starts_with("llvm.memcpy")
        || name.starts_with("llvm.memmove")
        || name.starts_with("llvm.memset")
    {
        // Without a constant size it is a call on x86, and the callee masks for itself.
        let Some(size) = call.operand(2).and_then(Value::const_u64) else {
            if name.contains(".inline") {
                add(0, u64::MAX / 4, true, false);
            }
            return;
        };
        add(0, size, true, false);
        if !name.starts_with("llvm.memset") {
            add(1, size, false, false);
        }
        return;
    }
    if NOT_ACCESSED.iter().any(|p| name.starts_with(p)) {
        return;
    }
    // Whatever else takes a pointer (masked moves, x86 intrinsics, va_*): taken as an access.
    for n in 0..call.arg_count() {
        if call.operand(n).is_some_and(|v| v.ty().is_pointer()) {
            let store = !(name.contains("load") || name.contains("prefetch"));
            add(n, 64, store, false);
        }
    }
}
