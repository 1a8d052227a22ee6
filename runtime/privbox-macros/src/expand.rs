//! What a marked function becomes:
//!
//! ```text
//! fn f(&self, a: A, (b, c): B) -> R { body }
//!
//! fn f(&self, a: A, argument_1: B) -> R {
//!     ::privbox::call(move || -> R {
//!         let _ = &self;                  // the closure takes all of it along, not a field only
//!         let a = a;                      // so that arguments are dropped where and when they are without the
//!         let argument_1 = argument_1;    // attribute: in the box, behind the body's variables, the last one first
//!         let (b, c) = argument_1;
//!         match () { () => { body } }     // an arm's last temporaries go before the variables around it, as those of
//!     })                                  // a function's body go before its arguments
//! }
//! ```
//!
//! Everything that is written here and not by the author is marked as a macro's, so that lints are about the author's code
//! only, with one exception: the name of an argument, which documentation shows.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{quote, quote_spanned, ToTokens as _};
use syn::visit_mut::{self, VisitMut};
use syn::{parse_quote, Attribute, Error, FnArg, Pat, PatIdent, PatType, ReturnType, Type};

use crate::function::{self, Function};

/// Which way the calls go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    In,
    Out,
}

/// The attribute's work. What is wrong is reported where it is written, beside the item as it was, so
/// that the compiler does not also complain about a function that is not there.
pub fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    match work(arguments, item.clone()) {
        Ok(tokens) => tokens,
        Err((error, keep)) => {
            let error = error.into_compile_error();
            if keep {
                quote!(#error #item)
            } else {
                error
            }
        }
    }
}

fn work(arguments: TokenStream, item: TokenStream) -> Result<TokenStream, (Error, bool)> {
    let way = way(arguments).map_err(|e| (e, true))?;
    let mut function = function::parse(item).map_err(|e| (e, false))?;
    function::check(&function).map_err(|e| (e, true))?;
    let bindings = bindings(&mut function);
    let Function {
        attributes,
        visibility,
        signature,
        body,
    } = &function;
    // Where the body is, but not of the author's making.
    let span = Span::mixed_site().located_at(body.span());
    let result = result(&signature.output, span);
    let target = match way {
        Way::In => quote_spanned!(span=> call),
        Way::Out => quote_spanned!(span=> outside),
    };
    let call = quote_spanned!(span=> ::privbox::#target(move || -> #result {
        #bindings
        match () { () => #body }
    }));
    // The author's braces: the item as a whole is the author's, and is warned about if nobody calls it.
    let mut block = Group::new(Delimiter::Brace, call);
    block.set_span(body.span());
    Ok(quote! {
        #(#attributes)*
        #visibility #signature #block
    })
}

/// Gives the arguments names, and returns what makes of these, in the closure, what the author wrote.
fn bindings(function: &mut Function) -> TokenStream {
    let mut bindings = TokenStream::new();
    let mut names = Vec::new();
    for (number, argument) in function.signature.inputs.iter_mut().enumerate() {
        let argument = match argument {
            FnArg::Receiver(receiver) => {
                let own = &receiver.self_token;
                let span = Span::mixed_site().located_at(own.span);
                bindings.extend(quote_spanned!(span=> let _ = &#own;));
                continue;
            }
            FnArg::Typed(argument) => argument,
        };
        let (here, there) = attributes(argument);
        argument.attrs = here;
        let name = name(number, &argument.pat, &names);
        names.push(name.to_string());
        let pattern = std::mem::replace(&mut *argument.pat, simple(name.clone()));
        let span = name.span();
        let there = quote!(#(#there)*);
        bindings.extend(match &pattern {
            // A binding of something to a name like `_unused` has no effect, a lint says.
            Pat::Ident(one) if is_plain(one) && one.ident.to_string().starts_with('_') => {
                quote_spanned!(span=> #there let #pattern = match #name { argument => argument };)
            }
            Pat::Ident(one) if is_plain(one) => quote_spanned!(span=> #there let #pattern = #name;),
            Pat::Wild(_) => quote_spanned!(span=> #there let #name = #name;),
            _ => quote_spanned!(span=> #there let #name = #name; #there let #pattern = #name;),
        });
    }
    bindings
}

/// An argument's attributes: those that stay with the argument, and those of its binding. Lints are the binding's;
/// what decides whether there is an argument at all belongs to both.
fn attributes(argument: &PatType) -> (Vec<Attribute>, Vec<Attribute>) {
    let all = argument.attrs.iter().cloned();
    let stays = |attribute: &Attribute| {
        attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr")
    };
    (all.clone().filter(stays).collect(), all.collect())
}

/// The argument's own name, as documentation shows it, if it has one and only one.
fn name(number: usize, pattern: &Pat, taken: &[String]) -> Ident {
    let written = match pattern {
        Pat::Ident(PatIdent { ident, .. }) => Some(ident),
        _ => None,
    };
    let span = syn::spanned::Spanned::span(pattern);
    let mut name = match written {
        // Two names of a `macro_rules` macro may look the same and be two.
        Some(written) if !taken.contains(&written.to_string()) => written.clone(),
        _ => Ident::new(&format!("argument_{number}"), span),
    };
    name.set_span(Span::mixed_site().located_at(span));
    name
}

/// Only a name, with or without `mut`.
fn is_plain(pattern: &PatIdent) -> bool {
    pattern.subpat.is_none() && pattern.by_ref.is_none()
}

fn simple(name: Ident) -> Pat {
    Pat::Ident(PatIdent {
        attrs: Vec::new(),
        by_ref: None,
        mutability: None,
        ident: name,
        subpat: None,
    })
}

/// The closure's result. `impl Trait` cannot be written there, and follows from the body.
fn result(output: &ReturnType, span: Span) -> TokenStream {
    struct Infer;
    impl VisitMut for Infer {
        fn visit_type_mut(&mut self, ty: &mut Type) {
            if matches!(ty, Type::ImplTrait(_)) {
                *ty = parse_quote!(_);
            } else {
                visit_mut::visit_type_mut(self, ty);
            }
        }
    }
    match output {
        ReturnType::Default => quote_spanned!(span=> ()),
        ReturnType::Type(_, ty) => {
            let mut ty = ty.clone();
            Infer.visit_type_mut(&mut ty);
            ty.into_token_stream()
        }
    }
}

fn way(arguments: TokenStream) -> Result<Way, Error> {
    if arguments.is_empty() {
        return Ok(Way::In);
    }
    let word: Ident = syn::parse2(arguments.clone()).map_err(|_| {
        Error::new_spanned(&arguments, "expected `#[privbox]` or `#[privbox(outside)]`")
    })?;
    if word == "outside" {
        Ok(Way::Out)
    } else {
        Err(Error::new_spanned(
            &word,
            format!("unknown option `{word}`: expected `#[privbox]` or `#[privbox(outside)]`"),
        ))
    }
}
