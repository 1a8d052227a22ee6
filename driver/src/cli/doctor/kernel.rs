//! The kernel: release, configuration, settings.

use super::{Check, system::System};

/// All of it.
pub fn checks(system: &System) -> Vec<Check> {
    let mut checks = Vec::new();
    let release = system.release().unwrap_or_default();
    checks.push(version(&release));
    checks.extend(configuration(system, &release));
    if let Some(text) = system.text("/sys/devices/system/cpu/nohz_full")
        && !text.is_empty()
        && text != "(null)"
    {
        checks.push(Check::bad(
            "nohz_full",
            format!("CPUs {text} run without a timer tick (nohz_full)"),
            "boot without nohz_full= on the kernel's command line",
        ));
    }
    let lowest = system
        .text("/proc/sys/vm/mmap_min_addr")
        .and_then(|text| text.parse::<u64>().ok());
    checks.push(match lowest {
        Some(lowest) if lowest < 65536 => Check::bad(
            "mmap_min_addr",
            format!("processes may map addresses below 64 KiB (vm.mmap_min_addr is {lowest})"),
            "sysctl vm.mmap_min_addr=65536, and for good in /etc/sysctl.d; DOS emulators want the other value",
        ),
        Some(_) => Check::ok("mmap_min_addr", "nothing can be mapped below 64 KiB"),
        None => Check::note(
            "mmap_min_addr",
            "/proc/sys/vm/mmap_min_addr cannot be read",
            "the module looks for itself when it is loaded",
        ),
    });
    checks.extend(loading(system));
    checks
}

fn version(release: &str) -> Check {
    let mut numbers = release
        .split(|c: char| !c.is_ascii_digit())
        .map_while(|number| number.parse::<u32>().ok());
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if version == (0, 0) {
        return Check::note(
            "release",
            "the kernel does not say its release",
            "it is to be 6.1 to 6.12",
        );
    }
    if version < (6, 1) {
        return Check::bad(
            "release",
            format!("the kernel is {release}"),
            "kernel mode needs 6.1 or newer",
        );
    }
    if version > (6, 12) {
        return Check::note(
            "release",
            format!("the kernel is {release}"),
            "the module was tested with 6.1 and 6.12; it says when it is loaded if it misses something here",
        );
    }
    Check::ok("release", format!("the kernel is {release}"))
}

/// Options that the module needs, or cannot have.
fn configuration(system: &System, release: &str) -> Vec<Check> {
    let Some(text) = system.text(&format!("/boot/config-{release}")) else {
        return vec![Check::note(
            "configuration",
            format!("/boot/config-{release} cannot be read"),
            "the module needs CONFIG_KVM, CONFIG_KPROBES, CONFIG_KALLSYMS_ALL; all of Debian's kernels have them",
        )];
    };
    let is_set = |name: &str| {
        text.lines().any(|line| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest == "=y" || rest == "=m")
        })
    };
    let mut checks = Vec::new();
    let missing: Vec<&str> = [
        "CONFIG_MODULES",
        "CONFIG_KPROBES",
        "CONFIG_KALLSYMS_ALL",
        // Both come with KVM.
        "CONFIG_USER_RETURN_NOTIFIER",
        "CONFIG_PREEMPT_NOTIFIERS",
    ]
    .into_iter()
    .filter(|name| !is_set(name))
    .collect();
    if !missing.is_empty() {
        checks.push(Check::bad(
            "configuration",
            format!("the kernel was built without {}", missing.join(", ")),
            "use a distribution's kernel, or build one with these (CONFIG_KVM brings the notifiers)",
        ));
    }
    let odd: Vec<&str> = [
        "CONFIG_PREEMPT_RT",
        "CONFIG_KASAN",
        "CONFIG_KMSAN",
        "CONFIG_KCSAN",
        "CONFIG_KCOV",
        "CONFIG_DEBUG_ENTRY",
        "CONFIG_PROVE_LOCKING",
    ]
    .into_iter()
    .filter(|name| is_set(name))
    .collect();
    if !odd.is_empty() {
        checks.push(Check::bad(
            "configuration",
            format!(
                "the kernel was built with {}, with which the module does not load",
                odd.join(", ")
            ),
            "boot another kernel",
        ));
    }
    if checks.is_empty() {
        checks.push(Check::ok(
            "configuration",
            "the kernel was built with all that the module needs",
        ));
    }
    checks
}

/// Whether modules can be loaded, and digests trusted.
fn loading(system: &System) -> Vec<Check> {
    let mut checks = Vec::new();
    let loaded = system.exists("/sys/module/privbox");
    if system.text("/proc/sys/kernel/modules_disabled").as_deref() == Some("1") {
        checks.push(Check::bad(
            "modules_disabled",
            "loading of modules is switched off until the next boot (kernel.modules_disabled), and trusting of images \
             with it",
            "find what sets it at boot (grep -r modules_disabled /etc/sysctl.*), load the module and trust images \
             before that",
        ));
    }
    let lockdown = system
        .text("/sys/kernel/security/lockdown")
        .unwrap_or_default();
    let locked = lockdown.contains("[integrity]") || lockdown.contains("[confidentiality]");
    if locked {
        checks.push(Check::bad(
            "lockdown",
            "the kernel is locked down: what runs in it must be signed, and digests are not",
            "images cannot be trusted in this state; it comes from Secure Boot or from lockdown= on the kernel's \
             command line",
        ));
    }
    let secure_boot = system
        .bytes("/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c")
        .is_some_and(|bytes| bytes.get(4) == Some(&1));
    let enforced = system
        .text("/sys/module/module/parameters/sig_enforce")
        .as_deref()
        == Some("Y");
    if (secure_boot || enforced) && !loaded {
        let why = if secure_boot {
            "Secure Boot is on"
        } else {
            "module signatures are enforced"
        };
        checks.push(Check::note(
            "signature",
            format!("{why}: the module must be signed with a key that the kernel knows"),
            "docs/kernel-module.md, \"Secure Boot\", says how to enrol DKMS's key (mokutil --import \
             /var/lib/dkms/mok.pub)",
        ));
    }
    checks
}
