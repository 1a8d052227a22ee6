//! A library that knows nothing of boxes.

/// Words of a text.
pub fn count(text: &str) -> usize {
    if cfg!(feature = "loud") {
        println!("counting");
    }
    let offset = if cfg!(noisy) { 100 } else { 0 };
    text.split_whitespace().count() + offset
}

/// For the shared library's users.
#[no_mangle]
pub extern "C" fn words_version() -> u32 {
    1
}

#[cfg(test)]
mod tests {
    #[test]
    fn counts() {
        assert_eq!(super::count(" a  b "), 2);
    }
}
