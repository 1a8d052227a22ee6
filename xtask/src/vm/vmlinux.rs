//! The kernel out of its compressed image. QEMU starts it directly (PVH), which saves half of the boot: software
//! decompressing software takes its time. Only the kernel's own choice of its address is lost that way.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result, bail};

use crate::util::{self, Failure};

/// Writes the ELF file that is within `image` to `vmlinux`, if it is not there.
pub fn extract(image: &Path, vmlinux: &Path) -> Result<()> {
    if vmlinux.is_file() {
        return Ok(());
    }
    let data = fs::read(image).with_context(|| format!("cannot read {}", image.display()))?;
    let payload = payload(&data).with_context(|| image.display().to_string())?;
    let program = match payload {
        [0xfd, b'7', b'z', b'X', b'Z', ..] => "xz",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "zstd",
        _ => bail!(
            "{}: compressed in a way that we do not know",
            image.display()
        ),
    };
    let kernel = decompress(program, payload)?;
    if !kernel.starts_with(b"\x7fELF") {
        bail!(
            "{}: what was compressed is not an ELF file",
            image.display()
        );
    }
    let folder = vmlinux.parent().context("a file has no folder")?;
    let mut file = tempfile::NamedTempFile::new_in(folder)
        .map_err(|error| Failure::Unwritable(folder.to_path_buf(), error))?;
    file.write_all(&kernel)?;
    file.persist(vmlinux)
        .map_err(|error| Failure::Unwritable(vmlinux.to_path_buf(), error.error))?;
    Ok(())
}

/// The compressed kernel within an image: Documentation/arch/x86/boot.rst of the kernel, "setup_sects",
/// "payload_offset", "payload_length". Its last four bytes are the size, which is not the compressor's.
fn payload(image: &[u8]) -> Result<&[u8]> {
    let number = |at: usize| -> Result<usize> {
        let bytes = image.get(at..at + 4).context("the file is too short")?;
        Ok(u32::from_le_bytes(bytes.try_into()?) as usize)
    };
    if image.get(0x202..0x206) != Some(b"HdrS") {
        bail!("not an image of a Linux kernel");
    }
    let sectors = match image[0x1f1] {
        0 => 4,
        other => usize::from(other),
    };
    let start = (sectors + 1) * 512 + number(0x248)?;
    let end = start + number(0x24c)?.saturating_sub(4);
    image.get(start..end).context("the file is too short")
}

fn decompress(program: &str, data: &[u8]) -> Result<Vec<u8>> {
    let mut command = Command::new(program);
    command
        .args(["--decompress", "--stdout"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot run {}", util::show(&command)))?;
    let mut input = child.stdin.take().context("no pipe")?;
    let data = data.to_vec();
    // It stops reading when its output is not taken.
    let writer = thread::spawn(move || input.write_all(&data));
    let output = child.wait_with_output()?;
    let _ = writer.join();
    if !output.status.success() {
        bail!(
            "{}: {}\n{}",
            output.status,
            util::show(&command),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(output.stdout)
}

#[cfg(test)]
mod tests {
    use super::payload;

    #[test]
    fn the_payload_is_found() {
        let mut image = vec![0; 0x300];
        image[0x1f1] = 1;
        image[0x202..0x206].copy_from_slice(b"HdrS");
        image[0x248] = 4;
        image[0x24c] = 7;
        image.resize(1024, 0);
        image.extend(b"....abcSIZE");
        assert_eq!(payload(&image).unwrap(), b"abc");
        assert!(payload(&image[..1030]).is_err());
        assert!(payload(b"MZ").is_err());
    }
}
