//! The initramfs: the agent as `/init`, the kernel's own modules that reach the host's tree, and one of ours.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::kernel::Kernel;
use super::module;
use crate::util::{self, Failure, Project};

/// The agent's source.
const AGENT: &str = include_str!("guest/agent.c");

/// What the guest needs to mount the host's tree and to talk to us. A driver that is built into the kernel is not
/// among its modules; what a module needs in turn is found in the module itself.
const MODULES: &[&str] = &[
    "virtio_pci",
    "virtio_console",
    "9pnet_virtio",
    "9p",
    "overlay",
];

/// A module of ours that every guest needs: why, its source says.
const SCHEDULER_KEY: &str = "scheduler_key";

/// Makes the initramfs for `kernel` if it is not there, and returns it.
pub fn build(project: &Project, kernel: &Kernel) -> Result<PathBuf> {
    let folder = project.scratch("vm/initramfs")?;
    let lock = fs::File::create(folder.join("lock"))
        .map_err(|error| Failure::Unwritable(folder.join("lock"), error))?;
    lock.lock()?;
    let agent = agent(&folder)?;
    let source = project.root.join("xtask/src/vm/guest").join(SCHEDULER_KEY);
    let key = module::build(project, kernel, &source, SCHEDULER_KEY)?;
    let archive = folder.join(format!("{}.cpio", kernel.release));
    let recipe = format!("{MODULES:?}");
    if util::up_to_date(&archive, &[agent.clone(), key.clone()], &recipe) {
        return Ok(archive);
    }
    let mut cpio = Archive::default();
    for name in ["proc", "sys", "dev", "host", "upper", "modules"] {
        cpio.folder(name);
    }
    cpio.file("init", 0o755, &fs::read(agent)?);
    let mut list = String::new();
    let mut modules = modules(kernel)?;
    modules.push((SCHEDULER_KEY.to_owned(), fs::read(key)?));
    for (name, data) in modules {
        let path = format!("modules/{name}.ko");
        cpio.file(&path, 0o644, &data);
        list.push_str(&format!("/{path}\n"));
    }
    cpio.file("modules/list", 0o644, list.as_bytes());
    let mut file = tempfile::NamedTempFile::new_in(&folder)?;
    file.write_all(&cpio.finish())?;
    file.persist(&archive)
        .map_err(|error| Failure::Unwritable(archive.clone(), error.error))?;
    util::note_recipe(&archive, &recipe)?;
    Ok(archive)
}

/// Compiles the agent, with the compiler that builds modules.
fn agent(folder: &Path) -> Result<PathBuf> {
    let source = folder.join("agent.c");
    if fs::read_to_string(&source).ok().as_deref() != Some(AGENT) {
        fs::write(&source, AGENT).map_err(|error| Failure::Unwritable(source.clone(), error))?;
    }
    let agent = folder.join("agent");
    let mut command = Command::new("gcc-12");
    command
        .args(["-O2", "-static", "-s", "-o"])
        .arg(&agent)
        .arg(&source);
    let recipe = util::show(&command);
    if !util::up_to_date(&agent, std::slice::from_ref(&source), &recipe) {
        util::capture(&mut command).context("the guest's agent does not compile")?;
        util::note_recipe(&agent, &recipe)?;
    }
    Ok(agent)
}

/// The modules and what they need, in an order in which they can be loaded.
fn modules(kernel: &Kernel) -> Result<Vec<(String, Vec<u8>)>> {
    let mut files = BTreeMap::new();
    for path in util::files_below(&kernel.modules.join("kernel"), &["ko", "xz"]) {
        if let Some(name) = module_name(&path) {
            files.insert(name, path);
        }
    }
    let mut result = Vec::new();
    for name in MODULES {
        add(name, &files, &mut result, 0)?;
    }
    if !result.iter().any(|(name, _)| name == "9p") {
        bail!(
            "the kernel's package has no module 9p in {}",
            kernel.modules.display()
        );
    }
    Ok(result)
}

fn add(
    name: &str,
    files: &BTreeMap<String, PathBuf>,
    result: &mut Vec<(String, Vec<u8>)>,
    depth: usize,
) -> Result<()> {
    if result.iter().any(|(there, _)| there == name) || depth > 16 {
        return Ok(());
    }
    // Not a module: built in.
    let Some(path) = files.get(name) else {
        return Ok(());
    };
    let data = read(path)?;
    for needed in depends(&data) {
        add(&needed, files, result, depth + 1)?;
    }
    result.push((name.to_owned(), data));
    Ok(())
}

/// A module's name from its file: the kernel takes `-` and `_` for the same.
fn module_name(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let name = name.strip_suffix(".xz").unwrap_or(name);
    Some(name.strip_suffix(".ko")?.replace('-', "_"))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    if path.extension().is_some_and(|extension| extension == "xz") {
        let mut command = Command::new("xz");
        command.args(["--decompress", "--stdout"]).arg(path);
        return Ok(util::capture(&mut command)?.stdout);
    }
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// The modules that a module needs: `depends=a,b` in its section .modinfo, whose strings end with a NUL.
fn depends(module: &[u8]) -> Vec<String> {
    const KEY: &[u8] = b"\0depends=";
    let Some(at) = module.windows(KEY.len()).position(|window| window == KEY) else {
        return Vec::new();
    };
    let value: Vec<u8> = module[at + KEY.len()..]
        .iter()
        .copied()
        .take_while(|&byte| byte != 0)
        .collect();
    String::from_utf8_lossy(&value)
        .split(',')
        .filter(|name| !name.is_empty())
        .map(|name| name.replace('-', "_"))
        .collect()
}

/// An archive in cpio's "newc" format, which the kernel unpacks.
#[derive(Default)]
struct Archive {
    data: Vec<u8>,
    entries: u32,
}

impl Archive {
    fn folder(&mut self, name: &str) {
        self.entry(name, 0o040_755, &[]);
    }

    fn file(&mut self, name: &str, mode: u32, data: &[u8]) {
        self.entry(name, 0o100_000 | mode, data);
    }

    /// Header of 13 numbers in hexadecimal, name with NUL, data; name and data padded to 4 bytes.
    /// Documentation/driver-api/early-userspace/buffer-format.rst of the kernel.
    fn entry(&mut self, name: &str, mode: u32, data: &[u8]) {
        self.entries += 1;
        let size = u32::try_from(data.len()).expect("a module is smaller than 4 GiB");
        let length = u32::try_from(name.len() + 1).expect("names are short");
        let links = 1;
        let numbers = [
            self.entries,
            mode,
            0,
            0,
            links,
            0,
            size,
            0,
            0,
            0,
            0,
            length,
            0,
        ];
        self.data.extend(b"070701");
        for number in numbers {
            self.data.extend(format!("{number:08X}").bytes());
        }
        self.data.extend(name.bytes());
        self.data.push(0);
        self.pad();
        self.data.extend(data);
        self.pad();
    }

    fn pad(&mut self) {
        self.data.resize(self.data.len().next_multiple_of(4), 0);
    }

    fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, &[]);
        self.data
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_name_what_they_need() {
        assert_eq!(
            depends(b"x\0license=GPL\0depends=9pnet,fscache,netfs-x\0name=9p\0"),
            ["9pnet", "fscache", "netfs_x"]
        );
        assert!(depends(b"license=GPL\0depends=\0").is_empty());
        assert_eq!(
            module_name(Path::new("/k/crc32-pclmul.ko.xz")).as_deref(),
            Some("crc32_pclmul")
        );
        assert_eq!(module_name(Path::new("/k/readme.xz")), None);
    }

    #[test]
    fn archives_are_aligned() {
        let mut cpio = Archive::default();
        cpio.folder("dev");
        cpio.file("init", 0o755, b"abc");
        let data = cpio.finish();
        assert_eq!(data.len() % 4, 0);
        assert_eq!(&data[..6], b"070701");
        // The first entry: 110 bytes of header, "dev" and NUL, padded.
        assert_eq!(&data[116..122], b"070701");
        assert_eq!(&data[14..22], b"000041ED");
    }
}
