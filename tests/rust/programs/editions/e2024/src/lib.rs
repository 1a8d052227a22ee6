//! The edges of the attribute in a crate of the edition 2024, and what that edition asks of unsafe functions.
#![deny(warnings)]

#[path = "../../../../../../runtime/privbox/tests/ui/pass_edges.rs"]
mod edges;

use privbox::privbox;

/// Ends, if all is well.
pub fn edges() {
    edges::main();
}

/// The body of an unsafe function is no unsafe block.
///
/// # Safety
/// `p` points to something.
#[privbox]
pub unsafe fn raw(p: *const u32) -> u32 {
    // SAFETY: the caller's promise.
    unsafe { *p }
}

/// Found by its name, in C's way.
#[privbox]
#[unsafe(no_mangle)]
pub extern "C" fn of_the_edition(n: u32) -> u32 {
    n + 24
}

/// Compiled for a processor that is newer than the crate's.
#[privbox]
#[target_feature(enable = "popcnt")]
pub fn ones(n: u64) -> u32 {
    n.count_ones()
}

/// Does not come back.
#[privbox]
pub extern "C" fn end(code: i32) -> ! {
    println!("ends");
    std::process::exit(code)
}
