//! How a mask looks.

use crate::llvm::{Builder, Context, Function, LlvmError, Module, Opcode, Type, Value};

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
    /// A mask that LLVM does not understand, for [`Encoding::And`].
    opaque: Option<(Value, Type)>,
    /// What an `and` keeps.
    constant: Option<Value>,
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
        match encoding {
            Encoding::And => {
                let (callee, ty) = module
                    .intrinsic("llvm.ptrmask", &[context.ptr(), context.i64()])
                    .ok_or_else(|| LlvmError {
                        call: "declare llvm.ptrmask".to_owned(),
                        message: "this LLVM has no such intrinsic".to_owned(),
                    })?;
                let constant = Some(context.i64().constant((1u64 << bits) - 1));
                let asm = context
                    .ptr()
                    .function(&[context.ptr(), context.i64()], false);
                let clobbers = "=r,0,r,~{dirflag},~{fpsr},~{flags}";
                let opaque = context.inline_asm(asm, "andq $2, $0", clobbers, false);
                Ok(Masker {
                    context,
                    callee: callee.value(),
                    ty,
                    opaque: Some((opaque, asm)),
                    constant,
                    builder,
                })
            }
            Encoding::Btr => {
                let ty = context.ptr().function(&[context.ptr()], false);
                // The flags clobber is `~{flags}`; `~{cc}` is silently ignored in IR.
                let text = format!("btrq $${bits}, $0");
                let callee =
                    context.inline_asm(ty, &text, "=r,0,~{dirflag},~{fpsr},~{flags}", true);
                Ok(Masker {
                    context,
                    callee,
                    ty,
                    opaque: None,
                    constant: None,
                    builder,
                })
            }
        }
    }
    /// The constant as LLVM does not see it, made once in `function`: where the target has BMI2 it would
    /// turn an `and` of a visible one into `movb $63, %cl; bzhi`, which is slower and hard to prove.
    pub fn hide_constant(&self, function: Function) -> Option<Value> {
        let constant = self.constant?.const_u64()?;
        let mut at = function.entry()?.first()?;
        while at.is_alloca() {
            at = at.next()?;
        }
        self.builder.before(at);
        self.builder.set_location(None);
        let ty = self.context.i64().function(&[], false);
        let text = format!("movabsq $${constant:#x}, $0");
        Some(
            self.builder
                .call(ty, self.context.inline_asm(ty, &text, "=r", false), &[]),
        )
    }
    /// A mask of `pointer` at the builder's position, with the constant of [`Masker::hide_constant`]
    /// if there is one.
    pub fn mask(&self, pointer: Value, hidden: Option<Value>) -> Value {
        match hidden.or(self.constant) {
            // LLVM drops the mask of a choice between a masked pointer and null, which is fine; but then
            // it takes the zero from the register that was compared, which is not (rule 5).
            Some(constant) if is_choice(pointer) && self.opaque.is_some() => {
                let (callee, ty) = self.opaque.unwrap_or((self.callee, self.ty));
                self.builder.call(ty, callee, &[pointer, constant])
            }
            Some(constant) => self
                .builder
                .call(self.ty, self.callee, &[pointer, constant]),
            None => self.builder.call(self.ty, self.callee, &[pointer]),
        }
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

/// Is it a `select`, moved by something or not?
fn is_choice(pointer: Value) -> bool {
    let mut at = pointer;
    while at.is_gep() {
        match at.operand(0) {
            Some(base) => at = base,
            None => return false,
        }
    }
    at.opcode() == Some(Opcode::LLVMSelect)
}
