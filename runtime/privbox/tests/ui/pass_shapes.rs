#![deny(warnings)]
//! Everything that can be marked.
use privbox::privbox;
use std::fmt::Debug;

struct Thing<T> {
    inner: T,
}

impl<T: Clone + Debug> Thing<T> {
    #[privbox]
    fn new(inner: T) -> Self {
        Self { inner }
    }
    #[privbox]
    fn by_reference(&self) -> &T {
        &self.inner
    }
    #[privbox]
    fn by_unique(&mut self, with: T) -> &mut T {
        self.inner = with;
        &mut self.inner
    }
    #[privbox]
    fn by_value(self) -> T {
        self.inner
    }
    #[privbox]
    fn boxed(self: Box<Self>) -> T {
        self.inner
    }
    #[privbox(outside)]
    fn apart(&self) -> String {
        format!("{:?}", self.inner)
    }
}

trait Work {
    fn work(&self) -> u32;
}

impl Work for Thing<u32> {
    #[privbox]
    fn work(&self) -> u32 {
        self.inner
    }
}

#[privbox]
fn nothing() {}

#[privbox]
pub(crate) fn mutable(mut n: u32) -> u32 {
    n += 1;
    n
}

#[privbox]
fn patterns((a, b): (u32, u32), [c, ..]: [u32; 3], _: String) -> u32 {
    a + b + c
}

#[privbox]
fn question(text: &str) -> Result<i32, std::num::ParseIntError> {
    let n: i32 = text.parse()?;
    if n > 5 {
        return Ok(0);
    }
    Ok(n)
}

#[privbox]
fn lifetimes<'a, 'b: 'a>(a: &'a str, b: &'b str) -> &'a str {
    if a.is_empty() { b } else { a }
}

#[privbox]
fn opaque(n: u32) -> impl Iterator<Item = u32> {
    (0..n).map(|x| x * x)
}

#[privbox]
fn argument(f: impl Fn(u32) -> u32) -> u32 {
    f(2)
}

#[privbox]
fn constants<const N: usize>(a: [u8; N]) -> usize {
    a.len()
}

#[privbox]
unsafe fn raw(p: *const u32) -> u32 {
    // SAFETY: the caller's promise.
    unsafe { *p }
}

#[privbox]
extern "C" fn foreign(n: i32) -> i32 {
    n
}

#[privbox]
fn never() -> ! {
    std::process::exit(0)
}

fn main() {
    let mut thing = Box::new(Thing::new(1u32));
    let seven = 7;
    assert_eq!((*thing.by_reference(), *thing.by_unique(2), thing.work()), (1, 2, 2));
    assert_eq!((thing.apart().as_str(), thing.boxed(), Thing::new("x").by_value()), ("2", 2, "x"));
    nothing();
    assert_eq!(mutable(1) + patterns((1, 2), [3, 4, 5], String::new()), 8);
    assert_eq!((question("4"), question("9"), question("x").is_err()), (Ok(4), Ok(0), true));
    assert_eq!((lifetimes("", "b"), opaque(4).sum::<u32>(), argument(|n| n * 3)), ("b", 14, 6));
    // SAFETY: a live reference.
    assert_eq!((constants([0; 9]), unsafe { raw(&seven) }, foreign(3)), (9, 7, 3));
    assert_eq!(privbox::call(|| seven + 1), 8);
    never()
}
