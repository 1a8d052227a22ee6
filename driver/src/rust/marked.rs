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
    /// Those of them that somebody marked or named, not only a glob matched, and the bodies of the marked: they must be able to.
    pub must: BTreeSet<String>,
    /// Functions that stay outside.
    pub outside: BTreeSet<String>,
}

/// Decides for the symbols of one crate. What the user keeps outside stays there, marked or not.
pub fn choose(symbols: &[String], options: &BoxOptions) -> Result<Marked> {
    let entry = Globs::new(options.entry.iter().map(String::as_str))?;
    let outside = Globs::new(options.outside.iter().map(String::as_str))?;
    let mut marked = Marked::default();
    let paths: Vec<String> = symbols.iter().map(|symbol| path(symbol)).collect();
    // Without optimisation the entry function only calls the closure that is the marked body.
    let mut bodies = BTreeSet::new();
    for (symbol, path) in symbols.iter().zip(&paths) {
        let instance = instance_of(path);
        let is_marked = instance == ENTRY;
        let body = if is_marked { body(path) } else { None };
        let kept_out = outside.matches(symbol)
            || outside.matches(path)
            || body.map(author).is_some_and(|name| {
                // As a message writes it, braces and brackets of types included.
                outside.matches(name) || options.outside.iter().any(|given| given == name)
            });
        if instance == OUTSIDE || kept_out {
            marked.outside.insert(symbol.clone());
            continue;
        }
        // A path as a message writes it is no glob, brackets of types included.
        let named = options
            .entry
            .iter()
            .any(|name| name == symbol || name == path);
        if is_marked || named || entry.matches(symbol) || entry.matches(path) {
            if is_marked || named {
                marked.must.insert(symbol.clone());
            }
            marked.entry.insert(symbol.clone());
            bodies.extend(body);
        }
    }
    for (symbol, path) in symbols.iter().zip(&paths) {
        if bodies.contains(path.as_str()) && !marked.outside.contains(symbol) {
            marked.must.insert(symbol.clone());
        }
    }
    Ok(marked)
}

/// What a message calls a marked function: the function that its author wrote.
pub fn name(symbol: &str) -> String {
    let path = path(symbol);
    match body(&path) {
        Some(body) => author(body).to_owned(),
        None => author(&path).to_owned(),
    }
}

/// The closure that an instance of [`ENTRY`] calls, from the path of that: its first argument. Symbols of the old
/// mangling do not tell.
fn body(path: &str) -> Option<&str> {
    let arguments = path.strip_prefix(ENTRY)?.strip_prefix("::<")?;
    let mut depth = 0usize;
    let mut before = ' ';
    let mut end = None;
    for (at, c) in arguments.char_indices() {
        match c {
            '<' | '(' | '[' | '{' => depth += 1,
            ',' if depth == 0 => end = Some(at),
            // Of `->`, in the type of a function.
            '>' if before == '-' => {}
            '>' | ')' | ']' | '}' if depth == 0 => end = Some(at),
            '>' | ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        if end.is_some() {
            break;
        }
        before = c;
    }
    arguments.get(..end?)
}

/// The function that a closure is written in.
fn author(closure: &str) -> &str {
    match closure.rsplit_once("::{closure") {
        Some((function, number)) if !number.contains("::") => function,
        _ => closure,
    }
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
        assert_eq!(marked.must, marked.entry);
        assert!(marked.outside.contains("main"));
    }

    #[test]
    fn what_a_glob_matches_need_not_run_in_the_box() {
        let symbols = ["main".to_owned(), "other".to_owned()];
        let options = BoxOptions {
            entry: vec!["*".into(), "main".into()],
            ..BoxOptions::default()
        };
        let marked = choose(&symbols, &options).unwrap();
        assert_eq!(marked.entry.len(), 2);
        assert_eq!(marked.must, BTreeSet::from(["main".to_owned()]));
    }

    #[test]
    fn a_mark_is_called_after_the_function_that_has_it() {
        let of = |arguments: &str| {
            let path = format!("{ENTRY}::<{arguments}>");
            body(&path).map(|body| author(body).to_owned())
        };
        assert_eq!(of("app::f::{closure#0}, ()").unwrap(), "app::f");
        assert_eq!(
            of("<app::M<u32>>::feed::<fn(u8, u8) -> u8>::{closure#0}, (u8, u8)").unwrap(),
            "<app::M<u32>>::feed::<fn(u8, u8) -> u8>"
        );
        assert_eq!(
            of("app::main::{closure#1}::{closure#0}, i32").unwrap(),
            "app::main::{closure#1}"
        );
        assert_eq!(of("fn() -> i32, i32").unwrap(), "fn() -> i32");
        assert_eq!(body(ENTRY), None);
    }

    #[test]
    fn the_user_may_keep_a_marked_function_outside() {
        // `privbox::enter::__privbox_entry::<app::f::{closure#0}, ()>`
        let symbol = "_RINvNtCs1234_7privbox5enter15___privbox_entryNCNvCs1234_3app1f0uEB2_";
        assert_eq!(name(symbol), "app::f");
        let closure = "_RNCNvCs1234_3app1f0";
        assert_eq!(name(closure), "app::f");
        let symbols = [symbol.to_owned(), closure.to_owned()];
        let chosen = |outside: &[&str]| {
            let options = BoxOptions {
                outside: outside.iter().map(|name| (*name).to_owned()).collect(),
                ..BoxOptions::default()
            };
            choose(&symbols, &options).unwrap()
        };
        let marked = chosen(&[]);
        assert_eq!((marked.entry.len(), marked.must.len()), (1, 2));
        let marked = chosen(&["app::f"]);
        assert!(marked.entry.is_empty() && marked.must.is_empty());
        assert_eq!(marked.outside.len(), 1);
    }
}
