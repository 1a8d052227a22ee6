use privbox::privbox;

#[privbox]
async fn later() -> u32 {
    1
}

fn main() {}
