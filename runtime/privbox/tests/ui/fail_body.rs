use privbox::privbox;

// What the compiler says about a body, an argument and a result is about what the author wrote, at its place.
#[privbox]
fn tail(a: u32) -> String {
    a + 1
}

#[privbox]
fn nothing(a: u32) -> String {
    a.pow(2);
}

#[privbox]
fn early(a: u32) -> String {
    return a;
}

#[privbox]
fn method(text: &str) -> usize {
    text.no_such()
}

#[privbox]
fn unchanged(v: Vec<u32>) {
    v.push(1);
}

#[privbox]
fn local(b: &String) -> &str {
    let c = b.clone();
    &c
}

fn main() {
    tail("one");
}
