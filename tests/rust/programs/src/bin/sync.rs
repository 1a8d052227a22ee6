//! Threads that the box starts, and what they meet with: mutexes, channels, barriers, scopes, once.
use privbox::privbox;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{channel, sync_channel};
use std::sync::{Arc, Barrier, Condvar, Mutex, Once, RwLock};
use std::thread;
use std::time::Duration;

#[privbox]
fn channels(workers: u64) -> Vec<u64> {
    let (send, receive) = channel();
    let (bounded, from_bounded) = sync_channel::<u64>(8);
    for worker in 0..workers {
        let send = send.clone();
        let bounded = bounded.clone();
        thread::spawn(move || {
            for n in 0..100 {
                send.send(worker * 1000 + n).unwrap();
            }
            bounded.send(worker).unwrap();
        });
    }
    drop((send, bounded));
    let mut all: Vec<u64> = receive.iter().collect();
    all.sort_unstable();
    let mut finished: Vec<u64> = from_bounded.iter().collect();
    finished.sort_unstable();
    vec![
        all.len() as u64,
        all.iter().sum(),
        finished.len() as u64,
        finished.iter().sum(),
    ]
}

#[privbox]
fn shared(threads: usize) -> (usize, usize, usize) {
    let map = Arc::new(RwLock::new(HashMap::new()));
    let turn = Arc::new((Mutex::new(0usize), Condvar::new()));
    let barrier = Arc::new(Barrier::new(threads));
    let leaders = AtomicUsize::new(0);
    static ONCE: Once = Once::new();
    static ONCES: AtomicUsize = AtomicUsize::new(0);
    thread::scope(|scope| {
        for k in 0..threads {
            let (map, turn, barrier, leaders) = (&map, &turn, &barrier, &leaders);
            scope.spawn(move || {
                ONCE.call_once(|| {
                    ONCES.fetch_add(1, Ordering::SeqCst);
                });
                let mut now = turn.0.lock().unwrap();
                while *now != k {
                    now = turn.1.wait(now).unwrap();
                }
                *now += 1;
                turn.1.notify_all();
                drop(now);
                for n in 0..50 {
                    *map.write().unwrap().entry(n % 7).or_insert(0usize) += k;
                }
                if barrier.wait().is_leader() {
                    leaders.fetch_add(1, Ordering::SeqCst);
                }
                assert_eq!(map.read().unwrap().len(), 7);
            });
        }
    });
    let sum = map.read().unwrap().values().sum();
    (sum, leaders.into_inner(), ONCES.load(Ordering::SeqCst))
}

#[privbox]
fn waiting() -> (bool, bool, String) {
    let flag = Arc::new(AtomicBool::new(false));
    let theirs = flag.clone();
    let sleeper = thread::Builder::new()
        .name("sleeper".into())
        .spawn(move || {
            thread::park();
            theirs.store(true, Ordering::SeqCst);
            thread::current().name().unwrap_or("?").to_owned()
        })
        .unwrap();
    thread::sleep(Duration::from_millis(2));
    let before = flag.load(Ordering::SeqCst);
    sleeper.thread().unpark();
    let name = sleeper.join().unwrap();
    let poisoned = Arc::new(Mutex::new(0));
    let theirs = poisoned.clone();
    let _ = thread::spawn(move || {
        let _guard = theirs.lock().unwrap();
        panic::resume(Box::new(()));
    })
    .join();
    (before, poisoned.is_poisoned(), name)
}

mod panic {
    pub fn resume(payload: Box<dyn std::any::Any + Send>) -> ! {
        std::panic::resume_unwind(payload)
    }
}

fn main() {
    println!("{:?}", channels(4));
    println!("{:?}", shared(5));
    println!("{:?}", waiting());
}
