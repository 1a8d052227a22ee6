//! The machine as files.

use std::fs;
use std::path::{Path, PathBuf};

/// Where to look.
pub struct System {
    root: PathBuf,
    /// Folders with programs.
    pub path: Vec<PathBuf>,
    /// Whether the CPU and the device of this machine may be asked, too.
    pub live: bool,
}

impl System {
    /// This machine.
    pub fn this() -> Self {
        let path = std::env::var_os("PATH").unwrap_or_default();
        Self {
            root: PathBuf::from("/"),
            path: std::env::split_paths(&path).collect(),
            live: true,
        }
    }

    /// A made-up one.
    #[cfg(test)]
    pub fn below(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
            path: vec![root.join("usr/bin")],
            live: false,
        }
    }

    /// A path of it.
    pub fn at(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// A file's text without blanks around; `None`: not there, not readable.
    pub fn text(&self, path: &str) -> Option<String> {
        let bytes = fs::read(self.at(path)).ok()?;
        Some(String::from_utf8_lossy(&bytes).trim().to_owned())
    }

    /// A file's bytes.
    pub fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        fs::read(self.at(path)).ok()
    }

    /// Whether something is there.
    pub fn exists(&self, path: &str) -> bool {
        self.at(path).exists()
    }

    /// The running kernel.
    pub fn release(&self) -> Option<String> {
        self.text("/proc/sys/kernel/osrelease")
    }

    /// A program's path.
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        self.path
            .iter()
            .map(|folder| folder.join(name))
            .find(|file| Path::is_file(file))
    }

    /// The words of a line of `/proc/cpuinfo`, of the first CPU.
    pub fn cpuinfo(&self, name: &str) -> Option<Vec<String>> {
        let text = self.text("/proc/cpuinfo")?;
        let line = text.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            (key.trim() == name).then(|| value.trim().to_owned())
        })?;
        Some(line.split_whitespace().map(str::to_owned).collect())
    }
}
