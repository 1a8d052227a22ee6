//! Without the driver a marked function is an ordinary function: any signature, any result, panics, and nothing is counted.

use std::cell::Cell;
use std::fmt::Display;
use std::panic::{catch_unwind, AssertUnwindSafe};

use privbox::{privbox, Mode, Stats};

#[privbox]
fn longest<'a>(words: &'a [&'a str], least: usize) -> Option<&'a str> {
    let best = words.iter().copied().max_by_key(|word| word.len())?;
    (best.len() >= least).then_some(best)
}

#[privbox]
fn joined<T: Display, const N: usize>(parts: [T; N], separator: impl AsRef<str>) -> String {
    parts.map(|part| part.to_string()).join(separator.as_ref())
}

#[privbox(outside)]
unsafe extern "C" fn foreign(place: *mut u32) -> u32 {
    // SAFETY: the caller's promise.
    unsafe {
        *place += 1;
        *place
    }
}

struct Counter<'a> {
    drops: &'a Cell<u32>,
    value: u64,
}

impl Counter<'_> {
    #[privbox]
    fn add(&mut self, by: u64) -> &mut Self {
        assert_ne!(by, 13, "thirteen");
        self.value += by;
        self
    }

    #[privbox]
    fn finish(self) -> u64 {
        self.value
    }
}

impl Drop for Counter<'_> {
    fn drop(&mut self) {
        self.drops.set(self.drops.get() + 1);
    }
}

#[test]
fn calls_are_calls() {
    assert_eq!(longest(&["a", "three", "four"], 2), Some("three"));
    assert_eq!(longest(&["a"], 2), None);
    assert_eq!(joined([1.5, 2.0], "; "), "1.5; 2");
    let mut place = 4;
    // SAFETY: it is a place.
    assert_eq!(unsafe { foreign(&mut place) }, 5);
    let mut seen = Vec::new();
    let sum = privbox::call(|| {
        seen.push("in");
        privbox::outside(|| seen.push("out"));
        seen.len()
    });
    assert_eq!((sum, seen), (2, vec!["in", "out"]));
}

#[test]
fn panics_pass_and_arguments_are_dropped_once() {
    let drops = Cell::new(0);
    let mut counter = Counter {
        drops: &drops,
        value: 1,
    };
    let caught = catch_unwind(AssertUnwindSafe(|| counter.add(13).value)).unwrap_err();
    assert!(caught
        .downcast_ref::<String>()
        .is_some_and(|text| text.contains("thirteen")));
    assert_eq!(drops.get(), 0);
    counter.add(2).add(3);
    assert_eq!(counter.finish(), 6);
    assert_eq!(drops.get(), 1);
}

#[test]
fn there_is_no_box() {
    assert_eq!(joined(["x"], ""), "x");
    assert_eq!(privbox::mode(), Mode::Off);
    assert_eq!(privbox::stats(), Stats::default());
}
