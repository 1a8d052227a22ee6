//! A running guest: QEMU, the connection to the agent, the kernel log.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::Trouble;
use super::log::Log;
use crate::util::{self, Failure};

/// How the machine is made.
#[derive(Debug, Clone)]
pub struct Config {
    /// Compressed kernel, or an ELF file.
    pub image: PathBuf,
    /// Initramfs with the agent.
    pub initramfs: PathBuf,
    /// Page table isolation; the kernel decides by the CPU if it is not said.
    pub pti: Option<bool>,
    /// CPUs.
    pub smp: u32,
    /// Model of QEMU.
    pub cpu: String,
    /// MiB.
    pub memory: u32,
    /// Time goes by the instructions executed: counts are the same in every run.
    pub icount: bool,
    /// More of the kernel's command line.
    pub append: Vec<String>,
}

/// A command for the guest.
#[derive(Debug, Clone)]
pub struct Task {
    /// Where it runs.
    pub folder: PathBuf,
    /// Its environment.
    pub variables: Vec<(OsString, OsString)>,
    /// Program and arguments.
    pub words: Vec<OsString>,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With this code.
    Code(u8),
    /// By this signal.
    Signal(u8),
    /// It was killed, because it ran longer than it may.
    TimedOut,
}

impl End {
    /// As a shell would say it.
    pub fn code(self) -> u8 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => 128 + signal,
            Self::TimedOut => super::TIMED_OUT,
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
            Self::TimedOut => f.write_str("killed when its time was over"),
        }
    }
}

/// How long a kernel may take to boot. A minute is a lot; this holds on a busy machine too.
const BOOT_LIMIT: Duration = Duration::from_secs(180);

/// How long a command may go on after the kernel reported a problem, and how long the agent may take to answer.
const GRACE: Duration = Duration::from_secs(20);

/// One message of the agent.
struct Message {
    kind: u8,
    data: Vec<u8>,
}

/// A booted guest. Dropping it kills QEMU.
pub struct Machine {
    qemu: Child,
    stream: UnixStream,
    messages: Receiver<Message>,
    log: Log,
    kernel_log: File,
    folder: PathBuf,
}

impl Machine {
    /// Boots; `folder` is for its logs. On return the host's tree is mounted.
    pub fn boot(config: &Config, folder: &Path) -> Result<Self> {
        // Not in `folder`: the path of a socket has at most 107 bytes.
        let scratch = tempfile::Builder::new().prefix("privbox-vm-").tempdir()?;
        let socket = scratch.path().join("port");
        let listener = UnixListener::bind(&socket)
            .map_err(|error| Failure::Unwritable(socket.clone(), error))?;
        listener.set_nonblocking(true)?;
        let messages = folder.join("qemu.log");
        let errors = File::create(&messages)
            .map_err(|error| Failure::Unwritable(messages.clone(), error))?;
        let kernel_log = File::create(folder.join("kernel.log"))
            .map_err(|error| Failure::Unwritable(folder.join("kernel.log"), error))?;
        let mut command = qemu(config, folder, &socket);
        fs::write(
            folder.join("command"),
            format!("{}\n", util::show(&command)),
        )?;
        let mut qemu = command
            .stdin(Stdio::null())
            .stdout(errors.try_clone()?)
            .stderr(errors)
            .spawn()
            .with_context(|| format!("cannot run {}", util::show(&command)))?;
        let stream = match accept(&listener, &mut qemu) {
            Ok(stream) => stream,
            Err(error) => {
                let _ = qemu.kill();
                let _ = qemu.wait();
                let text = fs::read_to_string(&messages).unwrap_or_default();
                return Err(Trouble::Setup(format!(
                    "QEMU does not start: {error:#}\n{}\n{}",
                    util::show(&command),
                    util::tail(&text, 20)
                ))
                .into());
            }
        };
        // They are connected: the socket's name is not needed any more, and cannot be forgotten.
        drop(scratch);
        let messages = receive(stream.try_clone()?);
        let mut machine = Self {
            qemu,
            stream,
            messages,
            log: Log::default(),
            kernel_log,
            folder: folder.to_path_buf(),
        };
        let deadline = Instant::now() + BOOT_LIMIT;
        loop {
            match machine.next(deadline, "boot")? {
                Some(message) if message.kind == b'B' => {
                    // What a kernel says of its CPU when it boots is not our doing.
                    machine.log.reports();
                    return Ok(machine);
                }
                Some(_) => {}
                None => {
                    return Err(Trouble::Boot(format!(
                        "the guest did not boot within {}\n{}",
                        util::seconds(BOOT_LIMIT),
                        machine.console(20)
                    ))
                    .into());
                }
            }
        }
    }

    /// Loads a module; its file is seen by the guest too.
    pub fn load(&mut self, module: &Path, parameters: &str) -> Result<()> {
        let mut data = module.as_os_str().as_bytes().to_vec();
        data.push(0);
        data.extend(parameters.bytes());
        data.push(0);
        let errno = self.errno(b'L', &data, "the module's load")?;
        if errno != 0 {
            return Err(Trouble::Boot(format!(
                "the kernel does not load {}: {}\n{}",
                module.display(),
                std::io::Error::from_raw_os_error(errno),
                util::tail(&self.kernel_log(), 10)
            ))
            .into());
        }
        Ok(())
    }

    /// Unloads a module; an error says why it cannot be.
    pub fn unload(&mut self, name: &str) -> Result<()> {
        let mut data = name.as_bytes().to_vec();
        data.push(0);
        let errno = self.errno(b'U', &data, "the module's unload")?;
        if errno != 0 {
            bail!(
                "the module cannot be unloaded when every program has ended: {}",
                std::io::Error::from_raw_os_error(errno)
            );
        }
        Ok(())
    }

    fn errno(&mut self, kind: u8, data: &[u8], what: &str) -> Result<i32> {
        self.send(kind, data)?;
        let deadline = Instant::now() + 3 * GRACE;
        loop {
            match self.next(deadline, what)? {
                Some(message) if message.kind == b'D' => {
                    return Ok(String::from_utf8_lossy(&message.data).parse()?);
                }
                Some(_) => {}
                None => {
                    return Err(Trouble::Died(format!(
                        "the guest does not answer: {what}\n{}",
                        self.console(20)
                    ))
                    .into());
                }
            }
        }
    }

    /// Runs a command for at most `limit`; what it prints goes to `out` and `err` as it comes.
    pub fn run(
        &mut self,
        task: &Task,
        limit: Duration,
        out: &mut dyn Write,
        err: &mut dyn Write,
    ) -> Result<End> {
        self.send(b'R', &encode(task))?;
        let mut deadline = Instant::now() + limit;
        // Politely first, then for good.
        let mut signals = VecDeque::from(["15", "9"]);
        let mut timed_out = false;
        let mut was_bad = false;
        loop {
            if self.log.is_bad() && !was_bad {
                // What the command does next no longer matters much, but its output may explain.
                was_bad = true;
                deadline = deadline.min(Instant::now() + GRACE);
            }
            let Some(message) = self.next(deadline, "the command")? else {
                timed_out = true;
                let Some(signal) = signals.pop_front() else {
                    return Err(Trouble::Hung(format!(
                        "the guest does not answer after the time limit\n{}",
                        self.console(20)
                    ))
                    .into());
                };
                self.send(b'S', signal.as_bytes())?;
                deadline = Instant::now() + GRACE / 4;
                continue;
            };
            match message.kind {
                b'O' => out.write_all(&message.data)?,
                b'E' => err.write_all(&message.data)?,
                b'X' => {
                    out.flush()?;
                    let text = String::from_utf8_lossy(&message.data).into_owned();
                    let (kind, number) = text.split_once(' ').context("the agent's answer")?;
                    let number: u8 = number.parse().context("the agent's answer")?;
                    return Ok(match kind {
                        _ if timed_out => End::TimedOut,
                        "s" => End::Signal(number),
                        _ => End::Code(number),
                    });
                }
                _ => {}
            }
        }
    }

    /// What the kernel log said since the last call that a healthy kernel does not say: each with several lines.
    pub fn reports(&mut self) -> Vec<String> {
        self.log.reports()
    }

    /// The kernel log until now.
    pub fn kernel_log(&self) -> String {
        let bytes = fs::read(self.folder.join("kernel.log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The CPU time that QEMU took until now. Wall-clock time says little where several machines run.
    pub fn cpu_time(&self) -> Duration {
        // "pid (name) state ..."; user and system time are fields 14 and 15, in hundredths of a second.
        let status =
            fs::read_to_string(format!("/proc/{}/stat", self.qemu.id())).unwrap_or_default();
        let fields = status.rsplit_once(") ").map_or("", |(_, rest)| rest);
        let ticks: u64 = fields
            .split(' ')
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse::<u64>().ok())
            .sum();
        Duration::from_millis(ticks * 10)
    }

    /// The folder with the logs.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn send(&mut self, kind: u8, data: &[u8]) -> Result<()> {
        let mut message = vec![kind];
        message.extend(u32::try_from(data.len())?.to_le_bytes());
        message.extend(data);
        match self.stream.write_all(&message) {
            Ok(()) => Ok(()),
            Err(_) => Err(self.died("a request").into()),
        }
    }

    /// The next message, or `None` when the time is over. Records of the kernel log are dealt with here.
    fn next(&mut self, deadline: Instant, what: &str) -> Result<Option<Message>> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let message = match self.messages.recv_timeout(left) {
                Ok(message) => message,
                Err(RecvTimeoutError::Timeout) => return Ok(None),
                Err(RecvTimeoutError::Disconnected) => return Err(self.died(what).into()),
            };
            match message.kind {
                b'K' => {
                    let record = String::from_utf8_lossy(&message.data);
                    let line = self.log.take(&record);
                    writeln!(self.kernel_log, "{line}")?;
                    if self.log.is_bad() {
                        return Ok(Some(message));
                    }
                }
                b'F' => {
                    return Err(Trouble::Died(format!(
                        "the guest's agent gave up: {}",
                        String::from_utf8_lossy(&message.data)
                    ))
                    .into());
                }
                _ => return Ok(Some(message)),
            }
        }
    }

    /// The guest is gone: what the console says of it.
    fn died(&mut self, what: &str) -> Trouble {
        // It closes the connection a little before it ends and the console is complete.
        let end = Instant::now() + Duration::from_secs(3);
        while Instant::now() < end && matches!(self.qemu.try_wait(), Ok(None)) {
            thread::sleep(Duration::from_millis(20));
        }
        let errors = fs::read_to_string(self.folder.join("qemu.log")).unwrap_or_default();
        // A guest that ends, however it ends, is a success to QEMU.
        if let Ok(Some(status)) = self.qemu.try_wait()
            && !status.success()
        {
            return Trouble::Setup(format!(
                "QEMU ended while we waited for {what}: {status}\n{}",
                util::tail(&errors, 10)
            ));
        }
        let console = fs::read(self.folder.join("console.log")).unwrap_or_default();
        let console = String::from_utf8_lossy(&console);
        let mut log = Log::default();
        for line in console.lines() {
            let text = line.split_once("] ").map_or(line, |(_, text)| text);
            log.judge(text, line);
        }
        let mut text = format!("the guest died while we waited for {what}");
        let reports = log.reports();
        if reports.is_empty() {
            text.push_str(&format!(
                "; the kernel said nothing of it (a triple fault?)\n{}\n{}",
                self.console(20),
                util::tail(&errors, 10)
            ));
        } else {
            for report in reports.iter().take(5) {
                text.push('\n');
                text.push_str(report);
            }
        }
        Trouble::Died(text)
    }

    /// The last lines of the console.
    fn console(&self, lines: usize) -> String {
        let bytes = fs::read(self.folder.join("console.log")).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        format!("the console's last lines:\n{}", util::tail(&text, lines))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}

/// The command line of QEMU.
fn qemu(config: &Config, folder: &Path, socket: &Path) -> Command {
    let mut kernel = vec![
        "console=ttyS0".to_owned(),
        // Warnings too, without what a boot says.
        "loglevel=5".to_owned(),
        // A panic ends QEMU, by a reboot that -no-reboot refuses.
        "panic=-1".to_owned(),
        "log_buf_len=2M".to_owned(),
        // QEMU's clock is good, and measuring that costs a second.
        "tsc=reliable".to_owned(),
        "no_timer_check".to_owned(),
        // Every line of a report counts.
        "printk.devkmsg=on".to_owned(),
        // The agent brings up the others.
        "maxcpus=1".to_owned(),
    ];
    if let Some(pti) = config.pti {
        kernel.push(format!("pti={}", if pti { "on" } else { "off" }));
    }
    kernel.extend(config.append.iter().cloned());
    // QEMU must not live longer than we do, however we end.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--", "qemu-system-x86_64"]);
    command
        .args(["-accel", "tcg", "-cpu", &config.cpu])
        .args(["-smp", &config.smp.to_string()])
        .args(["-m", &config.memory.to_string()])
        .args([
            "-nodefaults",
            "-no-user-config",
            "-display",
            "none",
            "-no-reboot",
        ])
        .args(["-net", "none"])
        .arg("-kernel")
        .arg(&config.image)
        .arg("-initrd")
        .arg(&config.initramfs)
        .args(["-append", &kernel.join(" ")])
        .arg("-serial")
        .arg(option("file:", &folder.join("console.log"), ""))
        .args(["-virtfs"])
        .arg("local,path=/,security_model=none,readonly=on,multidevs=remap,mount_tag=host")
        .args(["-device", "virtio-serial-pci", "-chardev"])
        .arg(option("socket,id=agent,path=", socket, ""))
        .args(["-device", "virtserialport,chardev=agent,nr=1,name=privbox"]);
    if config.icount {
        command.args(["-icount", "shift=0,sleep=off"]);
    }
    command
}

/// A path within an option of QEMU, where a comma is written twice.
fn option(before: &str, path: &Path, after: &str) -> OsString {
    let mut result = OsString::from(before);
    let path = path.to_string_lossy().replace(',', ",,");
    result.push(path);
    result.push(after);
    result
}

/// QEMU connects at once, before it starts the guest; or it ends with a message.
fn accept(listener: &UnixListener, qemu: &mut Child) -> Result<UnixStream> {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false)?;
                return Ok(stream);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
        if let Some(status) = qemu.try_wait()? {
            bail!("{status}");
        }
        if Instant::now() > deadline {
            bail!("it does not connect");
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Reads messages in a thread of its own, so that waiting for them can have a limit.
fn receive(mut stream: UnixStream) -> Receiver<Message> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        loop {
            let mut head = [0; 5];
            if stream.read_exact(&mut head).is_err() {
                return;
            }
            let length = u32::from_le_bytes([head[1], head[2], head[3], head[4]]);
            let mut data = vec![0; length as usize];
            if stream.read_exact(&mut data).is_err() {
                return;
            }
            let kind = head[0];
            if sender.send(Message { kind, data }).is_err() {
                return;
            }
        }
    });
    receiver
}

/// The payload of `R`: every string ends with a NUL.
fn encode(task: &Task) -> Vec<u8> {
    let mut data = Vec::new();
    let mut add = |text: &OsStr| {
        data.extend(text.as_bytes());
        data.push(0);
    };
    add(task.folder.as_os_str());
    add(OsStr::new(&task.variables.len().to_string()));
    for (name, value) in &task.variables {
        let mut text = name.clone();
        text.push("=");
        text.push(value);
        add(&text);
    }
    add(OsStr::new(&task.words.len().to_string()));
    for word in &task.words {
        add(word);
    }
    data
}
