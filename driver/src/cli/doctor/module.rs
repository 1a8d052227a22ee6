//! The module, its device, and what is trusted.

use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

use super::{Check, system::System};
use crate::cli::record;
use crate::device::{self, Device, flags};

/// All of it.
pub fn checks(system: &System) -> Vec<Check> {
    let mut checks = Vec::new();
    if !system.exists("/sys/module/privbox") {
        checks.push(not_loaded(system));
        checks.extend(trust(system, None));
        return checks;
    }
    checks.push(Check::ok("module", "the module is loaded"));
    let info = system.live.then(open).map(|opened| {
        let (check, info) = opened;
        checks.push(check);
        info
    });
    if let Some(Some(info)) = &info {
        checks.extend(parameters(info));
    }
    checks.extend(trust(system, info.flatten().as_ref()));
    checks
}

fn not_loaded(system: &System) -> Check {
    if let Some(reason) = refusal(system) {
        return Check::bad(
            "module",
            format!("the module was not loaded: {reason}"),
            "put that right, then `modprobe privbox`; docs/kernel-module.md lists the reasons",
        );
    }
    let release = system.release().unwrap_or_default();
    let installed = system
        .text(&format!("/lib/modules/{release}/modules.dep"))
        .is_some_and(|text| text.lines().any(is_the_module));
    if installed {
        return Check::bad(
            "module",
            "the module is installed but not loaded",
            "sudo modprobe privbox; if that fails, `sudo dmesg | grep privbox` says why in one line",
        );
    }
    let headers = if system.exists(&format!("/lib/modules/{release}/build")) {
        String::new()
    } else {
        format!("apt-get install linux-headers-{release}, then ")
    };
    Check::bad(
        "module",
        format!("the module is not installed for {release}"),
        format!(
            "{headers}install it with DKMS or by `make -C kernel install` and `depmod`, then `modprobe privbox`: \
             docs/kernel-module.md"
        ),
    )
}

/// A line of modules.dep: `updates/dkms/privbox.ko.xz: ...`.
fn is_the_module(line: &str) -> bool {
    let file = line.split(':').next().unwrap_or_default();
    file.rsplit('/')
        .next()
        .is_some_and(|name| name.starts_with("privbox.ko"))
}

/// Why the kernel's log says the module was not loaded: the last line of that kind.
fn refusal(system: &System) -> Option<String> {
    if !system.live {
        return last_refusal(&system.text("/dev/kmsg")?);
    }
    // One record for each read; without waiting for more.
    let mut log = OpenOptions::new()
        .read(true)
        .custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed())
        .open(system.at("/dev/kmsg"))
        .ok()?;
    let mut text = String::new();
    let mut record = [0; 8192];
    loop {
        match log.read(&mut record) {
            Ok(0) => break,
            Ok(length) => text.push_str(&String::from_utf8_lossy(&record[..length])),
            // Records that were overwritten meanwhile.
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::PIPE.raw_os_error()) => {}
            Err(_) => break,
        }
    }
    last_refusal(&text)
}

fn last_refusal(log: &str) -> Option<String> {
    log.lines()
        .filter_map(|line| line.split_once("privbox: not loaded: "))
        .next_back()
        .map(|(_, reason)| reason.trim().to_owned())
}

/// The group that the device belongs to by the udev rule.
const GROUP: &str = "privbox";

fn open() -> (Check, Option<device::Info>) {
    let device = match Device::open() {
        Ok(device) => device,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return (no_permission(), None);
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return (
                Check::bad(
                    "device",
                    format!("the module is loaded, and there is no {}", device::PATH),
                    "in a container, give it the device (docker run --device /dev/privbox); else see whether /dev is a \
                     devtmpfs",
                ),
                None,
            );
        }
        Err(error) => {
            return (
                Check::bad(
                    "device",
                    format!("{} cannot be opened: {error}", device::PATH),
                    "see the kernel's log",
                ),
                None,
            );
        }
    };
    match device.info() {
        Ok(info) if info.is_compatible() => (
            Check::ok(
                "device",
                format!("{} answers; built for {}", device::PATH, info.kernel()),
            ),
            Some(info),
        ),
        Ok(_) | Err(rustix::io::Errno::PROTO) => (
            Check::bad(
                "device",
                "module and tools are of different versions",
                "install both from the same source, then `rmmod privbox; modprobe privbox`",
            ),
            None,
        ),
        Err(error) => (
            Check::bad(
                "device",
                format!("{} does not answer: {error}", device::PATH),
                "is that the device of this module? See the kernel's log",
            ),
            None,
        ),
    }
}

fn no_permission() -> Check {
    let finding = format!("you may not open {}", device::PATH);
    let group = fs::metadata(device::PATH).map(|metadata| metadata.gid());
    let advice = if group.is_ok_and(|group| group != 0) {
        format!("sudo usermod -aG {GROUP} $USER, then log in again")
    } else {
        "the udev rule is not installed, which gives the device to the group privbox: docs/kernel-module.md, \
         \"Who may use it\""
            .to_owned()
    };
    Check::bad("device", finding, advice)
}

fn parameters(info: &device::Info) -> Vec<Check> {
    let mut checks = Vec::new();
    let missing = info.missing();
    if !missing.is_empty() {
        checks.push(Check::note(
            "unmitigated",
            format!(
                "the module ignores these bugs of the CPU: {}",
                missing.join(", ")
            ),
            "right for measuring only: a box may be able to read kernel memory",
        ));
    }
    if info.flags & flags::ALLOW_SPAP != 0 {
        checks.push(Check::note(
            "allow_spap",
            "images of level spap run, which are not confined",
            "right for measuring only: load the module without allow_spap",
        ));
    }
    if info.flags & flags::TRANSIENT != 0 {
        checks.push(Check::note(
            "strength",
            "only images of strength transient run here",
            "build with -fprivbox-strength=transient; or load the module with strength=architectural if kernel \
             memory need not be kept from transient execution",
        ));
    }
    checks
}

fn trust(system: &System, info: Option<&device::Info>) -> Vec<Check> {
    let mut checks = Vec::new();
    let recorded = match record::read(&system.at(record::DIRECTORY)) {
        Ok(entries) => entries.len(),
        Err(error) => {
            checks.push(Check::note(
                "trust",
                format!("{error:#}"),
                "correct it, then `sudo privbox trust --reload`",
            ));
            0
        }
    };
    if let Some(info) = info {
        checks.push(if info.trusted == 0 {
            Check::note(
                "trust",
                "no image is trusted: none runs in kernel mode",
                "sudo privbox trust FILE",
            )
        } else {
            Check::ok(
                "trust",
                format!("{} trusted, {recorded} recorded", info.trusted),
            )
        });
    }
    let unit = [
        "/etc/systemd/system",
        "/usr/lib/systemd/system",
        "/lib/systemd/system",
    ]
    .iter()
    .any(|folder| system.exists(&format!("{folder}/privbox-trust.service")));
    if recorded > 0 && !unit {
        checks.push(Check::note(
            "service",
            format!(
                "{recorded} digests are recorded, and nothing gives them to the module at boot"
            ),
            "install privbox-trust.service: docs/kernel-module.md; or run `privbox trust --reload`",
        ));
    }
    checks
}
