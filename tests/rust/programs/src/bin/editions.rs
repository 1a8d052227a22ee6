//! Marked functions of crates of all editions, of one without the standard library, and what is easily got wrong in any.
// RUN: all => exit code 0
// RUN: end => exit code 7
extern "C" {
    fn of_the_edition(n: u32) -> u32;
}

fn main() {
    let entries = || privbox::stats().entries;
    let before = entries();
    e2018::edges();
    let middle = entries();
    e2024::edges();
    // Both enter equally often, and in the box there are no fewer than marked functions.
    assert_eq!(middle - before, entries() - middle);
    println!(
        "edges: {}",
        middle - before > 40 || privbox::mode() == privbox::Mode::Off
    );
    let n = 2;
    // SAFETY: a live reference, and a function of Rust's.
    println!("{} {}", unsafe { e2024::raw(&n) }, unsafe {
        of_the_edition(n)
    });
    if std::arch::is_x86_feature_detected!("popcnt") {
        // SAFETY: the processor has it.
        println!("{}", unsafe { e2024::ones(0xff00) });
    }
    println!("{:?}", bare::squares(5));
    if std::env::args().any(|argument| argument == "end") {
        e2024::end(7);
    }
}
