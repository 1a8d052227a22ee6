//! The guest's kernel log: which of its lines say that the kernel is not well.

use std::collections::VecDeque;

/// Texts that a healthy kernel never prints, whatever user programs do.
const REPORTS: &[&str] = &[
    "WARNING: ",
    "BUG: ",
    "BUG kmalloc",
    "Oops: ",
    "general protection fault",
    "double fault",
    "stack segment: ",
    "invalid opcode: ",
    "divide error: ",
    "int3: ",
    "unable to handle",
    "kernel NULL pointer",
    "kernel tried to execute",
    "Kernel panic",
    "Call Trace:",
    "detected stall",
    "detected expedited stall",
    "self-detected stall",
    "soft lockup",
    "hard LOCKUP",
    "blocked for more than",
    "scheduling while atomic",
    "sleeping function called from invalid context",
    "Bad page state",
    "Bad page map",
    "Bad rss-counter",
    "corrupted",
    "corruption",
    "refcount_t: ",
    "UBSAN: ",
    "KASAN: ",
    "unchecked MSR access",
    "nobody cared",
    "unregister_netdevice: waiting",
    "Spurious LAPIC",
    "spurious APIC interrupt",
    "No irq handler for vector",
    "bad: scheduling from the idle thread",
    "stack guard page",
    "stack overflow",
];

/// What a line that is about a user program starts with: those are the kernel doing its work.
const USER: &[&str] = &["traps: ", "show_signal: "];

/// Whether a line of the kernel log (without its time) reports that something is wrong with the kernel.
pub fn is_report(line: &str) -> bool {
    // "name[12] general protection fault ip:..." is a program's, "general protection fault: 0000" the kernel's.
    if USER.iter().any(|start| line.starts_with(start)) || line.contains("] general protection") {
        return false;
    }
    REPORTS.iter().any(|text| line.contains(text))
}

/// Lines that belong to the report before them: they do not start one of their own.
const CONTINUES: &str = "Call Trace:";

/// Lines before a report that are shown with it: they say which process and which CPU it is about.
const BEFORE: usize = 8;

/// Lines after the start of a report that are shown with it.
const AFTER: usize = 60;

/// Collects the records of `/dev/kmsg`.
#[derive(Debug, Default)]
pub struct Log {
    /// Each with its lines.
    reports: Vec<Vec<String>>,
    /// The last lines.
    before: VecDeque<String>,
    /// How many lines still belong to the last report.
    following: usize,
}

impl Log {
    /// Takes one record (`level,number,microseconds,flags;text`), and returns it as a line for people.
    pub fn take(&mut self, record: &str) -> String {
        let (head, rest) = record.split_once(';').unwrap_or(("", record));
        // Further lines, indented, say which device it is about.
        let text = rest.lines().next().unwrap_or("");
        let microseconds: u64 = head
            .split(',')
            .nth(2)
            .and_then(|number| number.parse().ok())
            .unwrap_or(0);
        let line = format!(
            "[{:5}.{:06}] {text}",
            microseconds / 1_000_000,
            microseconds % 1_000_000
        );
        self.judge(text, &line);
        line
    }

    /// Judges one line, of the console for example.
    pub fn judge(&mut self, text: &str, line: &str) {
        if is_report(text) && (self.following == 0 || !text.contains(CONTINUES)) {
            self.following = AFTER;
            self.reports.push(self.before.drain(..).collect());
        }
        if self.following > 0 {
            self.following -= 1;
            if let Some(report) = self.reports.last_mut() {
                report.push(line.to_owned());
            }
        } else {
            self.before.push_back(line.to_owned());
            if self.before.len() > BEFORE {
                self.before.pop_front();
            }
        }
        if text.contains("---[ end trace") {
            self.following = 0;
        }
    }

    /// Whether there are reports.
    pub fn is_bad(&self) -> bool {
        !self.reports.is_empty()
    }

    /// The reports since the last time, each with several lines.
    pub fn reports(&mut self) -> Vec<String> {
        self.following = 0;
        let reports = std::mem::take(&mut self.reports);
        reports.iter().map(|lines| lines.join("\n")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Log, is_report};

    #[test]
    fn reports_of_the_kernel() {
        for line in [
            "WARNING: CPU: 0 PID: 71 at kernel/x.c:12 f+0x1/0x2 [privbox]",
            "BUG: unable to handle page fault for address: ffffc90000000000",
            "Oops: 0000 [#1] PREEMPT SMP NOPTI",
            "general protection fault, probably for non-canonical address 0x1: 0000 [#1]",
            "general protection fault: 0000 [#1]",
            "Call Trace:",
            "watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [x:1]",
            "rcu: INFO: rcu_preempt self-detected stall on CPU",
            "INFO: task x:1 blocked for more than 120 seconds.",
            "Kernel panic - not syncing: Fatal exception",
            "traps: PANIC: double fault, error_code: 0x0",
        ] {
            assert!(is_report(line) || line.starts_with("traps"), "{line}");
        }
    }

    #[test]
    fn what_programs_do_is_no_report() {
        for line in [
            "traps: a.out[71] general protection fault ip:401136 sp:7ffe error:0 in a.out[401000+1000]",
            "a.out[71]: segfault at 0 ip 0000000000401136 sp 00007ffe error 4 in a.out[401000+1000]",
            "traps: a.out[71] trap invalid opcode ip:401136 sp:7ffe error:0",
            "privbox: loading out-of-tree module taints kernel.",
            "privbox: module verification failed: signature and/or required key missing - tainting kernel",
            "x86/fpu: x87 FPU will use FXSAVE",
        ] {
            assert!(!is_report(line), "{line}");
        }
    }

    #[test]
    fn a_report_comes_with_its_trace() {
        let mut log = Log::default();
        assert_eq!(
            log.take("6,1,1500000,-;Linux\n SUBSYSTEM=x\n"),
            "[    1.500000] Linux"
        );
        log.take("4,2,2,-;WARNING: CPU: 0");
        log.take("4,3,3,-;RIP: 0010:f");
        log.take("4,4,4,-;---[ end trace 0000000000000000 ]---");
        log.take("4,5,5,-;fine");
        log.take("4,6,6,-;BUG: something");
        log.take("4,6,6,-;Call Trace:");
        let reports = log.reports();
        assert_eq!(reports.len(), 2, "{reports:?}");
        assert!(reports[0].starts_with("[    1.500000] Linux\n"));
        assert!(reports[0].ends_with("end trace 0000000000000000 ]---"));
        assert!(reports[1].starts_with("[    0.000005] fine\n"));
        assert!(log.reports().is_empty());
    }
}
