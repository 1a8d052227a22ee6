//! `rust-example-session FOLDER`: uses the three programs of `examples/rust` that are in FOLDER as their users would, and prints
//! what they answered: the same in every mode. `PRIVBOX` is the mode that the programs must be in (unset: compiled without
//! a box). Ends with 1 if one of them is not, or misbehaves.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use privbox_tests::compare;

/// Requests in one go: more than sockets hold, so that the server must wait for room.
const MANY: usize = 20_000;
/// Calls out of the box that a server may make however many requests there are.
const FEW: u64 = 100;

fn main() -> Result<()> {
    let folder = std::env::args_os()
        .nth(1)
        .map(PathBuf::from)
        .context("usage: rust-example-session FOLDER")?;
    let mode = match std::env::var("PRIVBOX").as_deref() {
        Ok("user") => "User",
        Ok("kernel") => "Kernel",
        _ => "Off",
    };
    copy_files(&folder).context("file-copy")?;
    store_values(&folder, mode).context("kv-server")?;
    say_hello(&folder, mode).context("http-hello")?;
    Ok(())
}

fn copy_files(folder: &Path) -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let (from, to) = (scratch.path().join("from"), scratch.path().join("to"));
    let bytes: Vec<u8> = (0..300_001_u32).flat_map(u32::to_le_bytes).collect();
    fs::write(&from, &bytes)?;
    let copy = |from: &Path| -> Result<String> {
        let output = Command::new(folder.join("file-copy"))
            .args([from, to.as_path()])
            .output()?;
        let text = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        // The runtime's own line differs from mode to mode: it is the caller's to look at.
        let (stats, rest) = compare::statistics(&text);
        eprintln!("{}", stats.join("\n"));
        let text = rest.replace(&*scratch.path().to_string_lossy(), "");
        Ok(format!("{}: {text}", output.status))
    };
    println!("{}", copy(&from)?);
    ensure!(fs::read(&to)? == bytes, "the copy differs");
    println!("{}", copy(&scratch.path().join("missing"))?);
    println!("{}", copy(scratch.path())?);
    Ok(())
}

/// A server that has said where it listens.
struct Server {
    child: Child,
    output: BufReader<ChildStdout>,
    address: String,
}

impl Server {
    fn start(program: &Path, arguments: &[&str], mode: &str) -> Result<Self> {
        let mut child = Command::new(program)
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| program.display().to_string())?;
        let mut output = BufReader::new(child.stdout.take().context("no output")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let address = line
            .strip_prefix("listening on ")
            .and_then(|rest| rest.strip_suffix(&format!(" ({mode})\n")))
            .with_context(|| format!("mode {mode}: it says '{}'", line.trim()))?
            .to_owned();
        Ok(Self {
            child,
            output,
            address,
        })
    }

    fn connect(&self) -> Result<TcpStream> {
        let stream = TcpStream::connect(&self.address)?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// Waits for its end; returns what else it printed.
    fn end(mut self) -> Result<String> {
        let mut rest = String::new();
        self.output.read_to_string(&mut rest)?;
        let status = self.child.wait()?;
        println!("{status}");
        Ok(rest)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After an error; else it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn store_values(folder: &Path, mode: &str) -> Result<()> {
    let server = Server::start(&folder.join("kv-server"), &["127.0.0.1:0"], mode)?;
    let (mut one, mut two) = (server.connect()?, server.connect()?);
    let mut answers = BufReader::new(one.try_clone()?);
    let mut ask = |request: &[u8]| -> Result<()> {
        one.write_all(request)?;
        let mut line = String::new();
        answers.read_line(&mut line)?;
        print!("{} -> {line}", String::from_utf8_lossy(request).trim());
        Ok(())
    };
    ask(b"set colour dark blue\n")?;
    ask(b"get colour\r\n")?;
    ask(b"what is this\n")?;
    ask(b"del colour\n")?;
    ask(b"get colour\n")?;
    ask(b"count\n")?;
    // A request in two parts, and another client in between.
    one.write_all(b"set ha")?;
    let mut answer = [0; 5];
    two.write_all(b"get half\n")?;
    two.read_exact(&mut answer)?;
    print!("half a request: {}", String::from_utf8_lossy(&answer));
    one.write_all(b"lf 2\n")?;
    let mut line = String::new();
    answers.read_line(&mut line)?;
    print!("the other half: {line}");
    // Many at once, from a client that goes without a word.
    let mut many = server.connect()?;
    let mut input = BufReader::new(many.try_clone()?);
    let writer = std::thread::spawn(move || -> std::io::Result<()> {
        let requests: String = (0..MANY)
            .map(|n| format!("set key{n} value {n}\nget key{n}\n"))
            .collect();
        many.write_all(requests.as_bytes())?;
        many.shutdown(Shutdown::Write)
    });
    for n in 0..MANY {
        for expected in ["ok\n".to_owned(), format!("value value {n}\n")] {
            line.clear();
            input.read_line(&mut line)?;
            ensure!(line == expected, "request {n}: '{line}'");
        }
    }
    writer.join().ok().context("the writer panicked")??;
    two.write_all(b"count\n")?;
    line.clear();
    BufReader::new(two.try_clone()?).read_line(&mut line)?;
    print!("count -> {line}");
    two.write_all(b"shutdown\n")?;
    let rest = server.end()?;
    let outs = rest
        .split_once("call_outs: ")
        .and_then(|(_, rest)| rest.split_once(','))
        .and_then(|(number, _)| number.parse::<u64>().ok())
        .with_context(|| format!("no statistics: '{}'", rest.trim()))?;
    ensure!(
        outs < FEW,
        "{outs} calls out of the box in {MANY} requests: {}",
        rest.trim()
    );
    Ok(())
}

fn say_hello(folder: &Path, mode: &str) -> Result<()> {
    let server = Server::start(&folder.join("http-hello"), &["127.0.0.1:0", "4"], mode)?;
    // Four connections at once, a thread each.
    let mut streams = (0..4)
        .map(|_| server.connect())
        .collect::<Result<Vec<_>>>()?;
    let requests: [&[u8]; 4] = [
        b"GET /you HTTP/1.1\r\nHost: here\r\n\r\nGET / HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"GET /old HTTP/1.0\r\n\r\n",
        b"POST /you HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"nonsense\r\n\r\n",
    ];
    for (stream, request) in streams.iter_mut().zip(requests) {
        stream.write_all(request)?;
    }
    for stream in &mut streams {
        let mut text = Vec::new();
        // The one that is refused may be reset: it sent more than was read.
        let _ = stream.read_to_end(&mut text);
        println!("{}", String::from_utf8_lossy(&text));
    }
    print!("{}", server.end()?);
    Ok(())
}
