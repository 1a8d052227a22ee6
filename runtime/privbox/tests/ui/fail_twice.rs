use privbox::privbox;

#[privbox]
#[privbox(outside)]
fn both() {}

#[privbox]
#[privbox::privbox]
fn twice() {}

fn main() {}
