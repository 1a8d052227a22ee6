//! Clang's own plan for a command line: what `-###` prints, as values.

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use super::clang::Clang;

/// One command that clang would run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Path of the tool.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

/// What a job does, as far as the box is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// From C, C++ or LLVM IR to an object file: the job that is rewritten.
    Compile,
    /// The same for link-time optimisation, which the box does not support.
    CompileLto,
    /// The linker.
    Link,
    /// Anything else: run as it is.
    Other,
}

/// Clang's plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// In the order of execution.
    pub jobs: Vec<Job>,
    /// Warnings that clang's driver printed; they must reach the user if clang itself is not run.
    pub messages: Vec<u8>,
    /// Version, target and installation folder, as `-v` prints them.
    pub header: Vec<u8>,
}

impl Job {
    /// The word after `option`; the last one wins, as in clang.
    pub fn value(&self, option: &str) -> Option<&OsStr> {
        let at = self
            .arguments
            .iter()
            .rposition(|argument| argument == option)?;
        self.arguments.get(at + 1).map(OsString::as_os_str)
    }

    /// Whether a word is there.
    pub fn has(&self, option: &str) -> bool {
        self.arguments.iter().any(|argument| argument == option)
    }

    fn has_prefix(&self, prefix: &str) -> bool {
        self.arguments
            .iter()
            .any(|argument| argument.as_bytes().starts_with(prefix.as_bytes()))
    }

    /// What it does.
    pub fn kind(&self) -> Kind {
        if self.arguments.first().is_some_and(|first| first == "-cc1") {
            return self.cc1_kind();
        }
        let name = self.program.file_name().unwrap_or_default().as_bytes();
        let linker = name == b"ld"
            || name.starts_with(b"ld.")
            || name.starts_with(b"ld-")
            || name.ends_with(b"-ld")
            || matches!(name, b"lld" | b"mold" | b"gold" | b"wild");
        // gcc as a linker driver, and the like, have `-o` too, but no emulation.
        if linker || (self.has("-m") && self.has_prefix("elf_")) {
            Kind::Link
        } else {
            Kind::Other
        }
    }

    fn cc1_kind(&self) -> Kind {
        let triple = self
            .value("-triple")
            .map(OsStr::as_bytes)
            .unwrap_or_default();
        // The box is x86-64 Linux code with 64-bit pointers.
        let target = triple.starts_with(b"x86_64-")
            && memchr(triple, b"-linux")
            && !triple.ends_with(b"x32");
        let language = self.value("-x").map(OsStr::as_bytes).unwrap_or_default();
        let language = matches!(
            language,
            b"c" | b"c++" | b"cpp-output" | b"c++-cpp-output" | b"ir"
        );
        // Device code of CUDA, HIP and OpenMP has other formats and other rules.
        if !target
            || !language
            || self.has("-fcuda-is-device")
            || self.has("-fopenmp-is-target-device")
        {
            return Kind::Other;
        }
        if self.has("-emit-obj") {
            Kind::Compile
        } else if self.has("-emit-llvm-bc") && self.has_prefix("-flto") {
            Kind::CompileLto
        } else {
            Kind::Other
        }
    }
}

fn memchr(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// Asks clang. `None`: clang refused the command line (and will say why when it is run).
pub fn plan(clang: &Clang, arguments: &[OsString]) -> io::Result<Option<Plan>> {
    let mut all = Vec::with_capacity(arguments.len() + 2);
    all.push(OsString::from("-###"));
    // The integrated assembler is how the rewritten job makes its object, with any option.
    all.push(OsString::from("-fintegrated-as"));
    // Clang sees a pipe here, but its jobs will write to our terminal. First, so that an option of
    // the user's wins.
    if colours() {
        all.push(OsString::from("-fcolor-diagnostics"));
    }
    all.extend(
        arguments
            .iter()
            .filter(|a| !is_external_assembler(a))
            .cloned(),
    );
    let output = clang.output(&all)?;
    Ok(output.status.success().then(|| parse(&output.stderr)))
}

fn colours() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        || std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    !refused && io::stderr().is_terminal()
}

fn is_external_assembler(argument: &OsStr) -> bool {
    argument == "-fno-integrated-as" || argument == "-no-integrated-as"
}

/// Reads the output of `-###`: lines of text, and jobs, whose words are in double quotes with `"`,
/// `\` and `$` escaped by a backslash (LLVM's `sys::printArg`).
pub fn parse(text: &[u8]) -> Plan {
    let mut plan = Plan::default();
    let mut rest = text;
    while !rest.is_empty() {
        if rest.starts_with(b" \"") {
            let (words, used) = words(rest);
            rest = &rest[used..];
            let mut words = words.into_iter();
            if let Some(program) = words.next() {
                plan.jobs.push(Job {
                    program: program.into(),
                    arguments: words.collect(),
                });
            }
            continue;
        }
        let end = rest
            .iter()
            .position(|&b| b == b'\n')
            .map_or(rest.len(), |at| at + 1);
        let (line, after) = rest.split_at(end);
        rest = after;
        if is_header(line) {
            plan.header.extend_from_slice(line);
        } else if !line.starts_with(b" (in-process)") {
            plan.messages.extend_from_slice(line);
        }
    }
    plan
}

fn is_header(line: &[u8]) -> bool {
    const STARTS: [&[u8]; 8] = [
        b"Target: ",
        b"Thread model: ",
        b"InstalledDir: ",
        b"Build config: ",
        b"Configuration file: ",
        b"System configuration file directory: ",
        b"Found candidate ",
        b"Selected ",
    ];
    STARTS.iter().any(|start| line.starts_with(start))
        || (memchr(line, b"clang version ") && !memchr(line, b": warning: "))
        || line.starts_with(b"Candidate multilib")
}

/// The quoted words of one job and how many bytes they took, with the line's end.
fn words(text: &[u8]) -> (Vec<OsString>, usize) {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        match byte {
            b'\n' => break,
            b'"' => {
                let mut word = Vec::new();
                while let Some(&inner) = text.get(at) {
                    at += 1;
                    match inner {
                        b'"' => break,
                        b'\\' => {
                            word.extend(text.get(at));
                            at += 1;
                        }
                        _ => word.push(inner),
                    }
                }
                words.push(OsString::from_vec(word));
            }
            _ => {}
        }
    }
    (words, at.min(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_jobs_and_messages() {
        let plan = parse(
            b"Debian clang version 22.1.8\nTarget: x86_64-pc-linux-gnu\nThread model: posix\n\
              InstalledDir: /usr/lib/llvm-22/bin\nclang: warning: -lm: unused\n (in-process)\n \
              \"/bin/clang\" \"-cc1\" \"-triple\" \"x86_64-pc-linux-gnu\" \"-emit-obj\" \"-D\" \
              \"X=\\\"a \\$b\nc\\\\\" \"-o\" \"a b.o\" \"-x\" \"c\" \"a.c\"\n \"/usr/bin/ld\" \"-o\" \"x\"\n",
        );
        assert_eq!(plan.messages, b"clang: warning: -lm: unused\n");
        assert_eq!(plan.jobs.len(), 2);
        assert_eq!(plan.jobs[0].value("-D"), Some(OsStr::new("X=\"a $b\nc\\")));
        assert_eq!(plan.jobs[0].value("-o"), Some(OsStr::new("a b.o")));
        assert_eq!(plan.jobs[0].kind(), Kind::Compile);
        assert_eq!(plan.jobs[1].kind(), Kind::Link);
    }

    #[test]
    fn truncated_output_is_read_as_far_as_it_goes() {
        assert_eq!(
            parse(b" \"/bin/x\" \"a\\").jobs[0].arguments,
            [OsString::from("a")]
        );
    }

    #[test]
    fn other_targets_and_languages_are_left_alone() {
        for (triple, language) in [
            ("i386-pc-linux-gnu", "c"),
            ("x86_64-pc-linux-gnux32", "c"),
            ("x86_64-pc-linux-gnu", "objective-c"),
            ("aarch64-linux-gnu", "c"),
        ] {
            let text = format!(
                " \"clang\" \"-cc1\" \"-triple\" \"{triple}\" \"-emit-obj\" \"-x\" \"{language}\" \"a\"\n"
            );
            assert_eq!(
                parse(text.as_bytes()).jobs[0].kind(),
                Kind::Other,
                "{triple} {language}"
            );
        }
    }
}
