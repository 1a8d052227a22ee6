//! A deterministic generator (splitmix64): a failure is reproduced by its seed alone.

pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(seed ^ 0x9e37_79b9_7f4a_7c15)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit` (which is not 0).
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub fn index(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }

    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.index(items.len())]
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// Scales the work of the randomised tests: `PRIVBOX_TEST_EFFORT=20` makes them 20 times as long.
pub fn effort() -> u64 {
    std::env::var("PRIVBOX_TEST_EFFORT")
        .ok()
        .and_then(|v| v.parse().ok())
        .unwrap_or(1)
}

/// The first seed: `PRIVBOX_TEST_SEED=1234` repeats a failure or explores elsewhere.
pub fn first_seed() -> u64 {
    std::env::var("PRIVBOX_TEST_SEED")
        .ok()
        .and_then(|v| v.parse().ok())
        .unwrap_or(1)
}
