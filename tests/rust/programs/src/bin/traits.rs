//! Trait objects, generics, associated types, default methods, operator overloading.
use privbox::privbox;
use std::collections::BTreeMap;
use std::fmt::{self, Debug, Display};
use std::ops::{Add, Index, Mul, Neg};

trait Shape: Debug {
    fn area(&self) -> f64;
    fn name(&self) -> String {
        format!("{self:?}")
    }
    fn grow(&mut self, by: f64);
    fn boxed_clone(&self) -> Box<dyn Shape>;
}

#[derive(Debug, Clone)]
struct Circle(f64);
#[derive(Debug, Clone)]
struct Rectangle {
    width: f64,
    height: f64,
}

impl Shape for Circle {
    fn area(&self) -> f64 {
        std::f64::consts::PI * self.0 * self.0
    }
    fn grow(&mut self, by: f64) {
        self.0 *= by;
    }
    fn boxed_clone(&self) -> Box<dyn Shape> {
        Box::new(self.clone())
    }
}
impl Shape for Rectangle {
    fn area(&self) -> f64 {
        self.width * self.height
    }
    fn name(&self) -> String {
        "a rectangle".into()
    }
    fn grow(&mut self, by: f64) {
        self.width *= by;
        self.height *= by;
    }
    fn boxed_clone(&self) -> Box<dyn Shape> {
        Box::new(self.clone())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default)]
struct Vector([i64; 5]);
impl Add for Vector {
    type Output = Self;
    fn add(mut self, other: Self) -> Self {
        for (a, b) in self.0.iter_mut().zip(other.0) {
            *a += b;
        }
        self
    }
}
impl Mul<i64> for Vector {
    type Output = Self;
    fn mul(self, by: i64) -> Self {
        Vector(self.0.map(|a| a * by))
    }
}
impl Neg for Vector {
    type Output = Self;
    fn neg(self) -> Self {
        self * -1
    }
}
impl Index<usize> for Vector {
    type Output = i64;
    fn index(&self, at: usize) -> &i64 {
        &self.0[at]
    }
}
impl Display for Vector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0).finish()
    }
}

struct Machine<S> {
    state: S,
    log: Vec<String>,
}

impl<S: Copy + Into<u64> + Debug> Machine<S> {
    #[privbox]
    fn feed<'a, T>(&'a mut self, inputs: &[T], step: impl Fn(S, &T) -> S) -> &'a [String]
    where
        T: Display,
    {
        for input in inputs {
            self.state = step(self.state, input);
            self.log
                .push(format!("{input} -> {:?}/{}", self.state, self.state.into()));
        }
        &self.log
    }
}

#[privbox]
fn measure(shapes: &mut [Box<dyn Shape>]) -> BTreeMap<String, String> {
    shapes
        .iter_mut()
        .map(|shape| {
            let before = shape.area();
            let copy = shape.boxed_clone();
            shape.grow(1.5);
            (copy.name(), format!("{before:.3} {:e}", shape.area()))
        })
        .collect()
}

#[privbox]
fn large_result(a: Vector, b: Vector, by: i64) -> (Vector, Vector, Option<Vector>, String) {
    let sum = a + b * by;
    (sum, -sum, (a > b).then_some(a), format!("{sum} {}", sum[4]))
}

fn main() {
    let mut shapes: Vec<Box<dyn Shape>> = vec![
        Box::new(Circle(2.0)),
        Box::new(Rectangle {
            width: 3.0,
            height: 4.5,
        }),
    ];
    println!("{:#?}", measure(&mut shapes));
    println!(
        "{:?}",
        large_result(Vector([1, 2, 3, 4, 5]), Vector([5, 4, 3, 2, 1]), 7)
    );
    let mut machine = Machine {
        state: 3u32,
        log: Vec::new(),
    };
    println!(
        "{:?}",
        machine.feed(&["a", "bcd", ""], |s, t| s.wrapping_mul(31)
            + t.len() as u32)
    );
    println!(
        "{:?}",
        machine
            .feed(&[1.5, -2.0], |s, t| s ^ *t as i32 as u32)
            .len()
    );
}
