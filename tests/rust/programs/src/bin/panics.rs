//! Panics across the border in both directions, `catch_unwind`, drop order, results of the hook.
use privbox::privbox;
use std::panic::{self, AssertUnwindSafe};

struct Loud(&'static str);
impl Drop for Loud {
    fn drop(&mut self) {
        println!(
            "  drop {} ({})",
            self.0,
            if std::thread::panicking() {
                "panicking"
            } else {
                "calm"
            }
        );
    }
}

#[privbox(outside)]
fn outside(n: i32) -> i32 {
    let _guard = Loud("outside's");
    assert!(n < 3, "outside refuses {n}");
    n + 1
}

fn middle(n: i32, guards: &mut Vec<Loud>) -> i32 {
    let _one = Loud("middle's first");
    guards.push(Loud("pushed by middle"));
    let result = outside(n);
    let _two = Loud("middle's second");
    result * 2
}

#[privbox]
fn boxed(n: i32, _first: Loud, (_second, _): (Loud, i32)) -> Result<i32, String> {
    let _local = Loud("boxed's local");
    let mut guards = Vec::new();
    let caught = panic::catch_unwind(AssertUnwindSafe(|| middle(n, &mut guards)));
    println!("  caught: {:?}, guards: {}", caught.is_err(), guards.len());
    match (caught, n) {
        (Ok(value), 0) => Ok(value),
        (Ok(value), _) => {
            let table = [1, 2, 3];
            Ok(table[value as usize + n as usize])
        }
        (Err(payload), 3) => Err(payload
            .downcast_ref::<String>()
            .cloned()
            .unwrap_or_default()),
        (Err(payload), _) => panic::resume_unwind(payload),
    }
}

struct PanicsInDrop;
impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic!("from a destructor");
    }
}

#[privbox]
fn deep(n: u32) -> u32 {
    let guard = (n % 10 == 0).then(|| Loud("deep's"));
    let result = match n {
        0 => panic::panic_any(77u16),
        _ => deep(n - 1) + 1,
    };
    drop(guard);
    result
}

#[privbox]
fn overflow(a: i32, b: i32) -> i32 {
    a.checked_div(b).expect("no quotient")
}

fn main() {
    panic::set_hook(Box::new(|info| println!("  hook: {info}")));
    for n in 0..5 {
        println!("boxed({n})");
        let result =
            panic::catch_unwind(|| boxed(n, Loud("first argument"), (Loud("second argument"), 1)));
        match result {
            Ok(value) => println!("  {value:?}"),
            Err(payload) => println!("  out: {:?}", payload.downcast_ref::<String>()),
        }
    }
    println!("deep");
    let payload = panic::catch_unwind(|| deep(25)).unwrap_err();
    println!("  {:?}", payload.downcast_ref::<u16>());
    println!("destructor");
    let payload = panic::catch_unwind(|| {
        privbox::call(|| drop((Loud("before"), PanicsInDrop, Loud("after"))))
    })
    .unwrap_err();
    println!("  {:?}", payload.downcast_ref::<&str>());
    println!("overflow");
    println!(
        "  {} {:?}",
        overflow(7, 2),
        panic::catch_unwind(|| overflow(1, 0)).is_err()
    );
    println!("callback");
    let reached = privbox::call(|| {
        panic::catch_unwind(|| {
            privbox::outside(|| {
                let _guard = Loud("the closure's outside");
                privbox::call(|| -> u8 {
                    let _guard = Loud("the inner box's");
                    panic!("from the inner box")
                })
            })
        })
        .map_err(|p| p.downcast_ref::<&str>().map(|s| s.to_string()))
    });
    println!("  {reached:?}");
    println!("thread");
    let joined = privbox::call(|| std::thread::spawn(|| -> () { panic!("in a thread") }).join());
    println!("  {:?}", joined.unwrap_err().downcast_ref::<&str>());
}
