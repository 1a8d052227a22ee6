//! The configurations that the tests run in.

/// A machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The kernel's version.
    pub kernel: &'static str,
    /// Page table isolation.
    pub pti: bool,
    /// CPUs.
    pub smp: u32,
    /// More of the kernel's command line.
    pub append: &'static [&'static str],
    /// QEMU's CPU.
    pub cpu: &'static str,
    /// Whether the kernel chooses its address.
    pub kaslr: bool,
    /// Whether only the programs run that say `smoke`.
    pub small: bool,
}

impl Config {
    const fn new(kernel: &'static str, pti: bool, smp: u32) -> Self {
        Self {
            kernel,
            pti,
            smp,
            append: &[],
            cpu: "max",
            kaslr: false,
            small: false,
        }
    }

    const fn small(self) -> Self {
        Self {
            small: true,
            ..self
        }
    }

    const fn append(self, append: &'static [&'static str]) -> Self {
        Self { append, ..self }
    }

    /// `6.1,pti=off,smp=2,preempt=full`: the words that `only:` of a program can name.
    pub fn name(&self) -> String {
        let pti = if self.pti { "on" } else { "off" };
        let mut name = format!("{},pti={pti},smp={}", self.kernel, self.smp);
        for word in self.append {
            name.push(',');
            name.push_str(word);
        }
        if self.cpu != "max" {
            name.push_str(&format!(",cpu={}", self.cpu));
        }
        if self.kaslr {
            name.push_str(",kaslr");
        }
        name
    }
}

/// Both kernels, PTI on and off, one and two CPUs, `preempt=full`. Every program runs on both kernels, with and without
/// PTI, on one CPU and on two; the other combinations get those programs that say `smoke`: a full matrix would take
/// twice as long.
pub fn all() -> Vec<Config> {
    const FULL: &[&str] = &["preempt=full"];
    vec![
        Config::new("6.1", false, 1),
        Config::new("6.12", true, 2),
        Config::new("6.1", true, 2).append(FULL),
        Config::new("6.12", false, 1).append(FULL),
        Config::new("6.1", false, 2).small(),
        Config::new("6.1", true, 1).small(),
        Config::new("6.12", false, 2).small(),
        Config {
            // A CPU with the bugs that PTI and buffer clearing are for; and the kernel somewhere else in memory.
            cpu: "Skylake-Client",
            kaslr: true,
            ..Config::new("6.12", true, 1).small()
        },
    ]
}

/// One small machine, for the developer's loop.
pub fn quick() -> Vec<Config> {
    vec![Config::new("6.1", false, 2).small()]
}

#[cfg(test)]
mod tests {
    use super::all;

    #[test]
    fn nothing_is_left_out() {
        for kernel in ["6.1", "6.12"] {
            for pti in [false, true] {
                let of = |smp| {
                    all()
                        .iter()
                        .any(|c| c.kernel == kernel && c.pti == pti && c.smp == smp)
                };
                assert!(of(1) && of(2), "{kernel} pti={pti}");
                let complete = |c: &super::Config| c.kernel == kernel && c.pti == pti && !c.small;
                assert!(all().iter().any(complete), "{kernel} pti={pti}");
            }
            let full = |c: &super::Config| c.kernel == kernel && c.append == ["preempt=full"];
            assert!(all().iter().any(full), "{kernel}");
        }
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<String> = all().iter().map(super::Config::name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all().len());
    }
}
