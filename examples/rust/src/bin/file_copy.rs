//! Copies a file, reading and writing in the box, and prints a checksum of what went through.
//!
//! ```console
//! $ cargo privbox run --release --bin file-copy -- /bin/ls /tmp/ls
//! 151344 bytes, checksum 8f1d5cfa3c9e2a61
//! ```

use std::path::Path;
use std::process::ExitCode;

use privbox::privbox;
use rustix::fs::{self, FileType, Mode, OFlags};
use rustix::io::{self, Errno};

fn main() -> ExitCode {
    let paths: Vec<_> = std::env::args_os().skip(1).collect();
    let [from, to] = paths.as_slice() else {
        eprintln!("usage: file-copy FROM TO");
        return ExitCode::from(2);
    };
    match copy(from.as_ref(), to.as_ref()) {
        Ok((bytes, checksum)) => {
            println!("{bytes} bytes, checksum {checksum:016x}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("file-copy: {}: {error}", Path::new(from).display());
            ExitCode::FAILURE
        }
    }
}

/// Copies contents and permissions; returns the length and a checksum (FNV-1a).
#[privbox]
fn copy(from: &Path, to: &Path) -> Result<(u64, u64), Errno> {
    let source = fs::open(from, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let status = fs::fstat(&source)?;
    if FileType::from_raw_mode(status.st_mode) == FileType::Directory {
        return Err(Errno::ISDIR);
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC;
    let target = fs::open(to, flags, Mode::from_raw_mode(status.st_mode & 0o777))?;
    let mut buffer = vec![0; 64 << 10];
    let (mut total, mut checksum) = (0, 0xcbf2_9ce4_8422_2325_u64);
    loop {
        let length = match io::read(&source, &mut buffer[..]) {
            Ok(0) => return Ok((total, checksum)),
            Ok(length) => length,
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error),
        };
        let mut rest = &buffer[..length];
        for byte in rest {
            checksum = (checksum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        while !rest.is_empty() {
            match io::write(&target, rest) {
                Ok(written) => rest = &rest[written..],
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
        total += length as u64;
    }
}
