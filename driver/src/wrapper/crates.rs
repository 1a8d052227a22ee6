//! Which crates a name of `-fprivbox-fn=` is about: its options are for all programs of a package, and each program is made
//! of some of the crates.

use std::collections::BTreeSet;

/// Crates that every program has.
const STANDARD: [&str; 3] = ["alloc", "core", "std"];

/// The crates that a path names, the standard library's left out: `app` of `app::serve` and of `<app::Server>::run`. None of
/// a symbol, nor of a glob, which may be about any.
pub fn named(name: &str) -> BTreeSet<&str> {
    let mut crates = BTreeSet::new();
    if name.contains(['*', '?', '{']) {
        return crates;
    }
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut before = ' ';
    let mut rest = name;
    while let Some(c) = rest.chars().next() {
        if !is_word(c) {
            before = c;
            rest = &rest[c.len_utf8()..];
            continue;
        }
        let (word, after) = rest.split_at(rest.find(|c| !is_word(c)).unwrap_or(rest.len()));
        if before != ':' && after.starts_with("::") && !STANDARD.contains(&word) {
            crates.insert(word);
        }
        before = 'a';
        rest = after;
    }
    crates
}

/// The crate of a unit: of `rust:app`, and of `rust:app(MEMBER)`, one of several units.
pub fn of_unit(unit: &str) -> Option<&str> {
    let name = unit.strip_prefix("rust:")?;
    Some(name.split('(').next().unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crates_of_a_path() {
        let of = |name| named(name).into_iter().collect::<Vec<_>>();
        assert_eq!(of("app::serve"), ["app"]);
        assert_eq!(of("app::inner::serve::<u8>"), ["app"]);
        assert_eq!(of("<app::Server<alloc::vec::Vec<u8>>>::run"), ["app"]);
        assert_eq!(
            of("<[u8] as app::Work>::run::<words::Text>"),
            ["app", "words"]
        );
        assert_eq!(of("core::ptr::drop_in_place::<u8>"), [""; 0]);
        for symbol in ["main", "_RNvCs1234_3app5serve", "*app::serve", "app::s*"] {
            assert_eq!(of(symbol), [""; 0], "{symbol}");
        }
    }

    #[test]
    fn the_crate_of_a_unit() {
        assert_eq!(of_unit("rust:app"), Some("app"));
        assert_eq!(of_unit("rust:app(app.1-cgu.0)"), Some("app"));
        assert_eq!(of_unit("app.c"), None);
    }
}
