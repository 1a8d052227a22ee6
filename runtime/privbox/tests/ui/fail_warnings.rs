#![deny(unused)]
use privbox::privbox;

// The compiler warns as it does without the attribute.
#[privbox]
pub fn unused(a: u32, mut b: u32, (c, _): (u32, u32)) -> u32 {
    let x = 1;
    b
}

#[privbox]
pub fn after() -> u32 {
    return 1;
    2
}

#[privbox]
fn never_called() {}

#[must_use]
#[privbox]
fn result() -> u32 {
    1
}

fn main() {
    result();
}
