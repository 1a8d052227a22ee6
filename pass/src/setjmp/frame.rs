//! The frame of a function that calls `setjmp`: what survives from one activation of its body to
//! the next.

use crate::llvm::{Block, Builder, Module, Type, Value};

/// A part of the frame.
pub struct Place {
    /// Bytes from the frame's start.
    pub offset: u64,
    /// Its address, computed at the head of the body.
    pub pointer: Value,
}

/// A frame that is being laid out.
pub struct Frame<'m, 'c> {
    module: &'m Module<'c>,
    address: Value,
    head: Block,
    size: u64,
    align: u64,
}

impl<'m, 'c> Frame<'m, 'c> {
    /// An empty frame at `address`; the addresses of its parts are computed in `head`.
    pub fn new(module: &'m Module<'c>, address: Value, head: Block) -> Self {
        Frame {
            module,
            address,
            head,
            size: 0,
            align: 16,
        }
    }

    /// Room for a value of this type, aligned as it needs and at least to `align`.
    pub fn place(&mut self, ty: Type, align: u64) -> Place {
        let layout = self.module.layout();
        let size = layout.abi_size(ty);
        self.room(size, align.max(u64::from(layout.abi_align(ty))))
    }

    /// Room for so many bytes.
    pub fn room(&mut self, size: u64, align: u64) -> Place {
        let context = self.module.context();
        let offset = self.size.next_multiple_of(align.max(1));
        self.size = offset.saturating_add(size);
        self.align = self.align.max(align);
        let builder = Builder::new(context);
        builder.at_end(self.head);
        builder.set_location(None);
        let offset_value = context.i64().constant(offset);
        let pointer = builder.gep(context.i8(), self.address, &[offset_value]);
        Place { offset, pointer }
    }

    /// Bytes laid out so far.
    pub fn size(&self) -> u64 {
        self.size
    }
    /// What its start must be aligned to.
    pub fn alignment(&self) -> u64 {
        self.align
    }
}
