use privbox::privbox;

#[privbox]
pub const fn constant() -> u32 {
    1
}

fn main() {}
