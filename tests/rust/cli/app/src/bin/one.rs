fn main() {
    let text: Vec<String> = std::env::args().skip(1).collect();
    println!("one: {}", app::report(&text.join(" ")));
    println!("plain: {}", app::plain(10));
    println!("{}", app::boxes());
    if text.iter().any(|word| word == "seven") {
        std::process::exit(7);
    }
}
