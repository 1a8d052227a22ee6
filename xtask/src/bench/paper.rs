//! The returns of the paper's scheme, emulated.
//!
//! The paper replaces every return by pop, mask and indirect jump, because its safe stack is the program's. The
//! pass does not know that scheme; clang's `-mfunction-return=thunk-extern` makes each return a five-byte jump
//! to `__x86_return_thunk`, and this module rewrites those in the box of the linked file to
//!
//! ```text
//! 59        pop %rcx
//! 08 c9     or %cl, %cl       one operation between pop and jump, as the mask
//! ff e1     jmp *%rcx
//! ```
//!
//! The paper's own mask takes two operations and eleven bytes more, and it aligns the targets of returns: the
//! emulation is a little too fast, never too slow. RCX is free at a return: no convention returns in it.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::deps;
use crate::util;

/// The symbols that a rewritten jump leads to; the pass adds `.privbox` to names in the box.
const THUNK: &str = "__x86_return_thunk";
const RETURN: [u8; 5] = [0x59, 0x08, 0xc9, 0xff, 0xe1];
/// How the box's segment begins: the header of the gate (docs/gate-abi.md).
const GATE: &[u8] = b"PRIVBOXG";

/// Rewrites the returns in the box of an executable; returns how many there were.
pub fn rewrite_returns(executable: &Path) -> Result<usize> {
    let mut nm = Command::new(deps::llvm_prefix().join("bin/llvm-nm"));
    let symbols = util::capture(nm.arg("--defined-only").arg(executable))?;
    let thunks: Vec<u64> = String::from_utf8_lossy(&symbols.stdout)
        .lines()
        .filter(|line| {
            line.split_whitespace()
                .nth(2)
                .is_some_and(|name| name.starts_with(THUNK))
        })
        .filter_map(|line| u64::from_str_radix(line.split_whitespace().next()?, 16).ok())
        .collect();
    let mut file = fs::read(executable)?;
    let (offset, address, size) =
        box_segment(&file).with_context(|| format!("{} has no box", executable.display()))?;
    let text = file
        .get_mut(offset..offset + size)
        .context("the box lies outside the file")?;
    let rewritten = rewrite(text, address, &thunks);
    if rewritten == 0 {
        bail!(
            "no return of {} became a jump to {THUNK}",
            executable.display()
        );
    }
    fs::write(executable, file)?;
    Ok(rewritten)
}

/// Rewrites `jmp rel32` to one of the thunks. Four bytes that match by chance are one in 2^32 positions.
fn rewrite(text: &mut [u8], address: u64, thunks: &[u64]) -> usize {
    let mut rewritten = 0;
    for at in 0..text.len().saturating_sub(RETURN.len() - 1) {
        let Some(&[0xe9, a, b, c, d]) = text.get(at..at + RETURN.len()) else {
            continue;
        };
        let next = address + (at + RETURN.len()) as u64;
        let target = next.wrapping_add_signed(i64::from(i32::from_le_bytes([a, b, c, d])));
        if thunks.contains(&target) {
            text[at..at + RETURN.len()].copy_from_slice(&RETURN);
            rewritten += 1;
        }
    }
    rewritten
}

/// File offset, address and size of the segment that begins with the gate.
fn box_segment(file: &[u8]) -> Option<(usize, u64, usize)> {
    let number = |at: usize, bytes: usize| -> Option<u64> {
        let field = file.get(at..at.checked_add(bytes)?)?;
        Some(
            field
                .iter()
                .rev()
                .fold(0, |value, byte| value << 8 | u64::from(*byte)),
        )
    };
    // ELF64, little endian: e_phoff at 32, e_phnum at 56; program headers of 56 bytes.
    let (headers, count) = (usize::try_from(number(32, 8)?).ok()?, number(56, 2)?);
    (0..usize::try_from(count).ok()?).find_map(|i| {
        let header = headers.checked_add(i * 56)?;
        let offset = usize::try_from(number(header + 8, 8)?).ok()?;
        let size = usize::try_from(number(header + 32, 8)?).ok()?;
        let is_load = number(header, 4)? == 1;
        let is_box = file.get(offset..)?.starts_with(GATE);
        (is_load && is_box).then_some((offset, number(header + 16, 8)?, size))
    })
}

#[cfg(test)]
mod tests {
    use super::{RETURN, rewrite};

    #[test]
    fn jumps_to_the_thunk_become_returns() {
        // nop; jmp 0x100; jmp elsewhere; the first jump's displacement is 0x100 - 0x1006.
        let mut text = vec![0x90, 0xe9, 0xfa, 0xf0, 0xff, 0xff, 0xe9, 0, 0, 0, 0];
        assert_eq!(rewrite(&mut text, 0x1000, &[0x100]), 1);
        assert_eq!(text[1..6], RETURN);
        assert_eq!(text[6..], [0xe9, 0, 0, 0, 0]);
    }
}
