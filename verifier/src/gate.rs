//! The gate's binary interface, version 1, as far as the verifier needs it (docs/gate-abi.md).

/// Size in bytes of the gate, which is the first part of the box segment.
pub const BOX_GATE_SIZE: u32 = 0x4000;
/// Version of the interface: field of the manifest and of the gate's header.
pub const ABI_VERSION: u32 = 1;
/// Rule 13's N: the address bit that is 1 in the usable half of a safe stack.
pub const SAFE_STACK_BIT: u32 = 21;
/// Bytes that are mapped below the usable half (rule 13): what kernel mode has; user mode has more.
pub const HEADROOM: u32 = 32 << 10;
/// Of them, what functions may use below a test of the depth, each with all that it leads to without another test.
pub const DEPTH_LIMIT: u32 = 16 << 10;
/// How far below its own return-address slot `try` puts that of the function that it runs.
pub const TRY_RECORD: u32 = 96;
/// What must be left of the headroom, for the gate's own pushes and for states that interrupts save on the safe stack (docs/gate-abi.md).
pub const RESERVE: u32 = 8 << 10;
/// Offset of the thunk, the only way to make an indirect call (rules 11 and 12).
pub const THUNK: u32 = 0x140;
/// Offset of `try`, which runs a function below a record of its own.
pub const TRY: u32 = 0x240;

/// An entry point of the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Distance in bytes from the box's start.
    pub offset: u32,
    /// Symbol, as the runtime and the compiler name it.
    pub name: &'static str,
    /// Whether box code may call it, and jump to it as a tail call (rule 12).
    pub callable: bool,
}

/// All entry points, by offset.
pub const ENTRIES: [Entry; 9] = [
    entry(0x100, "__privbox_gate_syscall"),
    entry(THUNK, "__privbox_gate_thunk"),
    entry(0x180, "__privbox_gate_translate"),
    entry(0x1c0, "__privbox_gate_callout"),
    entry(0x200, "__privbox_gate_callout_block"),
    entry(TRY, "__privbox_gate_try"),
    entry(0x280, "__privbox_gate_throw"),
    Entry {
        offset: 0x2c0,
        name: "__privbox_gate_exit",
        callable: false,
    },
    // What LLVM calls the thunk for targets in R11: the same code.
    entry(THUNK, "__x86_indirect_thunk_r11"),
];

const fn entry(offset: u32, name: &'static str) -> Entry {
    Entry {
        offset,
        name,
        callable: true,
    }
}

/// The entry at this distance from the box's start.
pub fn entry_at(offset: u64) -> Option<&'static Entry> {
    ENTRIES
        .iter()
        .find(|entry| u64::from(entry.offset) == offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_lie_in_the_gate() {
        assert!(ENTRIES.iter().all(|entry| entry.offset < BOX_GATE_SIZE));
        assert!(entry_at(u64::from(THUNK)).is_some_and(|entry| entry.callable));
        assert!(entry_at(0x2c0).is_some_and(|entry| !entry.callable));
        assert_eq!(entry_at(0), None);
        assert_eq!(entry_at(u64::from(THUNK) + (1 << 32)), None);
    }
}
