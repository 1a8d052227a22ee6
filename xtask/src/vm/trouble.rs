//! What can go wrong, with exit codes that a command's own are unlikely to be.

use std::fmt;

/// Exit code: packages, kernel, module or QEMU are not what they should be; nothing ran.
pub const SETUP: u8 = 2;
/// Exit code: the kernel log reports a problem, whatever the command's exit code was.
pub const KERNEL: u8 = 120;
/// Exit code: the guest died, by a panic or a triple fault.
pub const DIED: u8 = 121;
/// Exit code: the guest did not boot, or did not load the module, or does not trust a file.
pub const BOOT: u8 = 122;
/// Exit code: the command ran longer than it may, as `timeout` says it.
pub const TIMED_OUT: u8 = 124;

/// What can go wrong besides the command itself.
#[derive(Debug)]
pub enum Trouble {
    /// See [`SETUP`].
    Setup(String),
    /// See [`KERNEL`].
    Kernel(String),
    /// See [`DIED`].
    Died(String),
    /// See [`BOOT`].
    Boot(String),
    /// See [`TIMED_OUT`]: not even the agent answers.
    Hung(String),
}

impl Trouble {
    /// The exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::Setup(_) => SETUP,
            Self::Kernel(_) => KERNEL,
            Self::Died(_) => DIED,
            Self::Boot(_) => BOOT,
            Self::Hung(_) => TIMED_OUT,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setup(text)
            | Self::Kernel(text)
            | Self::Died(text)
            | Self::Boot(text)
            | Self::Hung(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Trouble {}
