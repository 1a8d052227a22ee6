//! Debian's kernels: found by what apt offers, fetched as packages, unpacked, never installed.

use std::cmp::Ordering;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{Trouble, vmlinux};
use crate::deps;
use crate::util::{self, Failure, Project};

/// An unpacked kernel with its headers.
#[derive(Debug, Clone)]
pub struct Kernel {
    /// As `uname -r` says it: `6.1.0-56-amd64`.
    pub release: String,
    /// The compressed kernel, which chooses its address when it boots.
    pub image: PathBuf,
    /// The same kernel, not compressed: boots faster, at its usual address.
    pub vmlinux: PathBuf,
    /// The folder of its modules, `lib/modules/RELEASE`.
    pub modules: PathBuf,
    /// Where modules are built against it.
    pub headers: PathBuf,
}

impl Kernel {
    fn at(store: &Path, release: &str) -> Self {
        let folder = store.join(release);
        Self {
            release: release.to_owned(),
            image: folder.join(format!("boot/vmlinuz-{release}")),
            vmlinux: folder.join(format!("boot/vmlinux-{release}")),
            modules: folder.join("lib/modules").join(release),
            headers: folder.join(format!("usr/src/linux-headers-{release}")),
        }
    }
}

/// Where unpacked kernels are: `PRIVBOX_KERNELS`, for sharing them between target folders, or a folder of the
/// target folder.
fn store(project: &Project) -> Result<PathBuf> {
    let folder = env::var_os("PRIVBOX_KERNELS")
        .filter(|value| !value.is_empty())
        .map_or_else(|| project.target.join("vm/kernels"), PathBuf::from);
    util::make_folder(&folder)?;
    Ok(fs::canonicalize(&folder)?)
}

/// The newest kernel whose version begins with `wanted` (`6.1`, `6.12`, `6.1.0-50`): one that is unpacked already,
/// else one that apt offers.
pub fn find(project: &Project, wanted: &str, install: bool) -> Result<Kernel> {
    let store = store(project)?;
    // Two commands at once would fetch the same packages twice.
    let lock = fs::File::create(store.join("lock"))
        .map_err(|error| Failure::Unwritable(store.join("lock"), error))?;
    lock.lock()?;
    let there = fs::read_dir(&store)?
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|release| matches(release, wanted));
    if let Some(release) = there.max_by(|a, b| compare(a, b)) {
        let kernel = Kernel::at(&store, &release);
        vmlinux::extract(&kernel.image, &kernel.vmlinux)?;
        return Ok(kernel);
    }
    if !deps::is_program("apt-get") {
        return Err(Trouble::Setup(
            "kernels are fetched as Debian packages, and this system has no apt-get".to_owned(),
        )
        .into());
    }
    let mut result = fetch(&store, wanted);
    if result.is_err() && install && deps::is_root() {
        // The mirrors forget old versions: the lists may name what is no longer there.
        deps::apt_get(&["update"])?;
        result = fetch(&store, wanted);
    }
    result.map_err(|error| {
        Trouble::Setup(format!(
            "no kernel {wanted} could be fetched: {error:#}\n`apt-cache pkgnames linux-image-` lists what apt offers; \
             `apt-get update` (as root) brings its lists up to date"
        ))
        .into()
    })
}

/// Whether a release is a stock kernel of the version that is wanted: `6.1` means 6.1.0-56-amd64, not 6.12.
fn matches(release: &str, wanted: &str) -> bool {
    let stock = release
        .strip_suffix("-amd64")
        .is_some_and(|version| !version.ends_with("-cloud") && !version.ends_with("-rt"));
    let rest = release.strip_prefix(wanted);
    stock
        && release.contains('.')
        && rest.is_some_and(|rest| rest.starts_with(['.', '-', '+']) || rest.is_empty())
        // The meta-package linux-image-6.12-amd64 only names another package.
        && release.chars().filter(|&c| c == '.').count() >= 2
}

/// Orders releases by their numbers: 6.1.0-9 comes before 6.1.0-10.
fn compare(a: &str, b: &str) -> Ordering {
    let numbers = |release: &str| -> Vec<u64> {
        release
            .split(|c: char| !c.is_ascii_digit())
            .filter_map(|number| number.parse().ok())
            .collect()
    };
    numbers(a).cmp(&numbers(b))
}

fn fetch(store: &Path, wanted: &str) -> Result<Kernel> {
    let mut command = Command::new("apt-cache");
    command.args(["pkgnames", "linux-image-"]);
    let names = String::from_utf8(util::capture(&mut command)?.stdout)?;
    let mut releases: Vec<&str> = names
        .lines()
        .filter_map(|name| name.strip_prefix("linux-image-"))
        .filter(|release| matches(release, wanted))
        .collect();
    releases.sort_by(|a, b| compare(b, a));
    let mut last = None;
    // The newest may be listed without headers, or without being there any more.
    for release in releases.into_iter().take(3) {
        match unpack(store, release) {
            Ok(kernel) => return Ok(kernel),
            Err(error) => last = Some(error),
        }
    }
    Err(last
        .unwrap_or_else(|| anyhow::anyhow!("apt offers no package linux-image-{wanted}*-amd64")))
}

/// Fetches the four packages of a release and unpacks them into the store.
fn unpack(store: &Path, release: &str) -> Result<Kernel> {
    let scratch = tempfile::Builder::new()
        .prefix(".fetch-")
        .tempdir_in(store)
        .map_err(|error| Failure::Unwritable(store.to_path_buf(), error))?;
    let headers = format!("linux-headers-{release}");
    let mut packages = vec![format!("linux-image-{release}"), headers.clone()];
    packages.extend(parts_of(&headers)?);
    eprintln!("vm: fetching {}", packages.join(" "));
    let debs = scratch.path().join("debs");
    fs::create_dir(&debs)?;
    let mut command = Command::new("apt-get");
    command
        .args(["-q", "download"])
        .args(&packages)
        .current_dir(&debs);
    util::capture(&mut command)?;
    let tree = scratch.path().join("tree");
    for deb in util::files_below(&debs, &["deb"]) {
        let mut command = Command::new("dpkg-deb");
        command.arg("-x").arg(&deb).arg(&tree);
        util::capture(&mut command)?;
    }
    let place = store.join(release);
    let kernel = Kernel::at(store, release);
    relocate(&tree, &place, release)?;
    fs::rename(&tree, &place)
        .with_context(|| format!("cannot move {} to {}", tree.display(), place.display()))?;
    for path in [&kernel.image, &kernel.modules, &kernel.headers] {
        if !path.exists() {
            bail!("the packages do not hold {}", path.display());
        }
    }
    vmlinux::extract(&kernel.image, &kernel.vmlinux)?;
    Ok(kernel)
}

/// The packages with the rest of the headers: those for all variants, and the programs that the build runs.
fn parts_of(headers: &str) -> Result<Vec<String>> {
    let mut command = Command::new("apt-cache");
    command.args(["show", "--no-all-versions", headers]);
    let text = String::from_utf8(util::capture(&mut command)?.stdout)?;
    let depends = text
        .lines()
        .find_map(|line| line.strip_prefix("Depends: "))
        .with_context(|| format!("apt knows no dependencies of {headers}"))?;
    Ok(depends
        .split(", ")
        .filter_map(|one| one.split(' ').next())
        .filter(|name| name.ends_with("-common") || name.starts_with("linux-kbuild-"))
        .map(str::to_owned)
        .collect())
}

/// The headers' Makefile names its other half by the path that it has when it is installed.
fn relocate(tree: &Path, place: &Path, release: &str) -> Result<()> {
    let makefile = tree.join(format!("usr/src/linux-headers-{release}/Makefile"));
    let text = fs::read_to_string(&makefile)
        .with_context(|| format!("cannot read {}", makefile.display()))?;
    let folder = place.join("usr/src");
    fs::write(
        &makefile,
        text.replace("/usr/src", &folder.display().to_string()),
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{compare, matches};
    use std::cmp::Ordering;

    #[test]
    fn stock_kernels_of_a_version() {
        assert!(matches("6.1.0-56-amd64", "6.1"));
        assert!(matches("6.1.0-56-amd64", "6.1.0-56"));
        assert!(matches("6.1.0-56-amd64", "6.1.0-56-amd64"));
        assert!(!matches("6.12.117+deb12-amd64", "6.1"));
        assert!(matches("6.12.117+deb12-amd64", "6.12"));
        assert!(matches("6.12.117+deb12-amd64", "6.12.117"));
        assert!(!matches("6.12-amd64", "6.12"), "a meta-package");
        assert!(!matches("6.1.0-56-rt-amd64", "6.1"));
        assert!(!matches("6.1.0-56-cloud-amd64", "6.1"));
        assert!(!matches("6.1.0-56-amd64-unsigned", "6.1"));
        assert!(!matches("amd64", ""));
    }

    #[test]
    fn the_newest_is_the_greatest() {
        assert_eq!(compare("6.1.0-9-amd64", "6.1.0-10-amd64"), Ordering::Less);
        assert_eq!(
            compare("6.12.117+deb12-amd64", "6.12.101+deb12-amd64"),
            Ordering::Greater
        );
    }
}
