//! One bitcode file of rustc's to an object with a normal and a box half.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use privbox_pass::UnitRecord;
use privbox_pass::post_link::{self, Effort, Plan};
use sha2::{Digest, Sha256};

use super::marked::{self, Marked};
use crate::object::{join, record};
use crate::temporary::Scratch;
use crate::wrapper::jobs::Job;
use crate::wrapper::{Context, Failure, compile};

/// What is known about a unit besides its bitcode.
#[derive(Clone)]
pub struct Unit<'a> {
    /// For messages and the record.
    pub name: String,
    /// Whatever tells it from every other unit of the program.
    pub identity: String,
    /// How far to optimise.
    pub effort: Effort,
    /// The file that it becomes a part of.
    pub output: &'a Path,
    /// Which part, if there may be several: the member of the library, the object of the executable.
    pub part: Option<String>,
    /// Functions that another one stands for.
    pub forward: &'a dyn Fn(&str) -> Option<&'static str>,
    /// The only functions that other units may see.
    pub public: Option<&'a [&'a str]>,
}

impl<'a> Unit<'a> {
    /// A unit with nothing special about it.
    pub fn new(name: String, identity: String, effort: Effort, output: &'a Path) -> Self {
        Self {
            name,
            identity,
            effort,
            output,
            part: None,
            forward: &|_| None,
            public: None,
        }
    }

    /// What the report and intermediate files call it: no two units have one name.
    fn object(&self) -> PathBuf {
        let mut name = self.output.as_os_str().to_os_string();
        if let Some(part) = &self.part {
            name.push(format!("({part})"));
        }
        name.into()
    }
}

const MAGIC: [&[u8]; 2] = [b"BC\xc0\xde", b"\xde\xc0\x17\x0b"];

/// Is this LLVM bitcode?
pub fn is_bitcode(bytes: &[u8]) -> bool {
    MAGIC.iter().any(|magic| bytes.starts_with(magic))
}

/// Compiles into the file `into`; returns what the report says of the unit.
pub fn compile(
    context: &Context,
    bitcode: &[u8],
    unit: &Unit<'_>,
    into: &Path,
) -> Result<UnitRecord, Failure> {
    let in_unit = || format!("in '{}'", unit.name);
    let object = &unit.object();
    let scratch = Scratch::new().context("cannot make a temporary folder")?;
    let mut options = pass_options(context, unit, bitcode);
    let before = privbox_pass::function_names(bitcode).with_context(in_unit)?;
    let kept = marked::choose(&before, &context.options)?;
    let keep = |symbol: &str| kept.entry.contains(symbol) || kept.outside.contains(symbol);
    let plan = Plan {
        effort: unit.effort,
        keep: &keep,
        forward: unit.forward,
        public: unit.public,
    };
    let bitcode = post_link::optimise(bitcode, &plan, &options).with_context(in_unit)?;
    let after = privbox_pass::function_names(&bitcode).with_context(in_unit)?;
    let marked = marked::choose(&after, &context.options)?;
    options.entry = marked.entry.iter().map(|name| escape(name)).collect();
    options.outside = marked.outside.iter().map(|name| escape(name)).collect();

    let compiled = privbox_pass::run(&bitcode, &options).with_context(in_unit)?;
    context.keep(object, "bc", &bitcode)?;
    context.keep(object, "normal.bc", &compiled.normal_bitcode)?;
    let back_end = NormalHalf::start(context, &compiled.normal_bitcode, unit.effort, &scratch)?;
    let boxed = compile::box_half(context, &bitcode, &options, compiled, &scratch, object);
    let normal = back_end.finish(context)?;
    let mut boxed = boxed?;
    can_run(&marked, &boxed.record)?;
    // What the user asked for, in place of what it came to in this crate.
    boxed.record.requested.clone_from(&context.options.entry);
    boxed
        .record
        .outside_requested
        .clone_from(&context.options.outside);

    let record_object = scratch.path("record.o");
    fs::write(&record_object, record::object(&boxed.record)?)
        .context("cannot write the unit record")?;
    let mut inputs = vec![normal];
    inputs.extend(boxed.objects);
    inputs.push(record_object);
    let plan = join::Plan {
        inputs,
        drop_normal_code: false,
    };
    join::join(&context.clang, &no_job(), &plan, &scratch, into)?;
    Ok(boxed.record)
}

/// A marked function runs in the box; that it silently did not would be the worst of surprises.
fn can_run(marked: &Marked, record: &UnitRecord) -> Result<()> {
    let mut messages = BTreeSet::new();
    for outside in &record.outside {
        if marked.must.contains(&outside.name) {
            let name = marked::name(&outside.name);
            let reason = &outside.reason;
            messages.insert(format!(
                "`{name}` is marked to run in the box and cannot: {reason}\n\
                 help: do that in a function marked `#[privbox(outside)]`, which the box calls, or take the mark \
                 away;\n      or accept that it runs outside: -fprivbox-outside='{name}'"
            ));
        }
    }
    if messages.is_empty() {
        return Ok(());
    }
    let messages: Vec<String> = messages.into_iter().collect();
    bail!("in '{}':\n{}", record.unit, messages.join("\n"))
}

/// Names are given to the pass as globs.
fn escape(name: &str) -> String {
    let mut escaped = String::new();
    for c in name.chars() {
        if "*?[]{}\\!".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// Joining asks a job of clang's for the linker beside it; there is none.
fn no_job() -> Job {
    Job {
        program: PathBuf::new(),
        arguments: Vec::new(),
    }
}

fn pass_options(context: &Context, unit: &Unit<'_>, bitcode: &[u8]) -> privbox_pass::Options {
    let options = &context.options;
    let mut hash = Sha256::new();
    hash.update(bitcode);
    hash.update(unit.identity.as_bytes());
    let hash: String = hash
        .finalize()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    privbox_pass::Options {
        unit: unit.name.clone(),
        unit_hash: hash,
        level: options.level.unwrap_or_default(),
        strength: options.strength.unwrap_or_default(),
        unwinding: privbox_pass::Unwinding::Rust,
        mask_all: options.mask_all,
        scheme: options.scheme,
        mask_bits: options.mask_bits(),
        opt_level: unit.effort.codegen(),
        ..privbox_pass::Options::default()
    }
}

/// Clang at work on the normal half.
struct NormalHalf {
    child: std::process::Child,
    object: PathBuf,
}

impl NormalHalf {
    fn start(
        context: &Context,
        bitcode: &[u8],
        effort: Effort,
        scratch: &Scratch,
    ) -> Result<Self, Failure> {
        let input = scratch.path("normal.bc");
        let object = scratch.path("normal.o");
        fs::write(&input, bitcode).context("cannot write bitcode")?;
        // What rustc's code generator is told; processor and features are in the functions' attributes.
        let level = format!("-O{}", effort.codegen());
        let mut arguments: Vec<OsString> = [
            "-cc1",
            "-triple",
            "x86_64-unknown-linux-gnu",
            "-emit-obj",
            "-disable-llvm-passes",
            "-mrelocation-model",
            "pic",
            "-pic-level",
            "2",
            "-ffunction-sections",
            "-fdata-sections",
            "-faddrsig",
            "-mllvm",
            "-trap-unreachable",
            &level,
        ]
        .map(OsString::from)
        .to_vec();
        arguments.push("-o".into());
        arguments.push(object.clone().into());
        arguments.push("-x".into());
        arguments.push("ir".into());
        arguments.push(input.into());
        let child = context.spawn(&context.clang.path(), &arguments, scratch)?;
        Ok(Self { child, object })
    }

    fn finish(self, context: &Context) -> Result<PathBuf, Failure> {
        context.wait(self.child)?;
        Ok(self.object)
    }
}
