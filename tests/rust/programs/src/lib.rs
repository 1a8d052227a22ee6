//! What the programs share. The C code of `c/` comes along with this library.

/// Ends the program with a message unless it is where the test (`PRIVBOX`) wants it: in the box, by at least one entry. For
/// programs that end before the runtime can say so.
pub fn check_mode() {
    let in_box = privbox::mode() == privbox::Mode::User;
    let wanted = std::env::var("PRIVBOX").is_ok_and(|mode| mode == "user");
    assert_eq!(in_box, wanted, "mode {:?}", privbox::mode());
    assert_eq!(
        in_box,
        privbox::stats().entries > 0,
        "{:?}",
        privbox::stats()
    );
}
