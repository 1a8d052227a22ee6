//! Runs programs in configurations: two virtual machines at a time, each booted once. A machine on which something
//! went wrong is not used again.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use xtask::util::{self, Project};
use xtask::vm::{End, Guest, Options, Prepared, Task, Trouble};

use super::case::{Case, Rust};
use super::matrix::Config;
use super::tap::Tap;
use crate::compare::{self, build_boxed};
use crate::process::{self, Outcome};
use crate::rust;
use crate::toolchain::Toolchain;

/// What came of a program in a configuration: what it says on success, or what is wrong.
pub type Verdict = std::result::Result<Passed, String>;

/// A program that is fine.
#[derive(Clone, Debug, Default)]
pub struct Passed {
    /// Tests that passed.
    pub tests: usize,
    /// Tests that it skipped, with the reasons.
    pub skipped: Vec<String>,
}

/// A configuration, and the programs that are wanted there.
#[derive(Clone, Debug)]
pub struct Job {
    /// The machine.
    pub config: Config,
    /// The programs.
    pub cases: Vec<Case>,
}

/// Names of configuration and program.
type Key = (String, String);

/// Runs when somebody first asks for a verdict.
pub struct Suite {
    tools: Toolchain,
    jobs: Mutex<Option<Vec<Job>>>,
    verdicts: Mutex<HashMap<Key, Verdict>>,
    /// Told whenever there is a new verdict.
    news: Condvar,
}

/// More machines at once than this only get slower on a machine with two CPUs.
const AT_ONCE: usize = 2;

/// How often a configuration may fail to boot or to load the module before the rest of its programs fails too.
const PATIENCE: usize = 2;

impl Suite {
    /// A suite of these jobs; nothing runs yet.
    pub fn new(tools: &Toolchain, jobs: Vec<Job>) -> Arc<Self> {
        Arc::new(Self {
            tools: tools.clone(),
            jobs: Mutex::new(Some(jobs)),
            verdicts: Mutex::default(),
            news: Condvar::new(),
        })
    }

    /// What came of `case` in `config`; waits for it.
    pub fn verdict(self: &Arc<Self>, config: &Config, case: &Case) -> Verdict {
        if let Some(jobs) = lock(&self.jobs).take() {
            let suite = Arc::clone(self);
            thread::spawn(move || suite.run(jobs));
        }
        let key = (config.name(), case.name.clone());
        let mut verdicts = lock(&self.verdicts);
        loop {
            if let Some(verdict) = verdicts.get(&key) {
                return verdict.clone();
            }
            verdicts = self
                .news
                .wait(verdicts)
                .unwrap_or_else(std::sync::PoisonError::into_inner);
        }
    }

    fn tell(&self, config: &Config, case: &Case, verdict: Verdict) {
        lock(&self.verdicts).insert((config.name(), case.name.clone()), verdict);
        self.news.notify_all();
    }

    fn run(self: &Arc<Self>, jobs: Vec<Job>) {
        let found = Project::find().and_then(|project| {
            let folder = project.scratch("vm/tests")?;
            Ok((project, folder))
        });
        let (project, folder) = match found {
            Ok(found) => found,
            Err(error) => {
                for job in &jobs {
                    for case in &job.cases {
                        self.tell(&job.config, case, Err(format!("{error:#}")));
                    }
                }
                return;
            }
        };
        let programs = Arc::new(Programs::new(&self.tools, folder, &jobs));
        let queue = Arc::new(Mutex::new(VecDeque::from(jobs)));
        for _ in 0..AT_ONCE {
            let (suite, queue) = (Arc::clone(self), Arc::clone(&queue));
            let (project, programs) = (project.clone(), Arc::clone(&programs));
            thread::spawn(move || {
                loop {
                    // Not in the loop's head, where it would stay locked.
                    let Some(job) = lock(&queue).pop_front() else {
                        break;
                    };
                    suite.run_job(&project, &job, &programs);
                }
            });
        }
    }

    fn run_job(&self, project: &Project, job: &Job, programs: &Programs) {
        let start = Instant::now();
        let mut machine = Machine::new(project, &job.config);
        for case in &job.cases {
            let verdict = programs
                .get(case)
                .and_then(|program| machine.run(case, &program));
            self.tell(&job.config, case, verdict);
        }
        eprintln!(
            "vm: {}: {} programs, {} boots, {}; CPU time of the machines: {}",
            job.config.name(),
            job.cases.len(),
            machine.boots,
            util::seconds(start.elapsed()),
            util::seconds(machine.cpu_time)
        );
    }
}

/// The programs' executables, each built when it is first needed.
struct Programs {
    tools: Toolchain,
    folder: PathBuf,
    /// The folder of those of `tests/rust/programs`, which are built together.
    rust: OnceLock<std::result::Result<PathBuf, String>>,
    built: HashMap<String, OnceLock<std::result::Result<Built, String>>>,
}

/// A program that is there.
#[derive(Clone, Debug)]
struct Built {
    program: PathBuf,
    args: Vec<String>,
    /// The executables with a box.
    boxed: Vec<PathBuf>,
}

impl Programs {
    fn new(tools: &Toolchain, folder: PathBuf, jobs: &[Job]) -> Self {
        let names = jobs.iter().flat_map(|job| &job.cases);
        Self {
            tools: tools.clone(),
            folder,
            rust: OnceLock::new(),
            built: names
                .map(|case| (case.name.clone(), OnceLock::new()))
                .collect(),
        }
    }

    fn get(&self, case: &Case) -> std::result::Result<Built, String> {
        let build = || self.build(case).map_err(|error| format!("{error:#}"));
        self.built[&case.name].get_or_init(build).clone()
    }

    fn build(&self, case: &Case) -> Result<Built> {
        match &case.rust {
            Some(Rust::Examples) => {
                let folder = rust::examples(&self.tools, Some("mask"))?;
                let names = rust::EXAMPLES.iter();
                return Ok(Built {
                    program: case.program.sources[0].clone(),
                    args: vec![folder.display().to_string()],
                    boxed: names.map(|name| folder.join(name)).collect(),
                });
            }
            Some(Rust::Program(name)) => {
                let target = self.folder.join("rust");
                let build = || {
                    rust::Program::build(&self.tools, &target, Some("mask"))
                        .map_err(|error| format!("{error:#}"))
                };
                let folder = self.rust.get_or_init(build).clone();
                let program = folder.map_err(anyhow::Error::msg)?.join(name);
                return Ok(Built {
                    args: case.program.args.clone(),
                    boxed: vec![program.clone()],
                    program,
                });
            }
            None => {}
        }
        let folder = self.folder.join(&case.name);
        util::make_folder(&folder)?;
        let program = folder.join("program");
        build_boxed(&self.tools, &case.program, &folder, &program)?;
        let boxed = if case.boxed() {
            vec![program.clone()]
        } else {
            Vec::new()
        };
        Ok(Built {
            program,
            args: case.program.args.clone(),
            boxed,
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // A thread that panicked has said so; the others can go on.
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The machine of a configuration: booted when it is needed, and again after something went wrong.
struct Machine {
    project: Project,
    options: Options,
    prepared: Option<Prepared>,
    guest: Option<Guest>,
    boots: usize,
    cpu_time: Duration,
    /// Why it could not be made ready, the last times.
    failures: Vec<String>,
}

impl Machine {
    fn new(project: &Project, config: &Config) -> Self {
        let options = Options {
            kaslr: config.kaslr,
            pti: Some(config.pti),
            smp: config.smp,
            cpu: config.cpu.to_owned(),
            append: config.append.iter().map(ToString::to_string).collect(),
            ..Options::new(project, config.kernel)
        };
        Self {
            project: project.clone(),
            options,
            prepared: None,
            guest: None,
            boots: 0,
            cpu_time: Duration::ZERO,
            failures: Vec::new(),
        }
    }

    fn run(&mut self, case: &Case, program: &Built) -> Verdict {
        if let Some(failure) = self.failures.get(PATIENCE - 1) {
            let first = failure.lines().next().unwrap_or_default();
            return Err(format!("as before: {first}"));
        }
        let mut guest = match self.ready(case) {
            Ok(guest) => {
                self.failures.clear();
                guest
            }
            Err(error) => {
                let text = format!("{error:#}");
                self.failures.push(text.clone());
                return Err(text);
            }
        };
        let before = guest.cpu_time();
        let (verdict, healthy) = judge(&mut guest, case, program);
        // A machine that died took its time along.
        self.cpu_time += guest.cpu_time().saturating_sub(before);
        if healthy {
            self.guest = Some(guest);
        }
        verdict
    }

    /// A guest with the module loaded. It is taken out: only a healthy one is put back.
    fn ready(&mut self, case: &Case) -> Result<Guest> {
        if self.prepared.is_none() {
            let install = std::env::var_os("PRIVBOX_TEST_INSTALL").is_some();
            self.prepared = Some(self.options.prepare(&self.project, install)?);
        }
        let mut guest = match (self.guest.take(), &self.prepared) {
            (Some(guest), _) => guest,
            (None, Some(prepared)) => {
                self.boots += 1;
                let guest = Guest::boot(&self.project, prepared)?;
                self.cpu_time += guest.cpu_time();
                guest
            }
            (None, None) => bail!("nothing is prepared"),
        };
        // Anew for every program: what one leaves behind is its own failure, not the next one's.
        guest.load_module(&case.module.join(" "))?;
        Ok(guest)
    }
}

/// Runs a program, and says whether the guest can be used again.
fn judge(guest: &mut Guest, case: &Case, program: &Built) -> (Verdict, bool) {
    let mut problems = Vec::new();
    let mut passed = Passed::default();
    let mut boxed = program.boxed.iter().filter(|_| case.trust);
    let trusted = boxed.try_for_each(|file| guest.trust(file));
    let result = if trusted.is_err() {
        trusted
    } else if case.compare {
        compared(guest, case, program).map(|()| passed.tests = 1)
    } else {
        start(guest, case, program, &[]).map(|outcome| {
            let tap = Tap::read(&String::from_utf8_lossy(&outcome.stdout));
            if !outcome.ok() {
                problems.push(format!("the program: {}", outcome.end));
            }
            problems.extend(tap.problems);
            if !problems.is_empty() {
                problems.push(streams(&outcome));
            }
            (passed.tests, passed.skipped) = (tap.passed, tap.skipped);
        })
    };
    let mut alive = true;
    if let Err(error) = result {
        // A guest that hangs or died has no more to say.
        let trouble = error.downcast_ref::<Trouble>();
        alive = trouble.is_none_or(|trouble| matches!(trouble, Trouble::Boot(_)));
        problems.push(format!("{error:#}"));
    }
    let reports = if alive { guest.finish() } else { Vec::new() };
    let healthy = alive && reports.is_empty();
    let expected = |report: &String| case.log.iter().any(|text| report.contains(text));
    problems.extend(reports.into_iter().filter(|report| !expected(report)));
    if problems.is_empty() {
        return (Ok(passed), healthy);
    }
    problems.push(format!("logs: {}", guest.folder().display()));
    (Err(problems.join("\n")), healthy)
}

/// Runs a program in the guest: `off` first, then `kernel`, which must do the same.
fn compared(guest: &mut Guest, case: &Case, program: &Built) -> Result<()> {
    let expected = start(guest, case, program, &[("PRIVBOX", "off")])?;
    if expected.end == process::End::TimedOut {
        bail!("PRIVBOX=off takes too long\n{}", streams(&expected));
    }
    let kernel = [("PRIVBOX", "kernel"), ("PRIVBOX_STATS", "1")];
    let outcome = start(guest, case, program, &kernel)?;
    compare::same(&expected, &outcome)
        .context("PRIVBOX=kernel differs from PRIVBOX=off (called native here)")?;
    let says = |text: &str| outcome.stderr.contains(text);
    if case.program.stats
        && (!says("privbox: mode=kernel")
            || compare::entries(&outcome.stderr).is_none_or(|count| count == 0))
    {
        bail!(
            "PRIVBOX_STATS=1 reports no entry in kernel mode\n{}",
            streams(&outcome)
        );
    }
    Ok(())
}

/// One run in the guest.
fn start(
    guest: &mut Guest,
    case: &Case,
    program: &Built,
    more: &[(&str, &str)],
) -> Result<Outcome> {
    let ours = |name: &str| name == "PRIVBOX" || name == "PRIVBOX_STATS";
    let mut variables = guest.variables().to_vec();
    variables.retain(|(name, _)| !ours(&name.to_string_lossy()));
    let own = case.env.iter();
    variables.extend(own.map(|(name, value)| (name.into(), value.into())));
    variables.extend(more.iter().map(|(name, value)| (name.into(), value.into())));
    let mut words = vec![program.program.as_os_str().to_owned()];
    words.extend(program.args.iter().map(Into::into));
    let task = Task {
        folder: PathBuf::from("/tmp"),
        variables,
        words,
    };
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let start = Instant::now();
    let end = guest.run(&task, case.limit, &mut stdout, &mut stderr)?;
    Ok(Outcome {
        end: match end {
            End::Code(code) => process::End::Code(code.into()),
            End::Signal(signal) => process::End::Signal(signal.into()),
            End::TimedOut => process::End::TimedOut,
        },
        stdout,
        stderr: String::from_utf8_lossy(&stderr).into_owned(),
        time: start.elapsed(),
    })
}

/// What a program printed, for messages.
fn streams(outcome: &Outcome) -> String {
    let stdout = String::from_utf8_lossy(&outcome.stdout);
    let mut text = Vec::new();
    for (name, stream) in [("stdout", &*stdout), ("stderr", &outcome.stderr)] {
        if !stream.trim().is_empty() {
            text.push(format!("--- {name}\n{}", util::tail(stream, 60)));
        }
    }
    text.join("\n")
}
