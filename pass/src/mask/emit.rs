//! How a mask looks.

use crate::llvm::{Builder, Context, LlvmError, Module, Type, Value};

/// The instruction sequence of a mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// `llvm.ptrmask`: LLVM keeps the constant in a register, one `and` for each mask.
    And,
    /// `btr` in inline assembly that LLVM neither merges nor moves: for transient strength (T1: a
    /// constant in a register would count for nothing after a call) and for the paper's scheme.
    Btr,
}

/// Builds masks of one module.
pub struct Masker<'m> {
    context: &'m Context,
    callee: Value,
    ty: Type,
    arguments: Vec<Value>,
    /// For building around masks.
    pub builder: Builder<'m>,
}

impl<'m> Masker<'m> {
    /// Masks that keep `bits` low bits.
    pub fn new(
        module: &'m Module<'_>,
        encoding: Encoding,
        bits: u32,
    ) -> Result<Masker<'m>, LlvmError> {
        let context = module.context();
        let builder = Builder::new(context);
        let bits = if bits == 0 || bits > 63 { 63 } else { bits };
        let masker = match encoding {
            Encoding::And => {
                let (callee, ty) = module
                    .intrinsic("llvm.ptrmask", &[context.ptr(), context.i64()])
                    .ok_or_else(|| LlvmError {
                        call: "declare llvm.ptrmask".to_owned(),
                        message: "this LLVM has no such intrinsic".to_owned(),
                    })?;
                let arguments = vec![context.i64().constant((1u64 << bits) - 1)];
                Masker {
                    context,
                    callee: callee.value(),
                    ty,
                    arguments,
                    builder,
                }
            }
            Encoding::Btr => {
                let ty = context.ptr().function(&[context.ptr()], false);
                // The flags clobber is `~{flags}`; `~{cc}` is silently ignored in IR.
                let callee = context.inline_asm(
                    ty,
                    &format!("btrq $${bits}, $0"),
                    "=r,0,~{dirflag},~{fpsr},~{flags}",
                    true,
                );
                Masker {
                    context,
                    callee,
                    ty,
                    arguments: Vec::new(),
                    builder,
                }
            }
        };
        Ok(masker)
    }
    /// A mask of `pointer` at the builder's position.
    pub fn mask(&self, pointer: Value) -> Value {
        let mut arguments = vec![pointer];
        arguments.extend_from_slice(&self.arguments);
        self.builder.call(self.ty, self.callee, &arguments)
    }
    /// `pointer + offset` at the builder's position.
    pub fn offset(&self, pointer: Value, offset: i64) -> Value {
        if offset == 0 {
            return pointer;
        }
        self.builder.gep(
            self.context.i8(),
            pointer,
            &[self.context.i64().signed(offset)],
        )
    }
}
