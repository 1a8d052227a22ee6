//! Thread locals, statics, lazies: the same on both sides of the border.
use privbox::privbox;
use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, OnceLock};

static COUNT: AtomicU64 = AtomicU64::new(100);
static FLAGS: AtomicU64 = AtomicU64::new(0);
static NAMES: Mutex<Vec<String>> = Mutex::new(Vec::new());
static TABLE: LazyLock<Vec<u32>> = LazyLock::new(|| (0..10).map(|i| i * i).collect());
static ONCE: OnceLock<String> = OnceLock::new();

thread_local! {
    static PLAIN: Cell<u32> = const { Cell::new(1) };
    static OWNED: RefCell<Vec<u32>> = RefCell::new(vec![7]);
    static LOUD: Loud = Loud(PLAIN.get());
}

struct Loud(u32);
impl Drop for Loud {
    fn drop(&mut self) {
        println!("thread local {} dropped", self.0);
    }
}

#[privbox]
fn touch(by: u32) -> (u32, usize, u64, bool) {
    PLAIN.set(PLAIN.get() + by);
    OWNED.with_borrow_mut(|v| v.push(by));
    LOUD.with(|l| assert!(l.0 > 0));
    NAMES.lock().unwrap().push(format!("box {by}"));
    let bit = FLAGS.fetch_or(1 << (by % 64), Ordering::SeqCst) & 1 << (by % 64) != 0;
    (
        PLAIN.get(),
        OWNED.with_borrow(Vec::len),
        COUNT.fetch_add(u64::from(by), Ordering::Relaxed),
        bit,
    )
}

fn main() {
    for by in [1, 2, 65] {
        println!("{:?}", touch(by));
        PLAIN.set(PLAIN.get() * 10);
        NAMES.lock().unwrap().push(format!("normal {by}"));
        COUNT.fetch_add(1000, Ordering::Relaxed);
    }
    println!(
        "{} {:?} {:?}",
        PLAIN.get(),
        NAMES.lock().unwrap(),
        OWNED.take()
    );
    println!(
        "{} {}",
        privbox::call(|| TABLE[3]),
        TABLE.iter().sum::<u32>()
    );
    println!(
        "{} {:?}",
        privbox::call(|| ONCE.get_or_init(|| "from the box".into()).len()),
        ONCE.get()
    );
    for k in 0..3 {
        // One after the other: their thread locals are dropped with a message.
        let thread = std::thread::spawn(move || {
            let result = touch(k);
            (result.0, result.1)
        });
        println!("{:?}", thread.join().unwrap());
    }
    println!("{}", COUNT.load(Ordering::Relaxed));
}
