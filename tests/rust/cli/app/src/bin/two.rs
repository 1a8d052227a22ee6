//! Reaches something that no box has.
use std::os::raw::c_char;

extern "C" {
    fn getenv(name: *const c_char) -> *const c_char;
}

#[privbox::privbox]
fn ask() -> bool {
    // SAFETY: a string with its end.
    unsafe { getenv(c"NO_SUCH_VARIABLE".as_ptr()).is_null() }
}

fn main() {
    println!("two: {}, {}", ask(), app::report("two"));
    println!("{}", app::boxes());
}
