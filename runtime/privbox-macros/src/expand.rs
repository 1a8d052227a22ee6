//! `fn f(a: A) -> R { body }` becomes `fn f(a: A) -> R { ::privbox::call(move || -> R { let a = a; body }) }`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{
    Error, FnArg, ForeignItemFn, ImplItemFn, ItemFn, Pat, PatIdent, ReturnType, Signature,
    TraitItemFn, Type, TypeImplTrait,
};

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
    let mut function = parse(item).map_err(|e| (e, false))?;
    check(&function).map_err(|e| (e, true))?;
    let body = std::mem::take(&mut function.block.stmts);
    let mut rebound = Vec::new();
    for (number, argument) in function.sig.inputs.iter_mut().enumerate() {
        let FnArg::Typed(argument) = argument else {
            // `self` keeps its name; the closure takes it along.
            continue;
        };
        let name = Ident::new(&format!("__privbox_argument_{number}"), Span::mixed_site());
        // In the closure, so that arguments are dropped where and when they are without the attribute:
        // in the box, behind the body's own variables, the last one first.
        let pattern = std::mem::replace(&mut *argument.pat, simple(name.clone()));
        rebound.push(match &pattern {
            Pat::Wild(_) => quote!(let #name = #name;),
            pattern => quote!(let #name = #name; let #pattern = #name;),
        });
    }
    let result = match &function.sig.output {
        ReturnType::Type(_, ty) if !mentions_impl(ty) => quote!(-> #ty),
        ReturnType::Type(..) => quote!(),
        ReturnType::Default => quote!(-> ()),
    };
    let target = match way {
        Way::In => quote!(::privbox::call),
        Way::Out => quote!(::privbox::outside),
    };
    let (attributes, visibility, signature) = (&function.attrs, &function.vis, &function.sig);
    let span = function.block.brace_token.span.join();
    let block = quote_spanned!(span=> {
        #target(move || #result {
            #(#rebound)*
            #[allow(unused_braces, clippy::redundant_closure_call)]
            { #(#body)* }
        })
    });
    Ok(quote! {
        #(#attributes)*
        #[allow(clippy::let_unit_value, clippy::needless_return, unused_mut)]
        #visibility #signature #block
    })
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

/// A function with a body; the error says what else it is.
fn parse(item: TokenStream) -> Result<ItemFn, Error> {
    match syn::parse2::<ItemFn>(item.clone()) {
        Ok(function) => Ok(function),
        Err(error) => {
            let what = if syn::parse2::<ImplItemFn>(item.clone()).is_ok() {
                "`#[privbox]` does not understand this method"
            } else if syn::parse2::<TraitItemFn>(item.clone()).is_ok()
                || syn::parse2::<ForeignItemFn>(item.clone()).is_ok()
            {
                "a function without a body cannot run in a box: mark its implementations"
            } else if let Ok(item) = syn::parse2::<syn::Item>(item.clone()) {
                match item {
                    syn::Item::Impl(_) => {
                        "`#[privbox]` marks functions: put it on the methods of this impl"
                    }
                    syn::Item::Trait(_) => {
                        "`#[privbox]` marks functions: put it on those of the trait's implementations"
                    }
                    syn::Item::Mod(_) => "`#[privbox]` marks functions: put it on those of this module",
                    _ => "`#[privbox]` marks functions",
                }
            } else if syn::parse2::<syn::Expr>(item.clone()).is_ok() {
                "`#[privbox]` marks functions: run a closure in the box with `privbox::call`"
            } else {
                // Not Rust: the parser's complaint is the better one.
                return Err(error);
            };
            Err(Error::new_spanned(item, what))
        }
    }
}

/// What cannot run in a box as a marked function.
fn check(function: &ItemFn) -> Result<(), Error> {
    let signature: &Signature = &function.sig;
    if let Some(token) = &signature.asyncness {
        return Err(Error::new(
            token.span(),
            "an `async fn` cannot be marked: calling it only makes a future; mark a function that polls it, or \
             what it calls",
        ));
    }
    if let Some(token) = &signature.constness {
        return Err(Error::new(
            token.span(),
            "a `const fn` cannot be marked: it may run in the compiler; mark a function that calls it",
        ));
    }
    if let Some(variadic) = &signature.variadic {
        return Err(Error::new(
            variadic.span(),
            "a function with variadic arguments cannot be marked: mark a function with fixed arguments that it \
             calls",
        ));
    }
    for attribute in &function.attrs {
        let mut path = attribute.path().clone();
        if path.is_ident("unsafe") {
            // `#[unsafe(naked)]`
            if let Ok(inner) = attribute.parse_args::<syn::Path>() {
                path = inner;
            }
        }
        if path.is_ident("naked") {
            return Err(Error::new_spanned(
                attribute,
                "a `#[naked]` function cannot be marked: the box takes code of the compiler's only",
            ));
        }
        if path.is_ident("track_caller") {
            return Err(Error::new_spanned(
                attribute,
                "a `#[track_caller]` function cannot be marked: its caller is not known in the box",
            ));
        }
    }
    Ok(())
}

/// `impl Trait` cannot be written as a closure's result.
fn mentions_impl(ty: &Type) -> bool {
    struct Find(bool);
    impl<'ast> syn::visit::Visit<'ast> for Find {
        fn visit_type_impl_trait(&mut self, _: &'ast TypeImplTrait) {
            self.0 = true;
        }
    }
    let mut find = Find(false);
    syn::visit::Visit::visit_type(&mut find, ty);
    find.0
}
