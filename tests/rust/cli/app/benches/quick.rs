fn main() {
    assert!(std::env::args().any(|argument| argument == "--bench"));
    println!("quick: {}", app::report("a b c d"));
    println!("{}", app::boxes());
}
