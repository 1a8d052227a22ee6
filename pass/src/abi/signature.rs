//! Where parameters travel: in the box, and under the System V psABI (docs/box-abi.md).

use crate::llvm::{Layout, Type, TypeKind};

/// One parameter as the IR has it.
#[derive(Debug, Clone, Copy)]
pub struct Param {
    /// Its IR type; `ptr` for `byval`.
    pub ty: Type,
    /// Pointee of a `byval` parameter.
    pub byval: Option<Type>,
    /// The `align` attribute of a `byval` parameter, 0 without.
    pub align: u64,
}

impl Param {
    /// A plain parameter.
    pub fn plain(ty: Type) -> Param {
        Param {
            ty,
            byval: None,
            align: 0,
        }
    }
}

/// The registers or the memory that a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// One integer register.
    Int,
    /// Two integer registers, or neither (`i128`).
    IntPair,
    /// One SSE register; bytes: at most 8, 16 or 32.
    Sse(u32),
    /// Always in memory: size, alignment.
    Memory(u64, u64),
}

/// Classifies a parameter; the error says in words why it cannot be passed.
pub fn classify(layout: Layout, param: &Param, avx: bool) -> Result<Class, String> {
    if let Some(pointee) = param.byval {
        // What the attribute says counts, as for LLVM: a `_BitInt(128)` is aligned to 8 bytes, its IR type to 16.
        let align = match param.align {
            0 => u64::from(layout.abi_align(pointee)).min(16),
            stated => stated,
        };
        let align = align.max(8);
        return Ok(Class::Memory(layout.abi_size(pointee), align));
    }
    let ty = param.ty;
    match ty.kind() {
        TypeKind::LLVMPointerTypeKind if ty.address_space() == 0 => Ok(Class::Int),
        TypeKind::LLVMIntegerTypeKind if ty.int_width() <= 64 => Ok(Class::Int),
        TypeKind::LLVMIntegerTypeKind if ty.int_width() == 128 => Ok(Class::IntPair),
        TypeKind::LLVMHalfTypeKind
        | TypeKind::LLVMBFloatTypeKind
        | TypeKind::LLVMFloatTypeKind
        | TypeKind::LLVMDoubleTypeKind => Ok(Class::Sse(8)),
        TypeKind::LLVMFP128TypeKind => Ok(Class::Sse(16)),
        TypeKind::LLVMX86_FP80TypeKind => Ok(Class::Memory(16, 16)),
        TypeKind::LLVMVectorTypeKind => classify_vector(layout, ty, avx),
        _ => Err(format!("a parameter of type `{}`", ty.print())),
    }
}

fn classify_vector(layout: Layout, ty: Type, avx: bool) -> Result<Class, String> {
    let bad = || Err(format!("a parameter of vector type `{}`", ty.print()));
    let Some(element) = ty.element() else {
        return bad();
    };
    let whole = match element.kind() {
        TypeKind::LLVMIntegerTypeKind => matches!(element.int_width(), 8 | 16 | 32 | 64),
        TypeKind::LLVMHalfTypeKind | TypeKind::LLVMFloatTypeKind | TypeKind::LLVMDoubleTypeKind => {
            true
        }
        TypeKind::LLVMPointerTypeKind => element.address_space() == 0,
        _ => false,
    };
    // One element is passed as a scalar by some types and not by others: clang does not make it.
    if !whole || ty.len() < 2 {
        return bad();
    }
    match layout.store_size(ty) {
        4 | 8 => Ok(Class::Sse(8)),
        16 => Ok(Class::Sse(16)),
        32 if avx => Ok(Class::Sse(32)),
        _ => bad(),
    }
}

/// Where one parameter goes in the box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BoxPlace {
    /// In a register, as a parameter of its own.
    Register,
    /// In the spill block, at this offset.
    Block(u64),
}

/// A signature in box convention.
#[derive(Debug, Clone)]
pub struct BoxPlan {
    /// One per named parameter.
    pub places: Vec<BoxPlace>,
    /// Has it a spill block, passed as the last parameter?
    pub complex: bool,
    /// Bytes of the spill block.
    pub size: u64,
    /// Its alignment.
    pub align: u64,
}

/// Integer registers of a complex signature: one is left for the block's address.
const COMPLEX_INTS: u32 = 5;

/// Assigns named parameters to box registers and the spill block.
pub fn box_plan(layout: Layout, params: &[Param], avx: bool) -> Result<BoxPlan, String> {
    let classes = params
        .iter()
        .map(|p| classify(layout, p, avx))
        .collect::<Result<Vec<_>, _>>()?;
    let (mut ints, mut sse, mut memory) = (0u32, 0u32, false);
    for class in &classes {
        match class {
            Class::Int => ints += 1,
            Class::IntPair => ints += 2,
            Class::Sse(_) => sse += 1,
            Class::Memory(..) => memory = true,
        }
    }
    if ints <= 6 && sse <= 8 && !memory {
        let places = vec![BoxPlace::Register; params.len()];
        return Ok(BoxPlan {
            places,
            complex: false,
            size: 0,
            align: 8,
        });
    }
    let (mut ints, mut sse) = (COMPLEX_INTS, 8u32);
    let mut plan = BoxPlan {
        places: Vec::new(),
        complex: true,
        size: 0,
        align: 16,
    };
    for (class, param) in classes.iter().zip(params) {
        let fits = match class {
            Class::Int => take(&mut ints, 1),
            Class::IntPair => take(&mut ints, 2),
            Class::Sse(_) => take(&mut sse, 1),
            Class::Memory(..) => false,
        };
        if fits {
            plan.places.push(BoxPlace::Register);
            continue;
        }
        let (size, align) = match class {
            Class::Memory(size, align) => (*size, *align),
            _ => (
                layout.abi_size(param.ty),
                u64::from(layout.abi_align(param.ty)).max(8),
            ),
        };
        let offset = plan.size.next_multiple_of(align);
        plan.places.push(BoxPlace::Block(offset));
        plan.size = offset + size.max(1);
        plan.align = plan.align.max(align);
    }
    plan.size = plan.size.next_multiple_of(8);
    Ok(plan)
}

fn take(left: &mut u32, count: u32) -> bool {
    let fits = *left >= count;
    if fits {
        *left -= count;
    }
    fits
}

/// Where one argument goes under the psABI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HomePlace {
    /// Integer registers from this number on (two for a pair).
    Gp(u32),
    /// This vector register.
    Vec(u32),
    /// The stack, at this byte offset.
    Stack(u64),
}

/// The psABI's counters: how much earlier arguments took.
#[derive(Debug, Clone, Copy, Default)]
pub struct HomeState {
    /// Integer registers.
    pub gp: u32,
    /// Vector registers.
    pub vec: u32,
    /// Stack bytes.
    pub stack: u64,
    /// Are whole YMM registers in use?
    pub wide: bool,
}

impl HomeState {
    /// Places one more argument. `variadic`: it is matched by `...`, where 32-byte vectors go to memory.
    pub fn place(&mut self, class: Class, variadic: bool) -> HomePlace {
        match class {
            Class::Int if self.gp < 6 => {
                self.gp += 1;
                HomePlace::Gp(self.gp - 1)
            }
            Class::IntPair if self.gp < 5 => {
                self.gp += 2;
                HomePlace::Gp(self.gp - 2)
            }
            Class::Sse(bytes) if self.vec < 8 && !(variadic && bytes == 32) => {
                self.vec += 1;
                self.wide |= bytes == 32;
                HomePlace::Vec(self.vec - 1)
            }
            Class::Int | Class::Sse(8) => self.stack(8, 8),
            Class::IntPair | Class::Sse(16) => self.stack(16, 16),
            Class::Sse(bytes) => self.stack(u64::from(bytes), 32),
            Class::Memory(size, align) => self.stack(size, align),
        }
    }

    fn stack(&mut self, size: u64, align: u64) -> HomePlace {
        let offset = self.stack.next_multiple_of(align.max(8));
        self.stack = (offset + size).next_multiple_of(8);
        HomePlace::Stack(offset)
    }
}

/// Bytes of a register save area: six integer and eight vector registers, as `va_arg` knows them.
pub const REGISTER_SAVE: u64 = 176;
const VECTORS: u64 = 48;

/// The va area of one call (docs/box-abi.md): a register save area and the words of the stack.
///
/// The psABI's own layout, and nothing that the types in the IR would have to tell: clang passes a structure
/// of two words as two words, whatever its alignment, and reads it back from the stack by its alignment.
#[derive(Debug, Clone)]
pub struct VaPlan {
    /// Offset of each variadic argument.
    pub offsets: Vec<u64>,
    /// Bytes of the area; 0 without arguments.
    pub size: u64,
    /// 8-byte words behind the register save area.
    pub words: u64,
}

/// Where the stack arguments of a va area start in it: as far from a multiple of 16 as on the stack.
pub fn va_overflow(named: &HomeState) -> u64 {
    REGISTER_SAVE + named.stack % 16
}

/// Lays out variadic arguments. `state` has the named ones placed and is advanced.
pub fn va_plan(
    layout: Layout,
    args: &[Param],
    avx: bool,
    state: &mut HomeState,
) -> Result<VaPlan, String> {
    let mut plan = VaPlan {
        offsets: Vec::new(),
        size: 0,
        words: 0,
    };
    let base = state.stack - state.stack % 16;
    for arg in args {
        let class = classify(layout, arg, avx)?;
        match class {
            Class::Sse(32) => {
                return Err("a variadic argument of 32 bytes in a vector register".into());
            }
            Class::Memory(_, align) if align > 16 => {
                return Err("a variadic argument aligned to more than 16 bytes".into());
            }
            _ => {}
        }
        plan.offsets.push(match state.place(class, true) {
            HomePlace::Gp(register) => 8 * u64::from(register),
            HomePlace::Vec(register) => VECTORS + 16 * u64::from(register),
            HomePlace::Stack(offset) => REGISTER_SAVE + offset - base,
        });
    }
    if !args.is_empty() {
        plan.words = (state.stack - base) / 8;
        plan.size = REGISTER_SAVE + 8 * plan.words;
    }
    Ok(plan)
}

/// Where a result comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResultPlace {
    /// RAX (0) or RDX (1).
    Gp(u32),
    /// RAX and RDX.
    GpPair,
    /// XMM0/YMM0 or XMM1/YMM1, with the bytes used.
    Vec(u32, u32),
    /// ST(0) or ST(1).
    X87(u32),
}

/// The registers that a result, or each field of it, comes back in.
pub fn result_places(layout: Layout, result: Type, avx: bool) -> Result<Vec<ResultPlace>, String> {
    if result.is_void() {
        return Ok(Vec::new());
    }
    let parts = if result.is_struct() {
        result.fields()
    } else {
        vec![result]
    };
    let (mut gp, mut vec, mut x87) = (0, 0, 0);
    let mut places = Vec::new();
    for part in parts {
        let unsupported = || format!("a result of type `{}`", result.print());
        if part.kind() == TypeKind::LLVMX86_FP80TypeKind {
            places.push(ResultPlace::X87(x87));
            x87 += 1;
        } else {
            match classify(layout, &Param::plain(part), avx).map_err(|_| unsupported())? {
                Class::Int => {
                    places.push(ResultPlace::Gp(gp));
                    gp += 1;
                }
                Class::IntPair => {
                    if gp != 0 {
                        return Err(unsupported());
                    }
                    places.push(ResultPlace::GpPair);
                    gp += 2;
                }
                Class::Sse(bytes) => {
                    places.push(ResultPlace::Vec(vec, bytes));
                    vec += 1;
                }
                Class::Memory(..) => return Err(unsupported()),
            }
        }
        if gp > 2 || vec > 2 || x87 > 2 {
            return Err(unsupported());
        }
    }
    Ok(places)
}
