use privbox::privbox;

#[privbox]
#[track_caller]
fn whence() -> &'static core::panic::Location<'static> {
    core::panic::Location::caller()
}

fn main() {}
