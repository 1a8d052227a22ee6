//! Entry functions of C's and of Rust's in one executable: each is called by normal code of the other language, and by the
//! other's in the box.
use privbox::privbox;
use privbox_rust_programs::check_mode;
use std::ffi::{c_char, c_void, CStr};

type Visit = extern "C" fn(*mut c_void, u64);

extern "C" {
    /// An entry function of C's; calls `rust_entry`, one of Rust's.
    fn c_entry(n: u64) -> u64;
    /// No mark: calls `visit` with n and whatever `rust_entry` makes of it.
    fn c_walk(n: u64, visit: Visit, place: *mut c_void);
    /// Keeps outside what it does.
    fn c_outside(text: *const c_char) -> u64;
}

/// An entry function of Rust's; calls one of C's.
#[no_mangle]
#[privbox]
pub extern "C" fn rust_entry(n: u64) -> u64 {
    if n == 0 {
        return 1;
    }
    // SAFETY: no pointers are involved.
    n.wrapping_mul(31) ^ unsafe { c_entry(n - 1) }
}

extern "C" fn collect(place: *mut c_void, n: u64) {
    // SAFETY: it is the vector that `main` or `walk` gave to `c_walk`.
    unsafe { (*place.cast::<Vec<u64>>()).push(n) }
}

fn walk(n: u64) -> Vec<u64> {
    let mut all: Vec<u64> = Vec::new();
    // SAFETY: the vector lives as long as the call.
    unsafe { c_walk(n, collect, (&raw mut all).cast()) };
    all
}

#[privbox]
fn all_of_it(n: u64, text: &CStr) -> (u64, Vec<u64>, u64) {
    check_mode();
    // SAFETY: the text ends with a null byte.
    let outside = unsafe { c_outside(text.as_ptr()) };
    (rust_entry(n), walk(n), outside)
}

fn main() {
    println!("{:?}", all_of_it(20, c"from the box"));
    // From normal code: into C's entry function, and into Rust's.
    // SAFETY: as above.
    println!("{} {}", unsafe { c_entry(9) }, rust_entry(9));
    println!("{:?}", walk(9));
    let before = privbox::stats().entries;
    // Each enters once: what the entry function calls in the box is an ordinary call.
    // SAFETY: as above.
    let result = unsafe { c_entry(100) } ^ rust_entry(100);
    let entered = privbox::stats().entries - before;
    assert_eq!(
        entered,
        if privbox::mode() == privbox::Mode::Off {
            0
        } else {
            2
        }
    );
    println!("{result}");
}
