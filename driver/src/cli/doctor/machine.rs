//! The CPU. What is checked here and how it is called follows `kernel/cpu.c` and `kernel/bugs.c`.

use super::{Check, system::System};

/// All of it.
pub fn checks(system: &System) -> Vec<Check> {
    if std::env::consts::ARCH != "x86_64" {
        return vec![Check::bad(
            "architecture",
            format!("this machine is {}", std::env::consts::ARCH),
            "Privbox is for x86-64",
        )];
    }
    let Some(flags) = system.cpuinfo("flags") else {
        return vec![Check::note(
            "processor",
            "/proc/cpuinfo cannot be read",
            "the module looks for itself when it is loaded",
        )];
    };
    let has = |name: &str| flags.iter().any(|flag| flag == name);
    let mut checks = Vec::new();
    for (name, what) in [
        ("smep", "user pages could be executed in kernel mode"),
        ("smap", "kernel code could touch user pages unawares"),
    ] {
        let upper = name.to_uppercase();
        checks.push(if has(name) {
            Check::ok(name, format!("{upper} is on"))
        } else {
            Check::bad(
                name,
                format!("the CPU has no {upper}, or it is switched off: {what}"),
                format!(
                    "look for no{name} on the kernel's command line; in a virtual machine, let the guest see the \
                     host's CPU (QEMU: -cpu host or -cpu max)"
                ),
            )
        });
    }
    for (flag, name, parameter) in [
        ("ibt", "indirect branch tracking", "ibt=off"),
        ("fred", "FRED", "fred=off"),
        ("lam", "linear address masking", "clearcpuid=lam"),
        ("lass", "linear address space separation", "clearcpuid=lass"),
    ] {
        if has(flag) {
            checks.push(Check::bad(
                flag,
                format!("{name} is on, with which the module does not load"),
                format!("boot with {parameter} on the kernel's command line"),
            ));
        }
    }
    if has("xen") || system.text("/sys/hypervisor/guest_type").as_deref() == Some("PV") {
        checks.push(Check::bad(
            "xen",
            "this is a paravirtualised Xen guest",
            "PVH and HVM guests will do",
        ));
    }
    if has("tdx_guest") || has("sev_es") && has("hypervisor") {
        checks.push(Check::bad(
            "encrypted_guest",
            "this may be an encrypted guest (SEV-ES, SEV-SNP or TDX), in which the module does not load",
            "use a guest whose state is not encrypted",
        ));
    }
    checks.extend(bugs(system));
    checks
}

/// QEMU's software CPU says so in CPUID and executes nothing ahead of time.
fn is_software_cpu(system: &System) -> bool {
    #[cfg(target_arch = "x86_64")]
    if system.live {
        let answer = std::arch::x86_64::__cpuid(0x4000_0000);
        let name = [answer.ebx, answer.ecx, answer.edx].map(u32::to_le_bytes);
        return name.concat() == b"TCGTCGTCGTCG";
    }
    let _ = system;
    false
}

fn bugs(system: &System) -> Vec<Check> {
    if is_software_cpu(system) {
        return vec![Check::ok(
            "bugs",
            "QEMU's software CPU: nothing is executed ahead of time",
        )];
    }
    let Some(bugs) = system.cpuinfo("bugs") else {
        return Vec::new();
    };
    let has = |name: &str| bugs.iter().any(|bug| bug == name);
    let answer = |name: &str| {
        system
            .text(&format!("/sys/devices/system/cpu/vulnerabilities/{name}"))
            .unwrap_or_default()
    };
    let measuring = "the module parameter unmitigated=1 ignores this: for measuring only, on machines without secrets";
    let mut checks = Vec::new();
    for (bug, what) in [
        (
            "retbleed",
            "returns of box code could be made to go anywhere, in transient execution",
        ),
        (
            "srso",
            "returns of box code could be made to go anywhere, in transient execution",
        ),
        (
            "its",
            "returns of box code could be made to go anywhere, in transient execution",
        ),
        ("mmio_unknown", "nobody knows what this CPU leaks"),
    ] {
        if has(bug) {
            checks.push(Check::bad(
                bug,
                format!("the CPU has the bug {bug}: {what}"),
                measuring,
            ));
        }
    }
    if has("spectre_v2") && !answer("spectre_v2").contains("Retpolines") {
        checks.push(Check::bad(
            "spectre_v2",
            "the kernel does without retpolines: its indirect branches could be trained by box code, which runs at the \
             same privilege level",
            format!(
                "boot with spectre_v2=retpoline (Intel: spectre_v2=eibrs,retpoline); or {measuring}"
            ),
        ));
    }
    if has("spec_store_bypass") && !answer("spec_store_bypass").contains("Mitigation") {
        checks.push(Check::bad(
            "spec_store_bypass",
            "speculative store bypass cannot be switched off",
            format!("boot with spec_store_bypass_disable=prctl; or {measuring}"),
        ));
    }
    for (bug, file, parameter) in [
        ("mds", "mds", "mds=full"),
        ("taa", "tsx_async_abort", "tsx=off"),
        ("mmio_stale_data", "mmio_stale_data", "mmio_stale_data=full"),
        (
            "rfds",
            "reg_file_data_sampling",
            "reg_file_data_sampling=on",
        ),
        ("tsa", "tsa", "tsa=on"),
    ] {
        if has(bug) && !answer(file).contains("Clear CPU buffers") {
            checks.push(Check::bad(
                bug,
                format!("the kernel does not clear CPU buffers, which the bug {bug} asks for"),
                format!(
                    "boot with {parameter}, and bring the microcode up to date; or {measuring}"
                ),
            ));
        }
    }
    if answer("meltdown").contains("PTI") {
        checks.push(Check::ok(
            "pti",
            "page-table isolation is on, which the module supports",
        ));
    }
    if checks.iter().all(|check| check.state == super::State::Ok) {
        checks.push(Check::ok(
            "bugs",
            "no bug of this CPU keeps the module from loading",
        ));
    }
    checks
}
