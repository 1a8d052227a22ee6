//! `/dev/privbox`: the requests of docs/kernel-abi.md that an administrator makes.

use std::fs::{File, OpenOptions};
use std::io;
use std::mem::size_of;
use std::path::Path;

use privbox_verifier::{gate, manifest};
use rustix::io::Errno;
use rustix::ioctl::{Opcode, Setter, Updater, ioctl, opcode};

/// Where the device is.
pub const PATH: &str = "/dev/privbox";

/// Version of the structs here, `PRIVBOX_ABI`.
pub const ABI: u32 = 1;

/// Size of a digest.
pub const DIGEST: usize = 32;

const GROUP: u8 = 0xb7;

/// `PRIVBOX_INFO_*`.
pub mod flags {
    /// Page-table isolation is on.
    pub const PTI: u64 = 1 << 0;
    /// Parameter `allow_spap`.
    pub const ALLOW_SPAP: u64 = 1 << 1;
    /// Parameter `unmitigated`.
    pub const UNMITIGATED: u64 = 1 << 2;
    /// Only images of strength transient run.
    pub const TRANSIENT: u64 = 1 << 3;
}

/// `struct privbox_info`.
#[repr(C)]
#[derive(Debug, Clone)]
pub struct Info {
    size: u32,
    abi: u32,
    /// Version of the gate that the module brings.
    pub gate_version: u32,
    /// Version of the manifests that it takes.
    pub manifest_version: u32,
    /// [`flags`].
    pub flags: u64,
    /// How many digests it trusts.
    pub trusted: u64,
    /// How many threads can run in a box.
    pub contexts: u64,
    /// Bytes of a safe stack for which nobody asks a size.
    pub default_safe_stack: u64,
    kernel: [u8; 64],
    missing: [u8; 192],
}

impl Info {
    /// The release that the module was built for.
    pub fn kernel(&self) -> String {
        text(&self.kernel)
    }

    /// Bugs of the CPU that it ignores.
    pub fn missing(&self) -> Vec<String> {
        text(&self.missing)
            .split(',')
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// Whether images of this tool fit it.
    pub fn is_compatible(&self) -> bool {
        self.gate_version == gate::ABI_VERSION && self.manifest_version == manifest::VERSION
    }
}

/// Bytes up to a NUL.
fn text(bytes: &[u8]) -> String {
    let end = bytes
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// `struct privbox_trust`.
#[repr(C)]
struct Trust {
    size: u32,
    abi: u32,
    digest: [u8; DIGEST],
}

/// `struct privbox_list`.
#[repr(C)]
struct List {
    size: u32,
    abi: u32,
    digests: u64,
    count: u64,
}

const INFO: Opcode = opcode::read_write::<Info>(GROUP, 0x40);
const TRUST: Opcode = opcode::write::<Trust>(GROUP, 0x41);
const UNTRUST: Opcode = opcode::write::<Trust>(GROUP, 0x42);
const LIST: Opcode = opcode::read_write::<List>(GROUP, 0x43);

/// Name, number and struct size of each request here, for a comparison with the header.
pub fn requests() -> [(&'static str, u64, usize); 4] {
    [
        ("INFO", u64::from(INFO), size_of::<Info>()),
        ("TRUST", u64::from(TRUST), size_of::<Trust>()),
        ("UNTRUST", u64::from(UNTRUST), size_of::<Trust>()),
        ("LIST", u64::from(LIST), size_of::<List>()),
    ]
}

/// The open device.
#[derive(Debug)]
pub struct Device(File);

impl Device {
    /// Opens [`PATH`].
    pub fn open() -> io::Result<Self> {
        Self::open_at(Path::new(PATH))
    }

    fn open_at(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        Ok(Self(file))
    }

    /// What the module says of itself.
    pub fn info(&self) -> Result<Info, Errno> {
        let mut info = Info {
            size: size_of_u32::<Info>(),
            abi: ABI,
            gate_version: 0,
            manifest_version: 0,
            flags: 0,
            trusted: 0,
            contexts: 0,
            default_safe_stack: 0,
            kernel: [0; 64],
            missing: [0; 192],
        };
        // SAFETY: the request takes this struct and writes no more than its size.
        unsafe { ioctl(&self.0, Updater::<INFO, Info>::new(&mut info)) }?;
        Ok(info)
    }

    /// Trusts a digest; one that is trusted already is no error.
    pub fn trust(&self, digest: [u8; DIGEST]) -> Result<(), Errno> {
        // SAFETY: the request takes this struct and only reads it.
        unsafe { ioctl(&self.0, Setter::<TRUST, Trust>::new(Trust::of(digest))) }
    }

    /// Trusts it no more. `NOENT`: it was not trusted.
    pub fn untrust(&self, digest: [u8; DIGEST]) -> Result<(), Errno> {
        // SAFETY: as above.
        unsafe { ioctl(&self.0, Setter::<UNTRUST, Trust>::new(Trust::of(digest))) }
    }

    /// All trusted digests, in order.
    pub fn list(&self) -> Result<Vec<[u8; DIGEST]>, Errno> {
        let mut room = 0;
        loop {
            let mut digests = vec![[0u8; DIGEST]; room];
            let mut list = List {
                size: size_of_u32::<List>(),
                abi: ABI,
                digests: if room == 0 {
                    0
                } else {
                    digests.as_mut_ptr() as u64
                },
                count: room as u64,
            };
            // SAFETY: the request takes this struct and writes at most `count` digests to `digests`.
            unsafe { ioctl(&self.0, Updater::<LIST, List>::new(&mut list)) }?;
            let count = usize::try_from(list.count).map_err(|_| Errno::OVERFLOW)?;
            // Somebody may add one meanwhile.
            if count <= room {
                digests.truncate(count);
                digests.sort_unstable();
                return Ok(digests);
            }
            room = count;
        }
    }
}

impl Trust {
    fn of(digest: [u8; DIGEST]) -> Self {
        Self {
            size: size_of_u32::<Self>(),
            abi: ABI,
            digest,
        }
    }
}

const fn size_of_u32<T>() -> u32 {
    size_of::<T>() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_have_the_numbers_of_the_header() {
        // _IOC(direction, 0xb7, number, size)
        let numbers = requests().map(|(_, number, size)| (number, size));
        assert_eq!(numbers[0], (0xc130_b740, 304));
        assert_eq!(numbers[1], (0x4028_b741, 40));
        assert_eq!(numbers[2], (0x4028_b742, 40));
        assert_eq!(numbers[3], (0xc018_b743, 24));
    }

    #[test]
    fn what_is_no_device_of_ours_is_an_error() {
        let device = Device::open_at(Path::new("/dev/null")).unwrap();
        assert_eq!(device.info().unwrap_err(), Errno::NOTTY);
        assert_eq!(device.list().unwrap_err(), Errno::NOTTY);
    }

    #[test]
    fn text_ends_at_nul() {
        assert_eq!(text(b"6.1\0\0"), "6.1");
        assert_eq!(text(b"full"), "full");
    }
}
