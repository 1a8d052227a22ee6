use privbox::privbox;

#[privbox(inside)]
fn first() {}

#[privbox(outside, twice)]
fn second() {}

#[privbox = "outside"]
fn third() {}

fn main() {}
