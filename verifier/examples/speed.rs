//! How fast a linked file is verified, on one core: `cargo run --release --example speed -- FILE`.

use std::time::{Duration, Instant};

use privbox_verifier::image::Image;
use privbox_verifier::verify::{Options, verify};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: speed FILE")?;
    let image = Image::from_elf(&std::fs::read(path)?)?;
    let options = Options {
        check_digest: false,
        ..Options::default()
    };
    let (mut best, start) = (Duration::MAX, Instant::now());
    while start.elapsed() < Duration::from_secs(2) {
        let begin = Instant::now();
        let report = verify(&image, &options);
        best = best.min(begin.elapsed());
        std::hint::black_box(report);
    }
    let megabytes = (image.text.end - image.text.start) as f64 / 1e6;
    println!(
        "{megabytes:.2} MB of text in {best:.2?}: {:.1} MB/s",
        megabytes / best.as_secs_f64()
    );
    Ok(())
}
