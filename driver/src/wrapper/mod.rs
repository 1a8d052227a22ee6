//! `privbox-cc` and `privbox-c++`: clang, with the objects and executables it makes given a box.
//!
//! Clang owns the parsing: it is asked for its plan (`-###`, [`jobs`]); jobs that make an object
//! from C or C++ are replaced ([`compile`]), the link job is extended ([`link`]), everything else
//! runs as it is. When nothing in the plan concerns the box, this process becomes clang.

pub mod args;
pub mod cc1;
pub mod clang;
pub mod compile;
pub mod crates;
pub mod jobs;
pub mod link;
mod lto;
pub mod names;
pub mod report;
pub mod response;

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitCode, ExitStatus};

use anyhow::{Context as _, anyhow};

use crate::object::check;
use crate::temporary::{self, Scratch};
use args::{BoxOptions, CommandLine};
use clang::Clang;
use jobs::{Job, Kind, Plan};

/// Why a command failed.
#[derive(Debug)]
pub enum Failure {
    /// A tool failed and has said why.
    Tool(ExitStatus),
    /// We have something to say.
    Error(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

/// What all jobs of a command share.
#[derive(Debug)]
pub struct Context {
    /// The real compiler.
    pub clang: Clang,
    /// What was asked of the box.
    pub options: BoxOptions,
    /// The user's arguments without ours.
    pub arguments: Vec<OsString>,
    /// `-v`: show what is run.
    verbose: bool,
    /// Link-time optimisation was asked for.
    lto: bool,
}

impl Context {
    /// For compilations that clang has no plan of.
    pub fn new(options: BoxOptions) -> Self {
        Self {
            clang: Clang::new(false),
            options,
            arguments: Vec::new(),
            verbose: false,
            lto: false,
        }
    }

    /// Runs a tool to its end.
    pub fn run(
        &self,
        program: &Path,
        arguments: &[OsString],
        scratch: &Scratch,
    ) -> Result<(), Failure> {
        self.wait(self.spawn(program, arguments, scratch)?)
    }

    /// Starts a tool.
    pub fn spawn(
        &self,
        program: &Path,
        arguments: &[OsString],
        scratch: &Scratch,
    ) -> Result<Child, Failure> {
        if self.verbose {
            let words: Vec<_> = arguments
                .iter()
                .map(|word| word.to_string_lossy())
                .collect();
            let words = shell_words::join(words);
            eprintln!(" {} {words}", program.display());
        }
        let child = self
            .clang
            .tool(program, arguments, scratch)
            .and_then(|mut c| c.spawn());
        Ok(child.with_context(|| format!("cannot run '{}'", program.display()))?)
    }

    /// Waits for a tool.
    pub fn wait(&self, mut child: Child) -> Result<(), Failure> {
        let status = child.wait().context("cannot wait for clang")?;
        if status.success() {
            Ok(())
        } else {
            Err(Failure::Tool(status))
        }
    }

    /// Keeps an intermediate file for `-fprivbox-save-temps=`.
    pub fn keep(&self, output: &Path, suffix: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let Some(folder) = &self.options.save_temps else {
            return Ok(());
        };
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot make folder '{}'", folder.display()))?;
        let mut name = output.file_name().unwrap_or_default().to_os_string();
        name.push(".");
        name.push(suffix);
        let path = folder.join(name);
        fs::write(&path, bytes).with_context(|| format!("cannot write '{}'", path.display()))
    }

    /// Functions had to be compiled twice. Not an error, so silent, but what one wants to know when
    /// looking at the masks (`PRIVBOX_VERBOSE=1`).
    pub fn note_fallback(&self, unit: &str, failed: &[check::Failed]) {
        if std::env::var_os("PRIVBOX_VERBOSE")
            .is_some_and(|value| !value.is_empty() && value != "0")
        {
            let mut seen = BTreeSet::new();
            for failed in failed.iter().filter(|failed| seen.insert(&failed.function)) {
                eprintln!(
                    "privbox-cc: note: {unit}: compiled again with a mask on every access:\n{failed}"
                );
            }
        }
    }
}

/// The command: everything but the process's start.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let mut arguments = arguments.collect::<Vec<_>>().into_iter();
    let name = PathBuf::from(arguments.next().unwrap_or_default());
    let name = name
        .file_name()
        .unwrap_or(OsStr::new("privbox-cc"))
        .to_string_lossy()
        .into_owned();
    let cxx = name.contains("++");
    match run(arguments.collect(), cxx) {
        Ok(code) => code,
        Err(Failure::Error(error)) => {
            // One write: other compilers of a parallel build share the terminal.
            let _ = io::stderr().write_all(format!("{name}: error: {error:#}\n").as_bytes());
            ExitCode::FAILURE
        }
        Err(Failure::Tool(status)) => exit_code(&name, status),
    }
}

/// Exits as clang does after a job that failed.
pub fn exit_code(name: &str, status: ExitStatus) -> ExitCode {
    if let Some(signal) = status.signal() {
        if matches!(signal, 1 | 2 | 15) {
            // The build was interrupted, and so are we. Temporary files are gone by now.
            let _ = signal_hook::low_level::emulate_default_handler(signal);
        }
        eprintln!("{name}: error: a tool was ended by signal {signal} (see the lines above)");
        // Clang's driver returns -2 for a tool that crashed.
        return ExitCode::from(254);
    }
    ExitCode::from(
        status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .unwrap_or(1),
    )
}

fn run(arguments: Vec<OsString>, cxx: bool) -> Result<ExitCode, Failure> {
    let CommandLine {
        clang: arguments,
        options,
        help,
    } = args::parse(arguments)?;
    if help {
        io::stdout()
            .write_all(args::HELP.as_bytes())
            .context("cannot write to standard output")?;
        return Ok(ExitCode::SUCCESS);
    }
    run_with(arguments, cxx, options)
}

/// Runs a command line of clang's with these options of the box.
pub fn run_with(
    arguments: Vec<OsString>,
    cxx: bool,
    options: BoxOptions,
) -> Result<ExitCode, Failure> {
    let clang = Clang::new(cxx);
    let only_shows = arguments
        .iter()
        .any(|argument| argument == "-###" || argument == "-cc1" || argument == "-cc1as");
    if !options.enabled || only_shows {
        return become_clang(&clang, &arguments);
    }
    let Some(mut plan) = jobs::plan(&clang, &without_save_temps(&arguments))? else {
        return become_clang(&clang, &arguments);
    };
    let lto = lto::is_asked_for(&arguments);
    let mut arguments = arguments;
    if plan.jobs.iter().any(|job| job.kind() == Kind::CompileLto) {
        arguments = lto::left_out(arguments);
        plan = jobs::plan(&clang, &without_save_temps(&arguments))?.ok_or_else(|| {
            anyhow!(
                "options of this command need link-time optimisation (-flto), which there is not with the box: leave \
                 them out, or add -fno-privbox to the commands that need it"
            )
        })?;
    }
    let kinds: Vec<Kind> = plan.jobs.iter().map(Job::kind).collect();
    if !kinds.contains(&Kind::Compile) && !kinds.contains(&Kind::Link) {
        return become_clang(&clang, &arguments);
    }
    temporary::clean_up_on_signals().context("cannot handle signals")?;
    let verbose = arguments.iter().any(|argument| argument == "-v");
    let context = Context {
        clang,
        options,
        arguments,
        verbose,
        lto,
    };
    execute(&context, plan, &kinds)
}

fn become_clang(clang: &Clang, arguments: &[OsString]) -> Result<ExitCode, Failure> {
    let status = clang.exec(arguments)?;
    if status.success() {
        Ok(ExitCode::SUCCESS)
    } else {
        Err(Failure::Tool(status))
    }
}

/// Runs the plan's jobs. As clang does, goes on with other sources after one has failed, but does
/// not link.
fn execute(context: &Context, plan: Plan, kinds: &[Kind]) -> Result<ExitCode, Failure> {
    let untouched = !kinds.contains(&Kind::Compile);
    let Plan {
        mut jobs,
        messages,
        header,
    } = plan;
    if untouched && kinds.contains(&Kind::Link) && !link::concerns_box(context, &jobs)? {
        return become_clang(&context.clang, &context.arguments);
    }
    if context.verbose {
        let _ = io::stderr().write_all(&header);
    }
    let _ = io::stderr().write_all(&messages);

    let saved = save_temps(context)?;
    let scratch = Scratch::new().context("cannot make a temporary folder")?;
    move_intermediates(&mut jobs, &scratch);
    let mut failure = None;
    let mut compiled = 0;
    let linked = jobs
        .iter()
        .find(|job| job.kind() == Kind::Link)
        .and_then(|job| job.value("-o"));
    let linked = linked.map(PathBuf::from);
    for (job, kind) in jobs.iter().zip(kinds) {
        let result = match kind {
            Kind::Link if failure.is_some() => continue,
            Kind::Link => link::link(context, job, &scratch),
            Kind::Compile => {
                let result = compile_job(context, job, saved.get(compiled), linked.as_deref());
                compiled += 1;
                result
            }
            // Of the former there are none any more.
            Kind::CompileLto | Kind::Other => context.run(&job.program, &job.arguments, &scratch),
        };
        if let Err(error) = result
            && let Some(earlier) = failure.replace(error)
        {
            // Clang returns the first one's code; both messages must be seen.
            if let Some(Failure::Error(error)) = failure.replace(earlier) {
                eprintln!("privbox-cc: error: {error:#}");
            }
        }
    }
    failure.map_or(Ok(ExitCode::SUCCESS), Err)
}

fn compile_job(
    context: &Context,
    job: &Job,
    saved: Option<&PathBuf>,
    linked: Option<&Path>,
) -> Result<(), Failure> {
    let output = job
        .value("-o")
        .map(PathBuf::from)
        .context("clang's plan names no output")?;
    // An object that exists only for the link has a random name; what is derived from its name must
    // be the same in the next build.
    let identity = match (linked, job.arguments.last()) {
        (Some(linked), Some(source)) => {
            let mut identity = linked.as_os_str().to_os_string();
            identity.push(":");
            identity.push(source);
            PathBuf::from(identity)
        }
        _ => output.clone(),
    };
    compile::compile(context, job, &output, &identity)?;
    // `-save-temps` keeps the object that is linked.
    if let Some(saved) = saved.filter(|saved| **saved != output) {
        fs::copy(&output, saved).with_context(|| format!("cannot write '{}'", saved.display()))?;
    }
    Ok(())
}

/// Files that one job writes and a later one reads go to the scratch folder: the names in the plan
/// are clang's, free when it was asked but not kept for us.
fn move_intermediates(jobs: &mut [Job], scratch: &Scratch) {
    for index in 0..jobs.len() {
        let (before, after) = jobs.split_at_mut(index + 1);
        let Some(job) = before.last_mut() else {
            continue;
        };
        let Some(output) = job.value("-o").map(OsStr::to_os_string) else {
            continue;
        };
        if !after.iter().any(|later| later.arguments.contains(&output)) {
            continue;
        }
        let name = Path::new(&output)
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        let moved = scratch.path(&format!("{index}-{name}")).into_os_string();
        for job in std::iter::once(job).chain(after) {
            for argument in job
                .arguments
                .iter_mut()
                .filter(|argument| **argument == output)
            {
                argument.clone_from(&moved);
            }
        }
    }
}

fn is_save_temps(argument: &OsStr) -> bool {
    ["-save-temps", "--save-temps"].iter().any(|option| {
        argument
            .as_bytes()
            .strip_prefix(option.as_bytes())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"="))
    })
}

fn without_save_temps(arguments: &[OsString]) -> Vec<OsString> {
    arguments
        .iter()
        .filter(|argument| !is_save_temps(argument))
        .cloned()
        .collect()
}

/// For `-save-temps`: lets clang make the files it would keep, then says where the objects are
/// that ours replace. The files show the normal half.
fn save_temps(context: &Context) -> Result<Vec<PathBuf>, Failure> {
    if !context
        .arguments
        .iter()
        .any(|argument| is_save_temps(argument))
    {
        return Ok(Vec::new());
    }
    let Some(plan) = jobs::plan(&context.clang, &context.arguments)? else {
        return Ok(Vec::new());
    };
    let scratch = Scratch::new().context("cannot make a temporary folder")?;
    let mut objects = Vec::new();
    let jobs = plan.jobs.iter().filter(|job| job.kind() != Kind::Link);
    let mut bitcode = false;
    for job in jobs {
        context.run(&job.program, &job.arguments, &scratch)?;
        bitcode |= job.has("-emit-llvm-bc");
        // The assembler's input came from bitcode: this object is one that ours replaces.
        if job.has("-cc1as") && std::mem::take(&mut bitcode) {
            objects.extend(job.value("-o").map(PathBuf::from));
        }
    }
    Ok(objects)
}
