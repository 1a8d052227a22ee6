fn main() {
    println!("show: {}", app::report("an example"));
    println!("{}", app::boxes());
}
