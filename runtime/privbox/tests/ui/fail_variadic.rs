use privbox::privbox;

#[privbox]
unsafe extern "C" fn many(first: i32, rest: ...) -> i32 {
    first
}

fn main() {}
