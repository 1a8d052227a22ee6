//! The border: one function per closure that the driver finds by its path.

use core::mem::{ManuallyDrop, MaybeUninit};

/// The closure on the way in, its result on the way out.
struct Exchange<F, R> {
    closure: ManuallyDrop<F>,
    result: MaybeUninit<R>,
}

/// Runs a closure in the box.
///
/// ```
/// let mut lines = Vec::new();
/// privbox::call(|| lines.push("from the box"));
/// assert_eq!(lines.len(), 1);
/// ```
///
/// Compiled with plain cargo this is a call of `f`.
#[inline]
pub fn call<F: FnOnce() -> R, R>(f: F) -> R {
    let mut exchange = Exchange {
        closure: ManuallyDrop::new(f),
        result: MaybeUninit::uninit(),
    };
    // SAFETY: the closure is there and is taken once.
    unsafe {
        __privbox_entry(&mut exchange);
        exchange.result.assume_init()
    }
}

/// Runs a closure outside the box: called in the box, it leaves it for as long as `f` runs.
///
/// For what may not or cannot run in a box. Panics come back into it.
#[inline]
pub fn outside<F: FnOnce() -> R, R>(f: F) -> R {
    let mut exchange = Exchange {
        closure: ManuallyDrop::new(f),
        result: MaybeUninit::uninit(),
    };
    // SAFETY: the closure is there and is taken once.
    unsafe {
        __privbox_outside(&mut exchange);
        exchange.result.assume_init()
    }
}

/// Every instance is an entry function: the driver (`driver/src/rust/marked.rs`) knows the path. One pointer is all that
/// crosses the border, so any closure and any result can.
///
/// # Safety
///
/// `exchange.closure` is there; it is gone afterwards, and `exchange.result` is there unless this panics.
#[inline(never)]
unsafe fn __privbox_entry<F: FnOnce() -> R, R>(exchange: &mut Exchange<F, R>) {
    // SAFETY: the caller's promise.
    let closure = unsafe { ManuallyDrop::take(&mut exchange.closure) };
    exchange.result.write(closure());
}

/// Every instance stays outside the box; otherwise as [`__privbox_entry`].
///
/// # Safety
///
/// As [`__privbox_entry`].
#[inline(never)]
unsafe fn __privbox_outside<F: FnOnce() -> R, R>(exchange: &mut Exchange<F, R>) {
    // SAFETY: the caller's promise.
    let closure = unsafe { ManuallyDrop::take(&mut exchange.closure) };
    exchange.result.write(closure());
}
