//! A procedural macro: it runs in the compiler.
use proc_macro::{Literal, TokenStream, TokenTree};

/// A string literal in capitals.
#[proc_macro]
pub fn shout(input: TokenStream) -> TokenStream {
    let text = input.to_string().trim_matches('"').to_uppercase();
    TokenTree::from(Literal::string(&text)).into()
}
