//! Variants of one `clang -cc1` command line.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::jobs::Job;

/// Source to optimised bitcode, with `names` kept whole: not inlined, not specialised.
pub fn front_end(job: &Job, output: &Path, names: &[String]) -> Vec<OsString> {
    let mut arguments = to_bitcode(job, output);
    insert_kept(&mut arguments, names);
    arguments
}

/// Source to bitcode before any optimisation.
pub fn parse_only(job: &Job, output: &Path) -> Vec<OsString> {
    let mut arguments = to_bitcode(job, output);
    insert(&mut arguments, ["-disable-llvm-passes"]);
    arguments
}

/// Bitcode of [`parse_only`] to optimised bitcode.
pub fn optimise(job: &Job, input: &Path, output: &Path, names: &[String]) -> Vec<OsString> {
    let mut arguments = without_front_end(&to_bitcode(job, output));
    set_ir_input(&mut arguments, input);
    insert_kept(&mut arguments, names);
    arguments
}

/// Optimised bitcode to an object.
pub fn back_end(job: &Job, input: &Path, output: &Path, function_sections: bool) -> Vec<OsString> {
    let mut arguments = without_front_end(&job.arguments);
    replace_value(&mut arguments, "-o", output);
    set_ir_input(&mut arguments, input);
    insert(&mut arguments, ["-disable-llvm-passes"]);
    if function_sections {
        insert(&mut arguments, ["-ffunction-sections"]);
    }
    arguments
}

/// The code generator's level: `-Os` and `-Oz` are 2 there.
pub fn optimisation_level(job: &Job) -> u8 {
    let level = job
        .arguments
        .iter()
        .rev()
        .find_map(|argument| match argument.as_bytes() {
            b"-O0" => Some(0),
            b"-O" | b"-O1" | b"-Og" => Some(1),
            b"-O2" | b"-Os" | b"-Oz" => Some(2),
            b"-O3" | b"-Ofast" => Some(3),
            _ => None,
        });
    level.unwrap_or(0)
}

fn to_bitcode(job: &Job, output: &Path) -> Vec<OsString> {
    let mut arguments = job.arguments.clone();
    for argument in &mut arguments {
        if argument == "-emit-obj" {
            *argument = "-emit-llvm-bc".into();
        }
    }
    // It would be written twice: code generation is the second job.
    remove_with_value(
        &mut arguments,
        &["-split-dwarf-output", "-stack-usage-file"],
    );
    replace_value(&mut arguments, "-o", output);
    arguments
}

/// Names that must reach the pass as the functions they are. `noinline` keeps the calls,
/// `noduplicate` keeps IPSCCP from specialising the function under another name (the call of
/// `f.specialized.1` would not enter the box). Both are set by LLVM's force-attribute pass, which
/// is first in every optimising pipeline. At -O0 it does not run, and nothing is inlined but what is
/// `always_inline`: such a function cannot be an entry function there.
fn insert_kept(arguments: &mut Vec<OsString>, names: &[String]) {
    for name in names {
        // The option's own separator: no function of C or C++ has it in its name.
        if name.contains(':') {
            continue;
        }
        for option in [
            format!("-force-remove-attribute={name}:alwaysinline"),
            format!("-force-attribute={name}:noinline"),
            format!("-force-attribute={name}:noduplicate"),
        ] {
            insert(arguments, ["-mllvm".to_owned(), option]);
        }
    }
}

/// Puts words behind `-cc1`.
fn insert<S: Into<OsString>, const N: usize>(arguments: &mut Vec<OsString>, words: [S; N]) {
    let at = arguments.len().min(1);
    arguments.splice(at..at, words.into_iter().map(Into::into));
}

fn replace_value(arguments: &mut [OsString], option: &str, value: &Path) {
    if let Some(at) = arguments.iter().rposition(|argument| argument == option)
        && let Some(word) = arguments.get_mut(at + 1)
    {
        *word = value.into();
    }
}

/// `... -x LANGUAGE INPUT` becomes `... -x ir input`.
fn set_ir_input(arguments: &mut [OsString], input: &Path) {
    replace_value(arguments, "-x", Path::new("ir"));
    if let Some(last) = arguments.last_mut() {
        *last = input.into();
    }
}

fn remove_with_value(arguments: &mut Vec<OsString>, options: &[&str]) {
    let mut skip = false;
    arguments.retain(|argument| {
        if std::mem::take(&mut skip) {
            return false;
        }
        skip = options.iter().any(|option| argument == option);
        !skip
    });
}

/// Leaves out what the front end did already and would do again: dependency files, serialized
/// diagnostics, headers to include.
fn without_front_end(arguments: &[OsString]) -> Vec<OsString> {
    const WITH_VALUE: [&str; 14] = [
        "-dependency-file",
        "-MT",
        "-MQ",
        "-dependency-dot",
        "-module-dependency-dir",
        "-serialize-diagnostic-file",
        "-diagnostic-log-file",
        "-header-include-file",
        "-include",
        "-include-pch",
        "-imacros",
        "-opt-record-file",
        "-opt-record-format",
        "-coverage-notes-file",
    ];
    const ALONE: [&str; 6] = [
        "-MP",
        "-MG",
        "-MV",
        "-sys-header-deps",
        "-H",
        "-module-file-deps",
    ];
    const PREFIX: [&str; 4] = [
        "-ftime-trace",
        "-stats-file",
        "-header-include",
        "-fmodule-file=",
    ];
    let mut rest = arguments.to_vec();
    remove_with_value(&mut rest, &WITH_VALUE);
    rest.retain(|argument| {
        let text = argument.as_bytes();
        !ALONE.iter().any(|option| argument == OsStr::new(option))
            && !PREFIX
                .iter()
                .any(|prefix| text.starts_with(prefix.as_bytes()))
    });
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(words: &str) -> Job {
        Job {
            program: "clang".into(),
            arguments: words.split(' ').map(OsString::from).collect(),
        }
    }

    #[test]
    fn front_end_keeps_marked_functions() {
        let job = job("-cc1 -triple x -O2 -emit-obj -MT a.o -o a.o -x c a.c");
        let text = front_end(&job, Path::new("t.bc"), &["main".into()]).join(OsStr::new(" "));
        assert_eq!(
            text.to_str().unwrap(),
            "-cc1 -mllvm -force-attribute=main:noduplicate -mllvm -force-attribute=main:noinline \
             -mllvm -force-remove-attribute=main:alwaysinline \
             -triple x -O2 -emit-llvm-bc -MT a.o -o t.bc -x c a.c"
        );
    }

    #[test]
    fn back_end_does_nothing_twice() {
        let job = job(
            "-cc1 -O2 -emit-obj -dependency-file a.d -MT a.o -sys-header-deps -include x.h -o a.o -x c a.c",
        );
        let text = back_end(&job, Path::new("t.bc"), Path::new("t.o"), false).join(OsStr::new(" "));
        assert_eq!(
            text.to_str().unwrap(),
            "-cc1 -disable-llvm-passes -O2 -emit-obj -o t.o -x ir t.bc"
        );
    }

    #[test]
    fn optimisation_levels() {
        assert_eq!(optimisation_level(&job("-cc1 -O0 -Os")), 2);
        assert_eq!(optimisation_level(&job("-cc1 -o x")), 0);
        assert_eq!(optimisation_level(&job("-cc1 -O3")), 3);
    }
}
