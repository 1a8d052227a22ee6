//! The programs that are measured, and the ways in which each is built.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::paper;
use crate::sources::Sources;
use crate::util::{self, Project};

/// A workload of ours (benches/overhead/NAME.c) and the library that it drives.
pub struct Program {
    pub name: &'static str,
    /// Which sources it needs (see `sources`); `None` for a workload that is the whole program.
    library: Option<&'static str>,
    /// Files of the library, relative to its folder; one that ends in `/` stands for its C files.
    files: &'static [&'static str],
    /// C files left out of a folder.
    without: &'static [&'static str],
    /// Options for the library's files and the workload.
    defines: &'static [&'static str],
    /// Options at the end of the link.
    libraries: &'static [&'static str],
}

const PLAIN: Program = Program {
    name: "",
    library: None,
    files: &[],
    without: &[],
    defines: &[],
    libraries: &[],
};

/// Every program, in the order of the table.
pub const PROGRAMS: &[Program] = &[
    Program {
        name: "sqlite",
        library: Some("sqlite"),
        files: &["sqlite3.c"],
        // Its own allocator and no mutexes: both would be calls out of the box (benches/overhead/sqlite.c).
        defines: &["-DSQLITE_ENABLE_MEMSYS5", "-DSQLITE_THREADSAFE=0"],
        libraries: &["-lm"],
        ..PLAIN
    },
    Program {
        name: "zstd",
        library: Some("zstd"),
        files: &["common/", "compress/", "decompress/"],
        // The same C code in every variant: no hand-written assembly.
        defines: &["-DZSTD_DISABLE_ASM"],
        ..PLAIN
    },
    Program {
        name: "lz4",
        library: Some("lz4"),
        files: &["lz4.c", "lz4hc.c"],
        ..PLAIN
    },
    Program {
        name: "lua",
        library: Some("lua"),
        files: &["/"],
        without: &["lua.c", "luac.c"],
        defines: &["-DLUA_USE_POSIX"],
        libraries: &["-lm"],
    },
    Program {
        name: "zlib",
        library: Some("zlib"),
        files: &["/"],
        // Files and their names: not used, and they want a configured unistd.h.
        without: &["gzclose.c", "gzlib.c", "gzread.c", "gzwrite.c"],
        ..PLAIN
    },
    Program {
        name: "hashtable",
        ..PLAIN
    },
    Program {
        name: "integer",
        ..PLAIN
    },
];

/// One way to build a program.
pub struct Variant {
    /// Column of the table and key in the JSON file.
    pub name: &'static str,
    pub what: &'static str,
    /// Options for privbox-cc; `None` means clang-22.
    pub options: Option<&'static [&'static str]>,
    /// Whether linking verifies the image.
    pub verified: bool,
}

/// The variant that emulates the paper's scheme.
const PAPER: &str = "paper";

/// The baseline first.
pub const VARIANTS: &[Variant] = &[
    Variant {
        name: "native",
        what: "clang-22 -O2",
        options: None,
        verified: false,
    },
    Variant {
        name: "mask",
        what: "level mask",
        options: Some(&["-fprivbox-level=mask"]),
        verified: true,
    },
    Variant {
        name: "transient",
        what: "level mask at transient strength",
        options: Some(&["-fprivbox-level=mask", "-fprivbox-strength=transient"]),
        verified: true,
    },
    Variant {
        name: "pks",
        what: "level pks",
        options: Some(&["-fprivbox-level=pks"]),
        verified: true,
    },
    Variant {
        name: "spap",
        what: "level spap",
        options: Some(&["-fprivbox-level=spap"]),
        verified: true,
    },
    Variant {
        name: "mask_all",
        what: "a mask on every access",
        options: Some(&["-fprivbox-mask-all", "-fno-privbox-verify"]),
        verified: false,
    },
    Variant {
        name: PAPER,
        what: "the paper's scheme, emulated",
        options: Some(&[
            "-fprivbox-scheme=paper",
            "-mfunction-return=thunk-extern",
            "-fno-privbox-verify",
        ]),
        verified: false,
    },
];

/// A built program.
pub struct Built {
    pub executable: PathBuf,
    /// How long it took; zero if it was there already.
    pub took: Duration,
}

impl Program {
    /// Builds one variant in a folder of its own, unless it is there and nothing that it depends on changed.
    pub fn build(&self, project: &Project, sources: &Sources, variant: &Variant) -> Result<Built> {
        let folder = project.scratch(&format!("bench/overhead/{}/{}", self.name, variant.name))?;
        let executable = folder.join(self.name);
        let (mut files, include) = self.sources(project, sources)?;
        if variant.name == PAPER {
            files.push(project.root.join("benches/overhead/return-thunk.S"));
        }
        let compiler = match variant.options {
            None => PathBuf::from("clang-22"),
            Some(_) => project.tool("privbox-cc"),
        };
        let recipe = format!(
            "{} {:?} {:?}",
            compiler.display(),
            self.options(variant),
            files
        );
        let mut inputs = files.clone();
        inputs.push(project.root.join("benches/overhead/workload.h"));
        if variant.options.is_some() {
            inputs.extend([
                compiler.clone(),
                project.release().join("lib/privbox/libprivbox.a"),
            ]);
        }
        if util::up_to_date(&executable, &inputs, &recipe) {
            return Ok(Built {
                executable,
                took: Duration::ZERO,
            });
        }
        // A failed build must not leave the last one behind.
        let _ = fs::remove_file(&executable);
        let ((), took) = util::timed(|| {
            let mut objects = Vec::new();
            for file in &files {
                let name = file.file_name().context("a source file has no name")?;
                // Workload and library may both have a file of this name (zlib has none, lua has).
                let prefix = if file.starts_with(&project.root) {
                    "privbox-"
                } else {
                    ""
                };
                let object = folder.join(format!("{prefix}{}.o", name.to_string_lossy()));
                self.compile(project, &compiler, variant, &include, file, &object)?;
                objects.push(object);
            }
            let mut link = Command::new(&compiler);
            link.args(self.options(variant))
                .args(&objects)
                .args(self.libraries)
                .arg("-o")
                .arg(&executable);
            util::capture(&mut link)?;
            if variant.name == PAPER {
                paper::rewrite_returns(&executable)?;
            }
            Ok(())
        })?;
        util::note_recipe(&executable, &recipe)?;
        Ok(Built { executable, took })
    }

    /// Compiles one file of the program; also used to measure compile time.
    pub fn compile(
        &self,
        project: &Project,
        compiler: &Path,
        variant: &Variant,
        include: &[PathBuf],
        file: &Path,
        object: &Path,
    ) -> Result<()> {
        let mut command = Command::new(compiler);
        command
            .args(self.options(variant))
            .args(self.defines)
            .arg("-I")
            .arg(project.root.join("benches/overhead"));
        // Warnings of other people's code are not ours to show.
        if !file.starts_with(&project.root) {
            command.arg("-w");
        }
        for folder in include {
            command.arg("-I").arg(folder);
        }
        util::capture(command.arg("-c").arg(file).arg("-o").arg(object)).map(|_| ())
    }

    /// The options common to compiling and linking a variant.
    fn options(&self, variant: &Variant) -> Vec<&'static str> {
        let mut options = vec!["-O2"];
        if let Some(more) = variant.options {
            options.push("-fprivbox-fn=workload");
            options.extend(more);
        }
        options
    }

    /// All C files, ours first, and the folders of headers.
    pub fn sources(
        &self,
        project: &Project,
        sources: &Sources,
    ) -> Result<(Vec<PathBuf>, Vec<PathBuf>)> {
        let ours = project.root.join("benches/overhead");
        let mut files = vec![
            ours.join(format!("{}.c", self.name)),
            ours.join("main.c"),
            ours.join("support.c"),
        ];
        let Some(library) = self.library else {
            return Ok((files, Vec::new()));
        };
        let folder = sources.folder(library)?;
        for file in self.files {
            let Some(inside) = file.strip_suffix('/') else {
                files.push(folder.join(file));
                continue;
            };
            let mut found: Vec<PathBuf> = fs::read_dir(folder.join(inside))?
                .filter_map(|entry| Some(entry.ok()?.path()))
                .filter(|path| path.extension().is_some_and(|extension| extension == "c"))
                .filter(|path| !self.without.iter().any(|name| path.ends_with(name)))
                .collect();
            found.sort();
            files.extend(found);
        }
        Ok((files, vec![folder.to_path_buf()]))
    }
}
