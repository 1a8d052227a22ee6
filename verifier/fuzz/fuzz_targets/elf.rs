//! Any bytes as an ELF file: reading and verifying never panics and takes bounded time
//! (`-timeout=10`).
#![no_main]

use libfuzzer_sys::fuzz_target;
use privbox_verifier::image::Image;
use privbox_verifier::verify::{Options, verify};

fuzz_target!(|data: &[u8]| {
    let Ok(image) = Image::from_elf(data) else {
        return;
    };
    for check_digest in [false, true] {
        let options = Options {
            check_digest,
            ..Options::default()
        };
        let report = verify(&image, &options);
        // Rule 15 holds of whatever is accepted.
        if check_digest && report.findings.is_empty() {
            assert_eq!(image.digest, Some(image.compute_digest()));
        }
    }
});
