//! What both programs do.

use privbox::privbox;

include!(concat!(env!("OUT_DIR"), "/generated.rs"));

/// Counts words, in the box.
///
/// ```
/// let before = privbox::stats().entries;
/// assert_eq!(app::report("a doc test"), "3 words, generated, ONE MACRO");
/// if std::env::var_os("EXPECT_BOX").is_some() {
///     assert!(privbox::stats().entries > before);
/// }
/// ```
///
/// ```
/// #[privbox::privbox]
/// fn own() -> usize {
///     "marked in a doc test".split(' ').count()
/// }
/// let before = privbox::stats().entries;
/// assert_eq!(own(), 5);
/// if std::env::var_os("EXPECT_BOX").is_some() {
///     assert!(privbox::stats().entries > before);
/// }
/// ```
///
/// ```should_panic
/// app::report("");
/// ```
#[privbox]
pub fn report(text: &str) -> String {
    assert!(!text.is_empty(), "no text");
    format!(
        "{} words, {}, {}",
        words::count(text),
        generated(),
        shout::shout!("one macro")
    )
}

/// Not marked: `-fprivbox-fn=app::plain` names it.
#[inline(never)]
pub fn plain(n: u64) -> u64 {
    (1..=n).product()
}

/// Where this process runs its boxes, and whether it did.
pub fn boxes() -> String {
    format!(
        "{:?}, entered: {}",
        privbox::mode(),
        privbox::stats().entries > 0
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn reports() {
        let before = privbox::stats().entries;
        assert!(super::report("x y").starts_with("2 words"));
        assert_eq!(
            privbox::stats().entries > before,
            std::env::var_os("EXPECT_BOX").is_some()
        );
    }

    #[test]
    #[should_panic(expected = "no text")]
    fn panics() {
        super::report("");
    }
}
