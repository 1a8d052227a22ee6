use privbox::privbox;

struct Thing;

#[privbox]
impl Thing {
    fn work(&self) {}
}

#[privbox]
struct Other;

#[privbox]
mod inner {}

fn main() {}
