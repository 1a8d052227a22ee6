//! Where `libprivbox.a`, `privbox.h` and `privbox.ld` are.

use std::env;
use std::path::{Path, PathBuf};

/// The folder `lib/privbox` of an installation or of a build tree.
#[derive(Debug, Clone)]
pub struct Resources {
    folder: PathBuf,
}

/// The resources are nowhere to be found.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot find {file}, looked for {}: build it with `cargo xtask build`, or set \
     PRIVBOX_RESOURCES to the folder that holds it",
    .searched.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(" and ")
)]
pub struct Missing {
    file: &'static str,
    searched: Vec<PathBuf>,
}

impl Resources {
    /// Candidates in order: `PRIVBOX_RESOURCES` alone if set, else `lib/privbox` beside the
    /// executable (a build tree), else `../lib/privbox` (an installation).
    fn candidates() -> Vec<PathBuf> {
        if let Some(folder) = env::var_os("PRIVBOX_RESOURCES").filter(|v| !v.is_empty()) {
            return vec![PathBuf::from(folder)];
        }
        // The kernel's answer: symlinks such as `privbox-c++ -> privbox-cc` are resolved.
        let Some(folder) = env::current_exe()
            .ok()
            .and_then(|exe| exe.parent().map(Path::to_path_buf))
        else {
            return Vec::new();
        };
        vec![folder.join("lib/privbox"), folder.join("../lib/privbox")]
    }

    /// The first candidate that is a folder; what is missing inside it is reported when it is used.
    pub fn find() -> Option<Self> {
        Self::candidates()
            .into_iter()
            .find(|folder| folder.is_dir())
            .map(|folder| Self { folder })
    }

    /// The folder with `privbox.h`.
    pub fn include(&self) -> PathBuf {
        self.folder.join("include")
    }

    /// A file that linking needs.
    pub fn file(name: &'static str) -> Result<PathBuf, Missing> {
        let searched: Vec<PathBuf> = Self::candidates()
            .into_iter()
            .map(|folder| folder.join(name))
            .collect();
        match searched.iter().find(|path| path.is_file()) {
            Some(path) => Ok(path.clone()),
            None => Err(Missing {
                file: name,
                searched,
            }),
        }
    }
}
