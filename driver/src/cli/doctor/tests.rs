//! Made-up machines.

use std::fs;

use super::*;

/// A folder that looks like a machine on which all is well but the module is not there.
struct Machine(tempfile::TempDir);

const GOOD: &[(&str, &str)] = &[
    (
        "proc/cpuinfo",
        "processor\t: 0\nflags\t\t: fpu smep smap\nbugs\t\t: spectre_v1 spectre_v2 spec_store_bypass\n\nprocessor\t: 1\n",
    ),
    (
        "sys/devices/system/cpu/vulnerabilities/spectre_v2",
        "Mitigation: Retpolines; IBPB\n",
    ),
    (
        "sys/devices/system/cpu/vulnerabilities/spec_store_bypass",
        "Mitigation: Speculative Store Bypass disabled via prctl\n",
    ),
    ("sys/devices/system/cpu/nohz_full", "\n"),
    ("proc/sys/kernel/osrelease", "6.1.0-9-amd64\n"),
    ("proc/sys/kernel/modules_disabled", "0\n"),
    ("proc/sys/vm/mmap_min_addr", "65536\n"),
    (
        "sys/kernel/security/lockdown",
        "[none] integrity confidentiality\n",
    ),
    (
        "boot/config-6.1.0-9-amd64",
        "CONFIG_MODULES=y\nCONFIG_KPROBES=y\nCONFIG_KALLSYMS_ALL=y\nCONFIG_USER_RETURN_NOTIFIER=y\n\
         CONFIG_PREEMPT_NOTIFIERS=y\n# CONFIG_KASAN is not set\n",
    ),
    (
        "lib/modules/6.1.0-9-amd64/modules.dep",
        "kernel/fs/x.ko:\nupdates/dkms/privbox.ko.xz: kernel/fs/x.ko\n",
    ),
    ("usr/bin/clang-22", ""),
];

impl Machine {
    fn new() -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        for (path, text) in GOOD {
            machine.set(path, text);
        }
        machine
    }

    fn set(&self, path: &str, text: impl AsRef<[u8]>) -> &Self {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn examine(&self) -> Vec<Check> {
        examine(&System::below(self.0.path()))
            .into_iter()
            .flat_map(|group| group.checks)
            .collect()
    }

    /// Names of what is bad.
    fn bad(&self) -> Vec<&'static str> {
        self.examine()
            .into_iter()
            .filter(|check| check.state == State::Bad)
            .map(|check| {
                assert!(check.advice.is_some_and(|advice| !advice.is_empty()));
                check.name
            })
            .collect()
    }
}

#[test]
fn only_the_module_is_missing() {
    let machine = Machine::new();
    assert_eq!(machine.bad(), ["module"]);
    machine.set("sys/module/privbox/parameters/strength", "auto");
    assert_eq!(machine.bad(), [""; 0]);
}

#[test]
fn each_obstacle_is_named() {
    let config = "boot/config-6.1.0-9-amd64";
    let good = GOOD.iter().find(|(path, _)| *path == config).unwrap().1;
    let cpu = "proc/cpuinfo";
    let cases: &[(&str, String, &str)] = &[
        (cpu, "flags : smap\n".into(), "smep"),
        (cpu, "flags : smep\n".into(), "smap"),
        (cpu, "flags : smep smap ibt\n".into(), "ibt"),
        (cpu, "flags : smep smap fred\n".into(), "fred"),
        (cpu, "flags : smep smap lam\n".into(), "lam"),
        (
            cpu,
            "flags : smep smap\nbugs : retbleed\n".into(),
            "retbleed",
        ),
        (cpu, "flags : smep smap\nbugs : mds\n".into(), "mds"),
        (
            "sys/devices/system/cpu/vulnerabilities/spectre_v2",
            "Mitigation: Enhanced / Automatic IBRS\n".into(),
            "spectre_v2",
        ),
        (
            "sys/devices/system/cpu/vulnerabilities/spec_store_bypass",
            "Vulnerable\n".into(),
            "spec_store_bypass",
        ),
        (
            "sys/devices/system/cpu/nohz_full",
            "1-3\n".into(),
            "nohz_full",
        ),
        (
            "proc/sys/vm/mmap_min_addr",
            "4096\n".into(),
            "mmap_min_addr",
        ),
        (
            "proc/sys/kernel/modules_disabled",
            "1\n".into(),
            "modules_disabled",
        ),
        (
            "sys/kernel/security/lockdown",
            "none [integrity] confidentiality\n".into(),
            "lockdown",
        ),
        (
            config,
            good.replace("CONFIG_KPROBES=y", ""),
            "configuration",
        ),
        (config, format!("{good}CONFIG_KASAN=y\n"), "configuration"),
        (
            "proc/sys/kernel/osrelease",
            "5.10.0-1-amd64\n".into(),
            "release",
        ),
    ];
    for (path, text, name) in cases {
        let machine = Machine::new();
        machine.set(path, text);
        let bad = machine.bad();
        assert!(bad.contains(name), "{path}: {text}: {bad:?}");
        // The module is missing as well: nothing else is.
        assert!(
            bad.iter().all(|it| it == name || *it == "module"),
            "{bad:?}"
        );
    }
}

#[test]
fn why_the_module_is_not_there() {
    let machine = Machine::new();
    let finding = |machine: &Machine| {
        let check = machine
            .examine()
            .into_iter()
            .find(|check| check.name == "module")
            .unwrap();
        (check.finding, check.advice.unwrap_or_default())
    };
    assert!(finding(&machine).0.contains("installed but not loaded"));
    machine.set(
        "dev/kmsg",
        "3,1,2,-;privbox: not loaded: an older reason\n6,2,3,-;privbox: ready\n\
         3,4,5,-;privbox: not loaded: this CPU has no SMAP, or it is off\n6,5,6,-;else\n",
    );
    let (text, _) = finding(&machine);
    assert!(
        text.ends_with("this CPU has no SMAP, or it is off"),
        "{text}"
    );
    let machine = Machine::new();
    machine.set("lib/modules/6.1.0-9-amd64/modules.dep", "kernel/fs/x.ko:\n");
    let (text, advice) = finding(&machine);
    assert!(text.contains("not installed for 6.1.0-9-amd64"), "{text}");
    assert!(advice.contains("linux-headers-6.1.0-9-amd64"), "{advice}");
}

#[test]
fn signatures_matter_until_the_module_is_loaded() {
    let machine = Machine::new();
    let noted = |machine: &Machine| {
        machine
            .examine()
            .iter()
            .any(|check| check.name == "signature")
    };
    assert!(!noted(&machine));
    machine.set(
        "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
        [6, 0, 0, 0, 1],
    );
    assert!(noted(&machine));
    machine.set("sys/module/privbox/refcnt", "0");
    assert!(!noted(&machine));
}

#[test]
fn an_empty_machine_is_no_reason_to_panic() {
    let folder = tempfile::tempdir().unwrap();
    let groups = examine(&System::below(folder.path()));
    assert!(!works(&groups));
    let mut output = Vec::new();
    print(&groups, &mut output).unwrap();
    let text = String::from_utf8(output).unwrap();
    assert!(text.contains("Kernel mode does not work here"), "{text}");
}

#[test]
fn records_without_a_reader() {
    let machine = Machine::new();
    machine.set(
        "etc/privbox/trusted.d/a.digests",
        format!("{} x\n", "00".repeat(32)),
    );
    assert!(
        machine
            .examine()
            .iter()
            .any(|check| check.name == "service")
    );
    machine.set("etc/systemd/system/privbox-trust.service", "");
    assert!(
        !machine
            .examine()
            .iter()
            .any(|check| check.name == "service")
    );
    machine.set("etc/privbox/trusted.d/b.digests", "rubbish\n");
    let bad = machine
        .examine()
        .into_iter()
        .find(|check| check.name == "trust")
        .unwrap();
    assert!(bad.finding.contains("b.digests:1"), "{}", bad.finding);
}
