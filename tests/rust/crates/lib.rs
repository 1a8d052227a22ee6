//! Empty: this package exists to name the crates whose tests run in the box.
