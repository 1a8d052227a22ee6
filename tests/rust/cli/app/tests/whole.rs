#[test]
fn from_outside() {
    assert!(app::report("from outside").starts_with("2 words"));
    println!("whole: {}", app::boxes());
}
