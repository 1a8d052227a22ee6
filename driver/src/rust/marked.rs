//! Which functions of a crate enter the box.
//!
//! `#[privbox]` and `privbox::call` come down to one generic function of the crate `privbox`, instantiated where it is
//! used. It is known by its path, and so are the functions that the user names: by symbol or by path, with globs.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::wrapper::args::BoxOptions;
use crate::wrapper::names::Globs;

/// The function of the crate `privbox` (`runtime/privbox/src/enter.rs`) whose every instance enters the box.
pub const ENTRY: &str = "privbox::enter::__privbox_entry";
/// The same for `#[privbox(outside)]`.
pub const OUTSIDE: &str = "privbox::enter::__privbox_outside";

/// The choice, by symbol.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Marked {
    /// Functions that enter.
    pub entry: BTreeSet<String>,
    /// Functions that stay outside.
    pub outside: BTreeSet<String>,
}

/// Decides for the symbols of one crate.
pub fn choose(symbols: &[String], options: &BoxOptions) -> Result<Marked> {
    let entry = Globs::new(options.entry.iter().map(String::as_str))?;
    let outside = Globs::new(options.outside.iter().map(String::as_str))?;
    let mut marked = Marked::default();
    for symbol in symbols {
        let path = path(symbol);
        let instance = instance_of(&path);
        if instance == ENTRY || entry.matches(symbol) || entry.matches(&path) {
            marked.entry.insert(symbol.clone());
        }
        if instance == OUTSIDE || outside.matches(symbol) || outside.matches(&path) {
            marked.outside.insert(symbol.clone());
        }
    }
    Ok(marked)
}

/// A symbol as its author wrote it, without hashes: `app::serve`, `privbox::enter::f::<app::main::{closure#0}>`.
pub fn path(symbol: &str) -> String {
    // LLVM appends `.llvm.123` to internal symbols that it makes visible.
    let symbol = symbol.split(".llvm.").next().unwrap_or(symbol);
    match rustc_demangle::try_demangle(symbol) {
        Ok(name) => format!("{name:#}"),
        Err(_) => symbol.to_owned(),
    }
}

/// The path without the type arguments of an instance, for a free function.
fn instance_of(path: &str) -> &str {
    match path.split_once("::<") {
        Some((name, arguments)) if arguments.ends_with('>') => name,
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_function_itself_is_marked() {
        assert_eq!(instance_of("a::b::<c::<d>>"), "a::b");
        assert_eq!(instance_of("a::b"), "a::b");
        // A closure inside of it, or a function that only takes it as an argument, is not.
        assert_eq!(
            instance_of("a::b::<c>::{closure#0}"),
            "a::b::<c>::{closure#0}"
        );
        assert_eq!(instance_of("<a::b::<c> as T>::f"), "<a::b::<c> as T>::f");
    }

    #[test]
    fn names_are_symbols_or_paths() {
        let symbols = [
            "main".to_owned(),
            "_RNvCs1234_3app5serve".to_owned(),
            "_ZN3app5serve17h0123456789abcdefE".to_owned(),
        ];
        let options = BoxOptions {
            entry: vec!["app::serve".into()],
            outside: vec!["ma*".into()],
            ..BoxOptions::default()
        };
        let marked = choose(&symbols, &options).unwrap();
        assert_eq!(marked.entry.len(), 2);
        assert!(marked.outside.contains("main"));
    }
}
