//! The attribute `#[privbox]`. Its documentation is in the crate `privbox`, which exports it.

mod expand;
mod function;

use proc_macro::TokenStream;

/// Calls of this function enter the box; `#[privbox(outside)]`: calls leave it.
///
/// For free functions and methods, generic ones too, with arguments and results of any type.
#[proc_macro_attribute]
pub fn privbox(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(arguments.into(), item.into()).into()
}
