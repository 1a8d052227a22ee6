//! Closures: captured by reference and by move, boxed, returned, recursive; `privbox::call`.
use privbox::privbox;

#[privbox]
fn adders(n: i32) -> Vec<Box<dyn Fn(i32) -> i32>> {
    (0..n)
        .map(|k| Box::new(move |x| x + k) as Box<dyn Fn(i32) -> i32>)
        .collect()
}

#[privbox]
fn apply(
    f: &mut dyn FnMut(&str) -> usize,
    g: fn(usize) -> usize,
    once: impl FnOnce() -> String,
) -> String {
    let n = g(f("four")) + g(f("seven!!"));
    format!("{} {n}", once())
}

#[privbox]
fn counter(start: u64) -> impl FnMut() -> u64 {
    let mut state = start;
    move || {
        state = state * 6364136223846793005 % 1000003;
        state
    }
}

#[privbox]
fn words<'a>(text: &'a str, least: usize) -> impl Iterator<Item = (usize, &'a str)> + 'a {
    text.split(' ')
        .filter(move |w| w.len() >= least)
        .enumerate()
}

fn main() {
    println!("{:?}", adders(5).iter().map(|f| f(10)).collect::<Vec<_>>());
    let mut seen = Vec::new();
    let owned = String::from("owned");
    let text = apply(
        &mut |s| {
            seen.push(s.to_uppercase());
            s.len()
        },
        |n| n * n,
        move || owned + "!",
    );
    println!("{text} {seen:?}");
    let mut next = counter(12345);
    println!("{} {} {}", next(), next(), privbox::call(&mut next));
    println!("{:?}", words("a bb ccc dddd", 2).collect::<Vec<_>>());
    let mut total = 0;
    let depth = privbox::call(|| {
        fn walk(n: u32, visit: &mut dyn FnMut(u32)) -> u32 {
            visit(n);
            if n == 0 {
                0
            } else {
                1 + walk(n / 2, visit).max(walk(n / 3, visit))
            }
        }
        walk(100, &mut |n| total += n)
    });
    println!("{depth} {total}");
    // In the box a marked function is an ordinary function.
    println!(
        "{}",
        privbox::call(|| privbox::call(|| adders(3).len()) + 1)
    );
}
