//! What a program prints: the Test Anything Protocol, as far as `tests/vm` uses it.

/// A program's results.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tap {
    /// How many tests passed, without those that were skipped.
    pub passed: usize,
    /// Names and reasons of skipped tests.
    pub skipped: Vec<String>,
    /// What is wrong: failed tests, a plan that was not kept.
    pub problems: Vec<String>,
}

impl Tap {
    /// Reads all lines.
    pub fn read(text: &str) -> Self {
        let mut tap = Self::default();
        let mut plan = None;
        let mut seen = 0;
        for line in text.lines() {
            if let Some(number) = line.strip_prefix("1..") {
                if plan.is_some() {
                    tap.problems.push("two plans (1..N)".to_owned());
                }
                plan = number
                    .split(' ')
                    .next()
                    .and_then(|n| n.parse::<usize>().ok());
            } else if line.starts_with("Bail out!") || line.starts_with("not ok") {
                seen += usize::from(line.starts_with("not ok"));
                tap.problems.push(line.to_owned());
            } else if line == "ok" || line.starts_with("ok ") {
                seen += 1;
                if line.to_ascii_lowercase().contains("# skip") {
                    tap.skipped.push(line.to_owned());
                } else {
                    tap.passed += 1;
                }
            }
        }
        match plan {
            None => tap.problems.push(format!(
                "no plan (1..N): did it end early? {seen} tests seen"
            )),
            Some(plan) if plan != seen => tap
                .problems
                .push(format!("{plan} tests were planned, {seen} seen")),
            Some(0) => tap.problems.push("no tests".to_owned()),
            Some(_) => {}
        }
        tap
    }
}

#[cfg(test)]
mod tests {
    use super::Tap;

    #[test]
    fn results_are_read() {
        let tap = Tap::read("1..3\nok 1 - a\n# text\nok 2 - b # SKIP no CPU\nok 3 - c\n");
        assert_eq!((tap.passed, tap.skipped.len()), (2, 1));
        assert!(tap.problems.is_empty());
        let tap = Tap::read("ok 1 - a\nnot ok 2 - b: why\n1..2\n");
        assert_eq!(tap.problems, ["not ok 2 - b: why"]);
    }

    #[test]
    fn an_early_end_is_a_problem() {
        for text in [
            "",
            "ok 1 - a\n",
            "1..2\nok 1 - a\n",
            "1..0\n",
            "1..1\nok 1\nok 2\n",
        ] {
            assert_eq!(Tap::read(text).problems.len(), 1, "{text}");
        }
        assert_eq!(Tap::read("ok 1\nBail out! x\n1..1\n").problems.len(), 1);
    }
}
