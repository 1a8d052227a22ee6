//! The digest of an image (rule 15, docs/image-format.md).

use sha2::{Digest, Sha256};

use crate::gate;
use crate::image::Image;
use crate::manifest;

/// What is hashed first, so that a digest of something else cannot be taken for one of an image.
const CONTEXT: &[u8; 15] = b"privbox-image-1";

/// Computes it. Any image has one, a malformed one too: distances are modulo 2^64, and text that
/// does not lie in the box counts as empty.
pub fn of_image(image: &Image) -> [u8; 32] {
    let mut hash = Hash(Sha256::new_with_prefix(CONTEXT));
    let words = [
        manifest::VERSION,
        gate::ABI_VERSION,
        image.level.number(),
        image.strength.number(),
    ];
    words.into_iter().for_each(|word| hash.u32(word));
    let distance = |address: u64| address.wrapping_sub(image.base);
    hash.u64(image.features.bits());
    for address in [
        image.text.start,
        image.text.end,
        image.tables.start,
        image.tables.end,
        image.end(),
    ] {
        hash.u64(distance(address));
    }
    hash.u64(image.functions.len() as u64);
    for function in &image.functions {
        hash.u64(distance(function.start));
        hash.u64(function.size);
    }
    hash.u64(image.segments.len() as u64);
    for segment in &image.segments {
        hash.u64(distance(segment.start));
        hash.u64(segment.size);
        hash.u32(segment.flags);
    }
    hash.0.update(
        image
            .bytes_at(image.text.start..image.end())
            .unwrap_or_default(),
    );
    hash.0.finalize().into()
}

struct Hash(Sha256);

impl Hash {
    fn u32(&mut self, number: u32) {
        self.0.update(number.to_le_bytes());
    }

    fn u64(&mut self, number: u64) {
        self.0.update(number.to_le_bytes());
    }
}
