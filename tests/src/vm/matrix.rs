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
    /// Whether only the programs run that say `smoke`: for the quick run.
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

/// Both kernels with PTI on and off, on one CPU and on two; `preempt=full` on half of them; four and five levels of page tables.
pub fn all() -> Vec<Config> {
    const FULL: &[&str] = &["preempt=full"];
    vec![
        // The one with the most programs first.
        Config::new("6.12", true, 2),
        Config::new("6.1", true, 2).append(FULL),
        Config::new("6.1", false, 1),
        Config::new("6.12", false, 1).append(FULL),
        Config {
            // `max` has five levels of page tables, which the kernel uses only where it decompresses itself: with its address chosen.
            kaslr: true,
            ..Config::new("6.1", false, 2)
        },
        Config::new("6.1", true, 1).append(FULL),
        Config::new("6.12", false, 2).append(FULL),
        Config {
            // A CPU with the bugs that PTI and buffer clearing are for; and the kernel somewhere else in memory.
            cpu: "Skylake-Client",
            kaslr: true,
            ..Config::new("6.12", true, 1)
        },
    ]
}

/// One small machine, for the developer's loop.
pub fn quick() -> Vec<Config> {
    vec![Config::new("6.1", false, 2).small()]
}

#[cfg(test)]
mod tests {
    use super::{Config, all};

    #[test]
    fn nothing_is_left_out() {
        let is_there =
            |wanted: &dyn Fn(&Config) -> bool| all().iter().any(|c| !c.small && wanted(c));
        for kernel in ["6.1", "6.12"] {
            for smp in [1, 2] {
                for pti in [false, true] {
                    let same = |c: &Config| c.kernel == kernel && c.pti == pti && c.smp == smp;
                    assert!(is_there(&same), "{kernel} pti={pti} smp={smp}");
                }
                let full =
                    |c: &Config| c.kernel == kernel && c.smp == smp && c.append == ["preempt=full"];
                assert!(is_there(&full), "{kernel} smp={smp}");
            }
        }
        assert!(
            is_there(&|c: &Config| c.cpu == "max" && c.kaslr),
            "five levels of page tables"
        );
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<String> = all().iter().map(Config::name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all().len());
    }
}
