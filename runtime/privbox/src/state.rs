//! What the runtime tells about itself, if it is there: programs that plain cargo builds have none.

/// How this process runs marked functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// As ordinary code: the program was not built with `cargo privbox`, or `PRIVBOX` says so.
    Off,
    /// In the box, at the user's privilege level.
    User,
    /// In the box, at the kernel's privilege level.
    Kernel,
}

/// What the boxes of this process did so far, all threads together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// How often the box was entered.
    pub entries: u64,
    /// How often box code called a function outside of it.
    pub call_outs: u64,
    /// How often it called the gate for anything else: system calls, translated function pointers.
    pub gate_calls: u64,
}

/// How this process runs marked functions.
pub fn mode() -> Mode {
    runtime().map_or(Mode::Off, |runtime| runtime.mode)
}

/// What the boxes of this process did so far.
pub fn stats() -> Stats {
    runtime().map_or_else(Stats::default, |runtime| runtime.stats)
}

struct Runtime {
    mode: Mode,
    stats: Stats,
}

/// `struct privbox_stats` of `privbox.h`.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
#[repr(C)]
#[derive(Default)]
struct RawStats {
    mode: i32,
    threads: u32,
    entries: u64,
    callouts: u64,
    gate_calls: u64,
    safe_stack_peak: u64,
}

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
fn runtime() -> Option<Runtime> {
    let address: usize;
    // Stable Rust has weak symbols in assembly only.
    // SAFETY: loads an address from the global offset table, null if nothing defines the symbol.
    unsafe {
        core::arch::asm!(
            ".weak __privbox_stats",
            "mov {0}, qword ptr [rip + __privbox_stats@GOTPCREL]",
            out(reg) address,
            options(nostack, preserves_flags, pure, readonly)
        );
    }
    // SAFETY: null, or the address of a function of that type.
    let function: Option<unsafe extern "C" fn(*mut RawStats)> =
        unsafe { core::mem::transmute(address) };
    let mut raw = RawStats::default();
    // SAFETY: the runtime's function fills the structure.
    unsafe { function?(&mut raw) };
    Some(Runtime {
        mode: match raw.mode {
            0 => Mode::Off,
            1 => Mode::User,
            _ => Mode::Kernel,
        },
        stats: Stats {
            entries: raw.entries,
            call_outs: raw.callouts,
            gate_calls: raw.gate_calls,
        },
    })
}

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
fn runtime() -> Option<Runtime> {
    None
}
