#![deny(warnings, missing_docs, elided_lifetimes_in_paths, unused_qualifications)]
#![forbid(unsafe_code)]
//! What is easily got wrong.

use privbox::privbox;
use std::cell::{Cell, RefCell};
use std::fmt::{Debug, Display};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

/// Says when it goes.
struct Loud<'a>(&'a str, &'a RefCell<Vec<String>>);

impl Drop for Loud<'_> {
    fn drop(&mut self) {
        self.1.borrow_mut().push(self.0.to_owned());
    }
}

/// Every way to own oneself.
#[derive(Clone, Debug)]
struct Own {
    n: u32,
    text: String,
}

impl Own {
    #[privbox]
    fn boxed(self: Box<Self>) -> u32 {
        self.n
    }
    #[privbox]
    fn mutable_box(mut self: Box<Self>) -> Box<Self> {
        self.n += 1;
        self
    }
    #[privbox]
    fn counted(self: Rc<Self>) -> usize {
        Rc::strong_count(&self)
    }
    #[privbox]
    fn shared(self: &Arc<Self>) -> usize {
        Arc::strong_count(self)
    }
    #[privbox]
    fn pinned(self: Pin<&mut Self>) -> &mut u32 {
        &mut self.get_mut().n
    }
    #[privbox]
    fn mutable(mut self) -> Self {
        self.n += 1;
        self.text.push('!');
        self
    }
    #[privbox]
    fn part(self) -> String {
        self.text
    }
    #[privbox]
    fn elided(&self, _other: &str) -> &str {
        &self.text
    }
    #[privbox]
    fn dynamic(&self) -> Box<dyn Iterator<Item = char> + '_> {
        Box::new(self.text.chars())
    }
    #[privbox]
    fn opaque<'a>(&'a self, end: &'a str) -> impl Iterator<Item = char> + 'a {
        self.text.chars().chain(end.chars())
    }
    #[privbox]
    fn reborrow<'a>(&self, place: &'a mut Vec<u32>) -> &'a mut u32 {
        place.push(self.n);
        place.last_mut().expect("just pushed")
    }
}

/// A trait with a function of its own.
trait Work {
    /// Required.
    fn n(&self) -> u32;
    /// Provided.
    #[privbox]
    fn twice(&self) -> u32 {
        self.n() * 2
    }
    /// Provided, opaque.
    #[privbox]
    fn some(&self) -> impl Debug {
        Some(self.n())
    }
    /// Not of objects.
    #[privbox]
    fn consume(self) -> u32
    where
        Self: Sized,
    {
        self.n()
    }
}

impl Work for Own {
    #[privbox]
    fn n(&self) -> u32 {
        self.n
    }
}

impl PartialEq<u32> for Own {
    #[privbox]
    fn eq(&self, other: &u32) -> bool {
        self.n == *other
    }
}

#[privbox]
fn bounds<'a, T, U, const N: usize>(array: &'a [T; N], mut f: impl FnMut(&T) -> U) -> [Option<U>; N]
where
    T: Debug + 'a,
    U: Display,
    [T; N]: Sized,
{
    let mut all = [const { None }; N];
    for (place, item) in all.iter_mut().zip(array) {
        *place = Some(f(item));
    }
    all
}

#[privbox]
fn sizes<T: Default + Copy, const N: usize>() -> [T; N] {
    [T::default(); N]
}

// A temporary of the last expression borrows from an argument.
#[privbox]
fn last_expression(cell: RefCell<Vec<u32>>) -> usize {
    cell.borrow().len()
}

#[privbox]
fn last_lock(mutex: Arc<std::sync::Mutex<u32>>) -> u32 {
    *mutex.lock().unwrap()
}

#[privbox]
fn opaque_error(text: &str) -> Result<impl Iterator<Item = u32>, std::num::ParseIntError> {
    let n: u32 = text.parse()?;
    Ok(0..n)
}

#[privbox]
fn adder(n: u32) -> impl Fn(u32) -> u32 {
    move |x: u32| x.wrapping_add(n)
}

#[privbox]
fn by_pattern(
    &(a, b): &(u32, u32),
    ref text: String,
    Own { n, .. }: Own,
    [first, .., last]: [u8; 4],
    whole @ (_, _): (u8, u8),
) -> String {
    format!("{a} {b} {text} {n} {first} {last} {whole:?}")
}

#[privbox]
fn raw(r#type: u32, r#fn: u32) -> u32 {
    r#type + r#fn
}

#[privbox]
fn lints(#[allow(unused_variables)] unused: u32, #[expect(unused_mut)] mut same: u32) -> u32 {
    same
}

#[privbox]
fn left_out(#[cfg(any())] missing: Missing, #[cfg(all())] there: u32, #[cfg_attr(all(), allow(unused))] x: u8) -> u32 {
    there
}

#[privbox]
#[must_use]
#[inline(always)]
fn inlined(n: u32) -> u32 {
    n
}

#[cold]
#[privbox]
fn cold() {
    #![allow(unused_variables)]
    let unused = 1;
}

/// Documented.
#[privbox]
pub fn documented(_n: u32) {}

#[privbox]
fn factorial(n: u64) -> u64 {
    if n == 0 { 1 } else { n * factorial(n - 1) }
}

#[privbox]
fn nested<T: Clone + Debug>(n: u32, value: T) -> Vec<T> {
    if n == 0 {
        return Vec::new();
    }
    let mut rest = nested(n - 1, value.clone());
    rest.push(value);
    rest
}

#[privbox]
fn coerced(n: u32) -> Box<dyn Fn(u32) -> Option<u32>> {
    if n == 0 {
        return Box::new(|_| None);
    }
    Box::new(move |x| x.checked_sub(n))
}

#[privbox]
fn early(n: Option<u32>) -> Option<u32> {
    let Some(n) = n else { return None };
    let m = 'outer: {
        if n > 3 {
            break 'outer 3;
        }
        n
    };
    Some(m).filter(|m| *m > 0)?;
    Some(m)
}

#[privbox]
fn order<'a>(_a: Loud<'a>, _: Loud<'a>, (c, _): (Loud<'a>, Loud<'a>), _d: Loud<'a>) -> usize {
    let _local = Loud("local", c.1);
    c.0.len()
}

fn native<'a>(_a: Loud<'a>, _: Loud<'a>, (c, _): (Loud<'a>, Loud<'a>), _d: Loud<'a>) -> usize {
    let _local = Loud("local", c.1);
    c.0.len()
}

macro_rules! functions {
    ($($(#[$attribute:meta])* $vis:vis $name:ident($argument:ident: $ty:ty, $pattern:pat) -> $result:ty $body:block)*) => {
        $(
            $(#[$attribute])*
            #[privbox]
            $vis fn $name($argument: $ty, n: u32, $pattern: (u32, u32)) -> $result {
                let before = n;
                let inner = $body;
                inner + before
            }
            const _: fn(u32, u32, (u32, u32)) -> u32 = $name;
        )*
    };
}

functions! {
    /// The macro's `n` is another than this one.
    pub made(n: u32, (a, b)) -> u32 { n * 10 + a + b }
    #[inline(never)]
    also(x: u32, _) -> u32 { x * 10 }
}

macro_rules! whole {
    ($name:ident, $body:block) => {
        #[privbox]
        fn $name() -> u32 $body
    };
}
whole!(whole, { 5 });

macro_rules! method {
    ($self:ident, $body:expr) => {
        impl Loud<'_> {
            #[privbox]
            fn by_macro(&$self) -> usize {
                $body
            }
        }
    };
}
method!(self, self.0.len());

mod renamed {
    // Names of the caller's are no matter.
    #[allow(dead_code)]
    mod privbox {}
    #[allow(dead_code)]
    pub fn call() {}
    #[::privbox::privbox]
    pub fn inside() -> u32 {
        enum Option {}
        let _: fn(Option) = |_| ();
        6
    }
}

/// All of it, once.
pub fn main() {
    let own = Own { n: 1, text: "x".into() };
    let boxed = Box::new(own.clone()).mutable_box();
    assert_eq!((boxed.clone().boxed(), Rc::new(own.clone()).counted(), Arc::new(own.clone()).shared()), (2, 1, 1));
    let mut own = own.mutable();
    *Pin::new(&mut own).pinned() += 4;
    let mut place = Vec::new();
    *own.reborrow(&mut place) += 1;
    assert_eq!((own.n, place), (6, vec![7]));
    assert_eq!((own.elided(""), own.dynamic().count(), own.opaque("yz").collect::<String>()), ("x!", 2, "x!yz".into()));
    assert_eq!((own.twice(), format!("{:?}", own.some()), own == 6), (12, "Some(6)".into(), true));
    assert_eq!((own.clone().part(), own.clone().consume()), ("x!".into(), 6));
    let seen = Cell::new(0);
    let all = bounds(&[1u8, 2], |item| {
        seen.set(seen.get() + item);
        item * 2
    });
    assert_eq!((all, seen.get(), sizes::<u8, 3>()), ([Some(2), Some(4)], 3, [0; 3]));
    assert_eq!(last_expression(RefCell::new(vec![1])), 1);
    assert_eq!(last_lock(Arc::new(std::sync::Mutex::new(2))), 2);
    assert_eq!(opaque_error("3").map(Iterator::count), Ok(3));
    assert!(opaque_error("x").is_err());
    assert_eq!(adder(2)(3), 5);
    assert_eq!(by_pattern(&(1, 2), "t".into(), own, [3, 0, 0, 4], (5, 6)), "1 2 t 6 3 4 (5, 6)");
    assert_eq!((raw(1, 2), lints(1, 2), left_out(3, 0), inlined(4)), (3, 2, 3, 4));
    cold();
    documented(1);
    assert_eq!((factorial(5), nested(3, "n").len()), (120, 3));
    assert_eq!((coerced(0)(1), coerced(2)(3)), (None, Some(1)));
    assert_eq!((early(None), early(Some(0)), early(Some(2)), early(Some(9))), (None, None, Some(2), Some(3)));
    assert_eq!((made(1, 2, (3, 4)), also(1, 2, (3, 4)), whole(), renamed::inside()), (19, 12, 5, 6));
    for f in [order, native] {
        let log = RefCell::new(Vec::new());
        let loud = |name| Loud(name, &log);
        f(loud("a"), loud("_"), (loud("c"), loud("c._")), loud("d"));
        assert_eq!(log.take(), ["local", "d", "c", "c._", "_", "a"]);
    }
    assert_eq!(Loud("four", &RefCell::default()).by_macro(), 4);
}
