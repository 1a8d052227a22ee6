//! What the programs share. The C code of `c/` comes along with this library.

use privbox::Mode;

/// Ends the program with a message unless it is where the test (`PRIVBOX`) wants it: in the box, by at least one entry. For
/// programs that end before the runtime can say so.
pub fn check_mode() {
    let wanted = match std::env::var("PRIVBOX").as_deref() {
        Ok("user") => Mode::User,
        Ok("kernel") => Mode::Kernel,
        _ => Mode::Off,
    };
    assert_eq!(privbox::mode(), wanted);
    assert_eq!(
        wanted != Mode::Off,
        privbox::stats().entries > 0,
        "{:?}",
        privbox::stats()
    );
}
