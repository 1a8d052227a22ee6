use privbox::privbox;

trait Work {
    #[privbox]
    fn work(&self) -> u32;
}

fn main() {}
