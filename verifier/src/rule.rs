//! The rules of the machine contract, as findings name them.

use core::fmt;
use core::str::FromStr;

/// A rule of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)] // Their text is `explanation`.
#[rustfmt::skip]
pub enum Rule { R1, R2, R3, R4, R5, R6, R7, R8, R9, R10, R11, R12, R13, R14, R15, T1 }

impl Rule {
    /// All rules, in order.
    #[rustfmt::skip]
    pub const ALL: [Self; 16] = [
        Self::R1, Self::R2, Self::R3, Self::R4, Self::R5, Self::R6, Self::R7, Self::R8,
        Self::R9, Self::R10, Self::R11, Self::R12, Self::R13, Self::R14, Self::R15, Self::T1,
    ];

    /// Its identifier in messages, on the command line and in JSON: `rule-7`, `rule-t1`.
    pub fn id(self) -> &'static str {
        self.words().0
    }

    /// A few words.
    pub fn name(self) -> &'static str {
        self.words().1
    }

    /// What it asks for and why, one paragraph.
    pub fn explanation(self) -> &'static str {
        self.words().2
    }

    fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::R1 => (
                "rule-1",
                "the box is one segment",
                "The box is one page-aligned segment that is readable and executable and nothing else: the gate's pages, then functions, then tables. The function table lists every function; starts are 16-byte aligned, functions do not overlap and lie in the text; between them is only int3 or nop. So the verifier sees all code that can run.",
            ),
            Self::R2 => (
                "rule-2",
                "one decoding",
                "A function is decoded once, linearly from its start. Direct branches land on instruction starts of the same function, on function starts or on gate entries; no instruction crosses the end, control never falls off it, and int3 follows every ret and indirect jump. So no other instructions than those that were checked can run.",
            ),
            Self::R3 => (
                "rule-3",
                "allowed instructions only",
                "Opcodes are on a list of instructions that are harmless at CPL 0. Everything that is privileged, leaks kernel state, changes segments or flags that the kernel relies on, or is not known, is refused. The CPU features used are part of the image, because an instruction may mean another one on a CPU without them.",
            ),
            Self::R4 => (
                "rule-4",
                "special values stay whole",
                "Stack addresses, the caller's registers and return addresses take part only in whole 64-bit moves, constant additions, addressing and the depth test. Anything else could turn them into data that the program may change or see.",
            ),
            Self::R5 => (
                "rule-5",
                "conditions prove nothing",
                "A branch condition never narrows a value, because the CPU may mispredict the branch. Only data flow counts: mask an index with AND instead of comparing it.",
            ),
            Self::R6 => (
                "rule-6",
                "proof by access",
                "An access that has completed proves that its address was in the low half. The address register may then move by constants: at most 1 KiB down and 1 MiB up in sum before the next such access, which must be unconditional and of a kind that faults.",
            ),
            Self::R7 => (
                "rule-7",
                "ordinary accesses cannot reach the kernel half",
                "The address of an access, base + index*scale + displacement, must lie in an interval that contains no address of the kernel half: below 2^63 by data flow (a mask), or so little below zero that it faults. A base whose bit 63 was cleared, with a 32-bit displacement and a 32-bit index, is safe.",
            ),
            Self::R8 => (
                "rule-8",
                "fixed addresses hit the image",
                "RIP-relative accesses must hit the image's own load segments, all of which lie in [2^16, 2^47 - 4096). fs: accesses must stay within [-2^20, 2^31) of the thread's base, with no register but a bounded index.",
            ),
            Self::R9 => (
                "rule-9",
                "safe-stack discipline",
                "RSP is always the value at entry plus a known constant within the frame of 8192 bytes. The safe stack is read and written only through it, at constant offsets, above RSP and below the return address, and only where it was written before. So nothing but a call writes a return address, and no stale kernel or stack data is read.",
            ),
            Self::R10 => (
                "rule-10",
                "string instructions and hints",
                "String instructions start at safe addresses and walk upwards, so rep faults before it could reach the kernel half. Prefetches, cache-line instructions and masked moves need safe addresses too, but prove nothing, since they need not fault.",
            ),
            Self::R11 => (
                "rule-11",
                "registers at entry and return",
                "At ret and at a tail jump, RSP is back at the return address and RBX, RBP and R12 to R15 hold what they held at entry. So a caller may rely on them after a call; all other registers are unknown then.",
            ),
            Self::R12 => (
                "rule-12",
                "calls and jumps go to known places",
                "Calls are direct, to function starts or callable gate entries. Indirect calls go through the gate's thunk. The only other indirect jump is through a table in the box, with an index bounded by data flow, whose entries all lead to instructions of the same function.",
            ),
            Self::R13 => (
                "rule-13",
                "depth of the safe stack",
                "A test, at or below the stack pointer of a call, shows that bit 21 of RSP is 1, or ends in ud2. Every cycle of calls contains one, every way to the thunk and to try too, and no chain of calls without a test needs more than 16 KiB. So recursion stops before it could leave the safe stack.",
            ),
            Self::R14 => (
                "rule-14",
                "level of hardware help",
                "The manifest states which hardware help the image needs: mask (none), pks (supervisor protection keys make masks of loads unnecessary) or spap (a proposed feature makes all masks unnecessary). It must be at least as strict as what is asked for.",
            ),
            Self::R15 => (
                "rule-15",
                "the digest binds everything",
                "The digest in the manifest covers the text, the function table, the tables, the level, the strength, the CPU features and the place of the segments. It must match, so that what was verified is what runs.",
            ),
            Self::T1 => (
                "rule-t1",
                "strength against transient execution",
                "At strength transient, no register counts as masked after a call or at the target of a table until it is masked again, because a mispredicted return or jump can arrive there with other values. The manifest's strength must be at least what is asked for.",
            ),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// The text names no rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such rule: the rules are rule-1 to rule-15 and rule-t1")]
pub struct UnknownRule;

impl FromStr for Rule {
    type Err = UnknownRule;

    /// Accepts `rule-7`, and `7` for short, in any case.
    fn from_str(text: &str) -> Result<Self, UnknownRule> {
        Self::ALL
            .into_iter()
            .find(|rule| {
                let id = rule.id();
                text.eq_ignore_ascii_case(id)
                    || id
                        .strip_prefix("rule-")
                        .is_some_and(|id| text.eq_ignore_ascii_case(id))
            })
            .ok_or(UnknownRule)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn ids_are_read_back() {
        for rule in Rule::ALL {
            assert_eq!(rule.to_string().parse(), Ok(rule));
            assert!(!rule.name().is_empty() && !rule.explanation().is_empty());
        }
        assert_eq!("7".parse(), Ok(Rule::R7));
        assert_eq!("T1".parse(), Ok(Rule::T1));
        assert_eq!("rule-16".parse::<Rule>(), Err(UnknownRule));
    }
}
