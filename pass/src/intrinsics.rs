//! Processor intrinsics that are plain memory accesses under another name: as loads, masks and proofs know them.

use crate::llvm::{Builder, Module};

/// `lddqu`: an unaligned load, said to be faster across cache lines on processors of long ago.
const UNALIGNED_LOADS: [&str; 2] = ["llvm.x86.sse3.ldu.dq", "llvm.x86.avx.ldu.dq.256"];

/// Lowers them in every function with a body.
pub fn lower(module: &Module<'_>) {
    let builder = Builder::new(module.context());
    for name in UNALIGNED_LOADS {
        let Some(intrinsic) = module.function(name) else {
            continue;
        };
        for call in intrinsic.users() {
            let Some(pointer) = call.operand(0).filter(|_| call.intrinsic().is_some()) else {
                continue;
            };
            builder.before(call);
            let load = builder.load(call.ty(), pointer);
            load.set_alignment(1);
            call.replace_all_uses_with(load);
            call.erase();
        }
    }
}
