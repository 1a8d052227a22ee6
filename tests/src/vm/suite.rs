//! Runs programs in configurations: two virtual machines at a time, each booted once. A machine on which something
//! went wrong is not used again.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use xtask::util::{self, Project};
use xtask::vm::{End, Guest, Options, Prepared, Task};

use super::case::Case;
use super::matrix::Config;
use super::tap::Tap;
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
        let built = Project::find().and_then(|project| {
            let programs = self.build_all(&project, &jobs)?;
            Ok((project, programs))
        });
        let (project, programs) = match built {
            Ok((project, programs)) => (project, Arc::new(programs)),
            Err(error) => {
                for job in &jobs {
                    for case in &job.cases {
                        self.tell(&job.config, case, Err(format!("{error:#}")));
                    }
                }
                return;
            }
        };
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

    /// Builds every program once; the error of one is the verdict of that one only.
    fn build_all(
        &self,
        project: &Project,
        jobs: &[Job],
    ) -> Result<HashMap<String, std::result::Result<PathBuf, String>>> {
        let folder = project.scratch("vm/tests")?;
        let mut programs = HashMap::new();
        for case in jobs.iter().flat_map(|job| &job.cases) {
            if !programs.contains_key(&case.name) {
                let program = build(&self.tools, case, &folder).map_err(|e| format!("{e:#}"));
                programs.insert(case.name.clone(), program);
            }
        }
        Ok(programs)
    }

    fn run_job(
        &self,
        project: &Project,
        job: &Job,
        programs: &HashMap<String, std::result::Result<PathBuf, String>>,
    ) {
        let start = Instant::now();
        let mut machine = Machine::new(project, &job.config);
        for case in &job.cases {
            let verdict = match &programs[&case.name] {
                Ok(program) => machine.run(case, program),
                Err(error) => Err(error.clone()),
            };
            self.tell(&job.config, case, verdict);
        }
        eprintln!(
            "vm: {}: {} programs, {}, {} boots",
            job.config.name(),
            job.cases.len(),
            util::seconds(start.elapsed()),
            machine.boots
        );
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // A thread that panicked has said so; the others can go on.
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Compiles a program: by `privbox-cc` if part of it runs in the box, else by plain clang.
fn build(tools: &Toolchain, case: &Case, folder: &Path) -> Result<PathBuf> {
    let program = folder.join(&case.name);
    let mut command = if case.boxed() {
        let mut command = Command::new(&tools.cc);
        command.args(&case.privbox);
        command
    } else {
        Command::new(&tools.clang)
    };
    let (libraries, flags): (Vec<&String>, Vec<&String>) =
        case.flags.iter().partition(|flag| flag.starts_with("-l"));
    command
        .args(["-O2", "-g1", "-Wall", "-Wextra"])
        .args(flags)
        .arg(&case.source)
        .args(&case.with)
        // Libraries after the files that need them.
        .args(libraries)
        .arg("-o")
        .arg(&program);
    util::capture(&mut command).context("the program does not compile")?;
    Ok(program)
}

/// The machine of a configuration: booted when it is needed, and again after something went wrong.
struct Machine {
    project: Project,
    options: Options,
    prepared: Option<Prepared>,
    guest: Option<Guest>,
    boots: usize,
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
            failures: Vec::new(),
        }
    }

    fn run(&mut self, case: &Case, program: &Path) -> Verdict {
        if self.failures.len() >= PATIENCE {
            return Err(format!("as before: {}", self.failures[PATIENCE - 1]));
        }
        let mut guest = match self.ready(case, program) {
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
        let (verdict, healthy) = judge(&mut guest, case, program);
        if healthy {
            self.guest = Some(guest);
        }
        verdict
    }

    /// A guest with the module loaded and the program trusted. It is taken out: only a healthy one is put back.
    fn ready(&mut self, case: &Case, program: &Path) -> Result<Guest> {
        if self.prepared.is_none() {
            self.prepared = Some(self.options.prepare(&self.project, false)?);
        }
        let mut guest = match (self.guest.take(), &self.prepared) {
            (Some(guest), _) => guest,
            (None, Some(prepared)) => {
                self.boots += 1;
                Guest::boot(&self.project, prepared)?
            }
            (None, None) => bail!("nothing is prepared"),
        };
        // Anew for every program: what one leaves behind is its own failure, not the next one's.
        guest.load_module(&case.module.join(" "))?;
        if case.boxed() && case.trust {
            guest.trust(program)?;
        }
        Ok(guest)
    }
}

/// Runs a program, and says whether the guest can be used again.
fn judge(guest: &mut Guest, case: &Case, program: &Path) -> (Verdict, bool) {
    let ours = |name: &str| name == "PRIVBOX" || name == "PRIVBOX_STATS";
    let mut variables = guest.variables().to_vec();
    variables.retain(|(name, _)| !ours(&name.to_string_lossy()));
    let own = case.env.iter();
    variables.extend(own.map(|(name, value)| (name.into(), value.into())));
    let mut words = vec![program.as_os_str().to_owned()];
    words.extend(case.args.iter().map(Into::into));
    let task = Task {
        folder: PathBuf::from("/tmp"),
        variables,
        words,
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let ended = guest.run(&task, case.limit, &mut out, &mut err);
    let mut problems = Vec::new();
    let out = String::from_utf8_lossy(&out);
    let tap = Tap::read(&out);
    let healthy = match ended {
        Ok(end) => {
            if end != End::Code(0) {
                problems.push(format!("the program: {end}"));
            }
            let reports = guest.finish();
            let healthy = reports.is_empty();
            let expected = |report: &String| case.log.iter().any(|text| report.contains(text));
            problems.extend(reports.into_iter().filter(|report| !expected(report)));
            healthy
        }
        Err(error) => {
            problems.push(format!("{error:#}"));
            false
        }
    };
    problems.extend(tap.problems);
    if problems.is_empty() {
        let (tests, skipped) = (tap.passed, tap.skipped);
        return (Ok(Passed { tests, skipped }), healthy);
    }
    let mut text = problems.join("\n");
    for (name, stream) in [("stdout", &out), ("stderr", &String::from_utf8_lossy(&err))] {
        if !stream.trim().is_empty() {
            text.push_str(&format!("\n--- {name}\n{}", util::tail(stream, 60)));
        }
    }
    text.push_str(&format!("\n--- logs: {}", guest.folder().display()));
    (Err(text), healthy)
}
