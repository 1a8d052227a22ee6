//! `-flto`: left out. A unit is optimised, instrumented and checked when it is compiled, and has two halves from then on; an object of
//! bitcode would have neither. What the option promises is speed only, so that a build that asks for it is not refused.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// Options that say how link-time optimisation is to be done; clang ignores or refuses most of them without it.
const OPTIONS: [&[u8]; 8] = [
    b"-flto",
    b"-flto=",
    b"-fno-lto",
    b"-flto-jobs=",
    b"-flto-partitions=",
    b"-ffat-lto-objects",
    b"-fsplit-lto-unit",
    b"-fthinlto-index=",
];

/// Whether the last such option asks for it.
pub fn is_asked_for(arguments: &[OsString]) -> bool {
    let last = arguments.iter().rev().map(|argument| argument.as_bytes());
    let mut last = last.filter(|a| *a == b"-flto" || *a == b"-fno-lto" || a.starts_with(b"-flto="));
    last.next().is_some_and(|argument| argument != b"-fno-lto")
}

/// The arguments without it.
pub fn left_out(mut arguments: Vec<OsString>) -> Vec<OsString> {
    arguments.retain(|argument| !is_lto(argument));
    arguments
}

fn is_lto(argument: &OsStr) -> bool {
    let argument = argument.as_bytes();
    OPTIONS.iter().any(|option| {
        if option.ends_with(b"=") {
            argument.starts_with(option)
        } else {
            argument == *option
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_concerns_it_goes() {
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        let given =
            words("-O2 -flto=thin -c -flto a.c -ffat-lto-objects -flto-jobs=4 -fltoo -o flto");
        assert!(is_asked_for(&given));
        assert!(!is_asked_for(&words("-flto -O2 -fno-lto")));
        assert_eq!(left_out(given), words("-O2 -c a.c -fltoo -o flto"));
    }
}
