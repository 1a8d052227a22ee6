use privbox::privbox;

// The compiler's own complaints are about the author's code, where the author wrote it.
#[privbox]
fn longest(a: &str, b: &str) -> usize {
    let moved = a.to_string();
    drop(moved);
    moved.len() + b.len()
}

fn main() {}
