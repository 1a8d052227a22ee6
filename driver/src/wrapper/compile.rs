//! One source to one object with a normal and a box half.
//!
//! source --(clang -cc1, optimised)--> bitcode --(pass)--> normal bitcode, box object;
//! normal bitcode --(clang -cc1 -x ir)--> object; both --(ld.lld -r)--> the output.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Child;

use anyhow::{Context as _, Result, anyhow};
use privbox_pass::{Options, Output, Unwinding};
use sha2::{Digest, Sha256};

use super::args::BoxOptions;
use super::cc1;
use super::jobs::Job;
use super::{Context, Failure, report};
use crate::object::{check, join, local, record, retain};
use crate::temporary::{AtomicOutput, Scratch};

/// Compiles one rewritten job into `output`. `identity` is the name that reports and hashes know it
/// by.
pub fn compile(
    context: &Context,
    job: &Job,
    output: &Path,
    identity: &Path,
) -> Result<(), Failure> {
    let scratch = Scratch::new().context("cannot make a temporary folder")?;
    let atomic = AtomicOutput::new(output, &scratch)
        .with_context(|| format!("cannot write '{}'", output.display()))?;
    match build(context, job, identity, &scratch, atomic.path()) {
        Ok(()) => {
            atomic
                .commit()
                .with_context(|| format!("cannot write '{}'", output.display()))?;
            Ok(())
        }
        Err(failure) => {
            atomic.discard();
            Err(failure)
        }
    }
}

fn build(
    context: &Context,
    job: &Job,
    output: &Path,
    scratch: &Scratch,
    into: &Path,
) -> Result<(), Failure> {
    let bitcode = front_end(context, job, scratch)?;
    let options = pass_options(&context.options, job, &bitcode, output);
    let compiled =
        privbox_pass::run(&bitcode, &options).with_context(|| format!("in '{}'", options.unit))?;
    context.keep(output, "bc", &bitcode)?;
    context.keep(output, "normal.bc", &compiled.normal_bitcode)?;

    // Clang compiles the normal half while this process checks the box half.
    let mut back_end = BackEnd::start(context, job, &compiled, scratch)?;
    let boxed = box_half(context, &bitcode, &options, compiled, scratch, output);
    back_end.finish(context)?;
    let boxed = boxed?;

    let record = scratch.path("record.o");
    fs::write(&record, record::object(&boxed.record)?).context("cannot write the unit record")?;
    let mut inputs: Vec<PathBuf> = vec![back_end.object.clone()];
    inputs.extend(boxed.objects);
    inputs.push(record);
    let plan = join::Plan {
        inputs,
        drop_normal_code: context.options.runtime,
    };
    join::join(&context.clang, job, &plan, scratch, into)?;
    let mut bytes = fs::read(into).context("cannot read the joined object")?;
    local::localize(&mut bytes, &boxed.record.hash)
        .with_context(|| format!("in the object of '{}'", options.unit))?;
    if !job.has("-ffunction-sections") && !job.has("-fdata-sections") {
        retain::retain_normal_sections(&mut bytes)
            .with_context(|| format!("in the object of '{}'", options.unit))?;
    }
    fs::write(into, bytes).context("cannot write the joined object")?;
    if let Some(file) = &context.options.report {
        report::unit(file, output, &boxed.record)?;
    }
    Ok(())
}

/// The optimised bitcode of the source.
fn front_end(context: &Context, job: &Job, scratch: &Scratch) -> Result<Vec<u8>, Failure> {
    let marked: Vec<&String> = context
        .options
        .entry
        .iter()
        .chain(&context.options.outside)
        .collect();
    let globs = marked.iter().any(|name| is_glob(name));
    let file = scratch.path("unit.bc");
    if !globs {
        let names: Vec<String> = marked.into_iter().cloned().collect();
        context.run(&job.program, &cc1::front_end(job, &file, &names), scratch)?;
    } else {
        // What a glob matches is known only after parsing, and must be known before optimising.
        let raw = scratch.path("raw.bc");
        context.run(&job.program, &cc1::parse_only(job, &raw), scratch)?;
        let bitcode = fs::read(&raw).context("cannot read clang's bitcode")?;
        let names = privbox_pass::function_names(&bitcode)
            .with_context(|| format!("in '{}'", unit_name(job)))?;
        let globs = super::names::Globs::new(marked.iter().map(|name| name.as_str()))?;
        let names: Vec<String> = names
            .into_iter()
            .filter(|name| globs.matches(name))
            .collect();
        context.run(
            &job.program,
            &cc1::optimise(job, &raw, &file, &names),
            scratch,
        )?;
    }
    Ok(fs::read(&file).context("cannot read clang's bitcode")?)
}

fn is_glob(name: &str) -> bool {
    name.contains(['*', '?', '[', ']', '{', '}', '\\'])
}

fn unit_name(job: &Job) -> String {
    let input = job
        .arguments
        .last()
        .map(OsString::as_os_str)
        .unwrap_or_default();
    if input == "-" {
        "<stdin>".to_owned()
    } else {
        input.to_string_lossy().into_owned()
    }
}

/// The unit's name in the record. The runtime library's units have no place of their own: the
/// archive must not depend on where it was built, and its units are known by this prefix.
fn recorded_name(options: &BoxOptions, job: &Job) -> String {
    let name = unit_name(job);
    if !options.runtime {
        return name;
    }
    let file = Path::new(&name)
        .file_name()
        .unwrap_or_default()
        .to_string_lossy();
    format!("{}{file}", record::RUNTIME)
}

fn pass_options(options: &BoxOptions, job: &Job, bitcode: &[u8], output: &Path) -> Options {
    let features: Vec<String> = job
        .arguments
        .windows(2)
        .filter(|pair| pair[0] == "-target-feature")
        .map(|pair| pair[1].to_string_lossy().into_owned())
        .collect();
    Options {
        unit: recorded_name(options, job),
        unit_hash: unit_hash(bitcode, output),
        level: options.level.unwrap_or_default(),
        strength: options.strength.unwrap_or_default(),
        entry: options.entry.clone(),
        outside: options.outside.clone(),
        unwinding: unwinding(job),
        mask_all: options.mask_all,
        locals_outside: false,
        scheme: options.scheme,
        mask_bits: options.mask_bits(),
        only: None,
        opt_level: cc1::optimisation_level(job),
        cpu: job
            .value("-target-cpu")
            .map(|cpu| cpu.to_string_lossy().into_owned()),
        features: (!features.is_empty()).then(|| features.join(",")),
    }
}

/// C++'s default, and C's that exceptions of C++ may pass through; IR says it by its attributes.
fn unwinding(job: &Job) -> Unwinding {
    let ir = job.value("-x").is_some_and(|language| language == "ir");
    if ir || job.has("-fexceptions") {
        Unwinding::Cxx
    } else {
        Unwinding::None
    }
}

/// 16 hexadecimal digits that no other unit of a program has: two objects may come from one source,
/// so the output's name takes part.
fn unit_hash(bitcode: &[u8], output: &Path) -> String {
    let mut hash = Sha256::new();
    hash.update(bitcode);
    hash.update(output.as_os_str().as_bytes());
    hash.finalize()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Clang at work on the normal half.
struct BackEnd {
    child: Option<Child>,
    object: PathBuf,
}

impl BackEnd {
    fn start(
        context: &Context,
        job: &Job,
        compiled: &Output,
        scratch: &Scratch,
    ) -> Result<Self, Failure> {
        let bitcode = scratch.path("normal.bc");
        let object = scratch.path("normal.o");
        fs::write(&bitcode, &compiled.normal_bitcode).context("cannot write bitcode")?;
        let arguments = cc1::back_end(job, &bitcode, &object, context.options.runtime);
        let child = context.spawn(&job.program, &arguments, scratch)?;
        Ok(Self {
            child: Some(child),
            object,
        })
    }

    fn finish(&mut self, context: &Context) -> Result<(), Failure> {
        match self.child.take() {
            Some(child) => context.wait(child),
            None => Ok(()),
        }
    }
}

impl Drop for BackEnd {
    fn drop(&mut self) {
        // After an error elsewhere: nobody wants the result.
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The checked box half: its objects in link order (a function defined in two of them is taken
/// from the first) and the record that tells what was done.
pub struct BoxHalf {
    /// Later ones are replaced by earlier ones.
    pub objects: Vec<PathBuf>,
    /// What was done.
    pub record: privbox_pass::UnitRecord,
}

/// Verifies the box object; functions that do not verify are compiled again with a mask on every
/// access and no locals on the safe stack. What still fails is a bug of the pass.
pub fn box_half(
    context: &Context,
    bitcode: &[u8],
    options: &Options,
    compiled: Output,
    scratch: &Scratch,
    output: &Path,
) -> Result<BoxHalf, Failure> {
    let Output {
        box_object,
        mut record,
        ..
    } = compiled;
    let Some(mut object) = box_object else {
        return Ok(BoxHalf {
            objects: Vec::new(),
            record,
        });
    };
    context.keep(output, "box.o", &object)?;
    let mut objects = Vec::new();
    // The paper's scheme is for comparison only: its returns are nothing the contract knows.
    let checked = context.options.verify && context.options.scheme == privbox_pass::Scheme::Elide;
    if checked {
        let requirements = check::Requirements::new(options.level, options.strength);
        let failed = check::check(&object, &requirements)
            .with_context(|| format!("cannot check the box code of '{}'", options.unit))?;
        if !failed.is_empty() {
            let names = check::functions(&failed);
            context.note_fallback(&options.unit, &failed);
            let again = Options {
                mask_all: true,
                locals_outside: true,
                only: Some(names.clone()),
                ..options.clone()
            };
            let again = privbox_pass::run(bitcode, &again)
                .with_context(|| format!("in '{}'", options.unit))?;
            let second = again
                .box_object
                .ok_or_else(|| anyhow!("no box code on the second try"))?;
            context.keep(output, "box-again.o", &second)?;
            let failed = check::check(&second, &requirements)?;
            if !failed.is_empty() {
                return Err(Failure::Error(unprovable(&options.unit, &failed)));
            }
            // With what the second object defines besides: its own copies of call-out stubs.
            let replaced = join::defined_functions(&second)?;
            join::drop_functions(&mut object, &replaced)?;
            merge_records(&mut record, &again.record, &names);
            let path = scratch.path("box-again.o");
            fs::write(&path, second).context("cannot write the box object")?;
            objects.push(path);
        }
    }
    let path = scratch.path("box.o");
    fs::write(&path, object).context("cannot write the box object")?;
    objects.push(path);
    Ok(BoxHalf { objects, record })
}

fn unprovable(unit: &str, failed: &[check::Failed]) -> anyhow::Error {
    let mut text = String::new();
    let mut options = String::new();
    let mut seen = BTreeSet::new();
    for failure in failed
        .iter()
        .filter(|failure| seen.insert(&failure.function))
    {
        let name = crate::image::clone_of(&failure.function).unwrap_or(&failure.function);
        let _ = writeln!(
            text,
            "function '{}':\n{failure}",
            crate::diagnose::demangle(name)
        );
        let _ = write!(options, " -fprivbox-outside={name}");
    }
    anyhow!(
        "{unit}: box code does not verify\n{text}\
         note: this is a bug of privbox-cc, please report it with the preprocessed source\n\
         note:{options} keeps such code out of the box; -fno-privbox-verify skips this check (the \
         linked file will not verify)"
    )
}

fn merge_records(
    record: &mut privbox_pass::UnitRecord,
    again: &privbox_pass::UnitRecord,
    names: &BTreeSet<String>,
) {
    for function in &mut record.functions {
        // Clones of internal functions carry the unit's hash behind `.privbox`.
        let clone = format!("{}.privbox", function.name);
        let internal = format!("{}.privbox.{}", function.name, record.hash);
        if !names.contains(&clone) && !names.contains(&internal) {
            continue;
        }
        if let Some(masked) = again
            .functions
            .iter()
            .find(|other| other.name == function.name)
        {
            function.clone_from(masked);
        }
        function.mask_all = true;
    }
}
