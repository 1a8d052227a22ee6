//! What the attribute stands on: a function's head, and its body as it is written.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{
    Attribute, Error, ForeignItemFn, ImplItemFn, Result, Signature, TraitItemFn, Visibility,
};

/// A function with a body. The body is not parsed: while it is being written it is no Rust yet, and the compiler and
/// editors know best what to say about that.
pub struct Function {
    /// Attributes of the function, those that the body begins with included.
    pub attributes: Vec<Attribute>,
    /// `pub` and the like.
    pub visibility: Visibility,
    /// From `const` or `fn` to the `where` clause.
    pub signature: Signature,
    /// The body without its inner attributes, in its braces.
    pub body: Group,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let signature = input.parse()?;
        let (inner, body) = body(input)?;
        attributes.extend(inner);
        Ok(Self {
            attributes,
            visibility,
            signature,
            body,
        })
    }
}

/// The body and the attributes in it, made outer ones. A `block` of a `macro_rules` macro is in a group without delimiters.
fn body(input: ParseStream<'_>) -> Result<(Vec<Attribute>, Group)> {
    let mut tree: TokenTree = input.parse()?;
    while let TokenTree::Group(group) = &tree {
        match (group.delimiter(), group.stream().into_iter().next()) {
            (Delimiter::None, Some(inner)) => tree = inner,
            _ => break,
        }
    }
    let span = tree.span();
    let TokenTree::Group(group) = tree else {
        return Err(Error::new(span, "expected a function's body"));
    };
    if group.delimiter() != Delimiter::Brace || !input.is_empty() {
        return Err(Error::new(span, "expected a function's body"));
    }
    let split = |input: ParseStream<'_>| -> Result<(Vec<Attribute>, TokenStream)> {
        Ok((Attribute::parse_inner(input)?, input.parse()?))
    };
    let (mut attributes, rest) = syn::parse::Parser::parse2(split, group.stream())?;
    if attributes.is_empty() {
        return Ok((attributes, group));
    }
    for attribute in &mut attributes {
        attribute.style = syn::AttrStyle::Outer;
    }
    let mut without = Group::new(Delimiter::Brace, rest);
    without.set_span(group.span());
    Ok((attributes, without))
}

/// A function with a body; the error says what else it is.
pub fn parse(item: TokenStream) -> Result<Function> {
    syn::parse2::<Function>(item.clone()).map_err(|error| {
        let what = if syn::parse2::<TraitItemFn>(item.clone()).is_ok()
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
        } else if syn::parse2::<ImplItemFn>(item.clone()).is_ok() {
            "`#[privbox]` does not understand this method"
        } else {
            // Not Rust: the parser's complaint is the better one.
            return error;
        };
        Error::new_spanned(item, what)
    })
}

/// What cannot run in a box as a marked function.
pub fn check(function: &Function) -> Result<()> {
    let signature = &function.signature;
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
    for attribute in &function.attributes {
        let mut path = attribute.path().clone();
        if path.is_ident("unsafe") {
            // `#[unsafe(naked)]`
            if let Ok(inner) = attribute.parse_args::<syn::Path>() {
                path = inner;
            }
        }
        let what = if path.is_ident("naked") {
            "a `#[naked]` function cannot be marked: the box takes code of the compiler's only"
        } else if path.is_ident("track_caller") {
            "a `#[track_caller]` function cannot be marked: its caller is not known in the box"
        } else if path
            .segments
            .last()
            .is_some_and(|last| last.ident == "privbox")
        {
            "this function is marked twice: one `#[privbox]` or `#[privbox(outside)]`"
        } else {
            continue;
        };
        return Err(Error::new_spanned(attribute, what));
    }
    Ok(())
}
