//! C and Rust in one box: Rust calls C, C calls Rust back, directly and through a pointer.
use privbox::privbox;
// The library of this package brings the C code along.
use privbox_rust_programs as _;

extern "C" {
    fn c_sum(values: *const u64, count: usize, map: extern "C" fn(u64) -> u64) -> u64;
    fn c_sort(values: *mut u32, count: usize);
}

#[no_mangle]
extern "C" fn rust_step(state: u64, n: u32) -> u64 {
    state.rotate_left(n) ^ 0x9e37_79b9
}

extern "C" fn halve(value: u64) -> u64 {
    value / 2
}

#[privbox]
fn both(values: &[u64], mut keys: Vec<u32>) -> (u64, Vec<u32>) {
    // SAFETY: the pointers are those of slices with these lengths.
    unsafe {
        c_sort(keys.as_mut_ptr(), keys.len());
        (c_sum(values.as_ptr(), values.len(), halve), keys)
    }
}

fn main() {
    let values: Vec<u64> = (0..1000).map(|i| i * 77777).collect();
    println!("{:?}", both(&values, vec![5, 3, 9, 1, 1, 7]));
}
