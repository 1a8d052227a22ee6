//! Allocation of every size and alignment, on both sides of the border and in many threads.
use privbox::privbox;
use std::alloc::{alloc, alloc_zeroed, dealloc, realloc, Layout};
use std::collections::LinkedList;
use std::rc::{Rc, Weak};
use std::sync::Arc;

#[privbox]
fn churn(seed: u64) -> (usize, u64) {
    let mut state = seed;
    let mut random = move |below: u64| {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 33) % below
    };
    let mut blocks: Vec<Vec<u8>> = Vec::new();
    let mut sum = 0;
    for _ in 0..3000 {
        match random(4) {
            0 if !blocks.is_empty() => {
                let at = random(blocks.len() as u64) as usize;
                let block = blocks.swap_remove(at);
                sum += block.iter().map(|b| u64::from(*b)).sum::<u64>();
            }
            1 if !blocks.is_empty() => {
                let at = random(blocks.len() as u64) as usize;
                let length = random(5000) as usize;
                blocks[at].resize(length, 3);
            }
            _ => {
                let most = if random(100) == 0 { 300_000 } else { 700 };
                let length = random(most) as usize;
                blocks.push(vec![random(256) as u8; length]);
            }
        }
    }
    (blocks.len(), sum)
}

#[privbox]
fn raw() -> Vec<bool> {
    [
        (1, 1),
        (24, 8),
        (10, 16),
        (100, 64),
        (4096, 4096),
        (3, 256),
        (100_000, 32),
    ]
    .into_iter()
    .map(|(size, align)| {
        let layout = Layout::from_size_align(size, align).unwrap();
        // SAFETY: the layouts match, sizes are not zero.
        unsafe {
            let a = alloc(layout);
            let b = alloc_zeroed(layout);
            a.write_bytes(9, size);
            let a = realloc(a, layout, size * 3);
            let larger = Layout::from_size_align(size * 3, align).unwrap();
            let fine = a as usize % align == 0
                && b as usize % align == 0
                && (0..size).all(|i| *a.add(i) == 9 && *b.add(i) == 0);
            dealloc(a, larger);
            dealloc(b, layout);
            fine
        }
    })
    .collect()
}

struct Node {
    value: u32,
    parent: Weak<Node>,
    children: std::cell::RefCell<Vec<Rc<Node>>>,
}

#[privbox]
fn tree(depth: u32) -> Rc<Node> {
    fn grow(parent: &Rc<Node>, depth: u32) {
        for k in 0..3 {
            let child = Rc::new(Node {
                value: parent.value * 3 + k,
                parent: Rc::downgrade(parent),
                children: Default::default(),
            });
            if depth > 0 {
                grow(&child, depth - 1);
            }
            parent.children.borrow_mut().push(child);
        }
    }
    let root = Rc::new(Node {
        value: 1,
        parent: Weak::new(),
        children: Default::default(),
    });
    grow(&root, depth);
    root
}

fn count(node: &Rc<Node>) -> (u32, u32) {
    let children = node.children.borrow();
    let orphan = u32::from(node.parent.upgrade().is_none());
    children
        .iter()
        .map(count)
        .fold((1, orphan), |a, b| (a.0 + b.0, a.1 + b.1))
}

fn main() {
    println!("{:?} {:?}", churn(1), raw());
    // Made in the box, freed outside, and the other way round.
    let root = tree(4);
    println!("{:?} {}", count(&root), Rc::weak_count(&root));
    drop(root);
    let list: LinkedList<String> = (0..100).map(|i| i.to_string()).collect();
    println!(
        "{}",
        privbox::call(move || list.iter().map(String::len).sum::<usize>())
    );
    let shared = Arc::new(vec![1u8; 100_000]);
    let threads: Vec<_> = (0..4)
        .map(|k| {
            let shared = shared.clone();
            std::thread::spawn(move || {
                if k % 2 == 0 {
                    churn(k + shared[5] as u64)
                } else {
                    privbox::outside(|| churn(k))
                }
            })
        })
        .collect();
    for thread in threads {
        println!("{:?}", thread.join().unwrap());
    }
    println!("{}", Arc::strong_count(&shared));
}
