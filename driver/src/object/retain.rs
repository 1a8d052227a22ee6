//! Keeps normal sections through garbage collection.
//!
//! The box needs `--gc-sections`, which drops clones that nothing reaches. A user who did not ask
//! for garbage collection must not lose anything else by it.

use super::raw::{ELFOSABI_GNU, Elf, RawError, SHF_ALLOC, SHF_GNU_RETAIN};

/// Sets `SHF_GNU_RETAIN` on every allocated section that is not the box's.
pub fn retain_normal_sections(bytes: &mut [u8]) -> Result<(), RawError> {
    let mut elf = Elf::parse(bytes)?;
    let normal: Vec<_> = elf
        .sections()
        .iter()
        .filter(|section| section.flags & SHF_ALLOC != 0)
        .filter(|section| {
            let name = elf.name(section);
            // The linker keeps what unwinding information is about, and no more.
            !name.starts_with(b".privbox.") && name != b".eh_frame"
        })
        .copied()
        .collect();
    for section in &normal {
        elf.set_flags(section, section.flags | SHF_GNU_RETAIN);
    }
    if !normal.is_empty() {
        elf.set_os_abi(ELFOSABI_GNU);
    }
    Ok(())
}
