//! `kv-load SERVER REQUESTS DEPTH`: starts the key-value server of `examples/rust`, sends it requests over loopback, DEPTH at a
//! time, and prints how many seconds and ticks of the processor's clock they took, then what the server printed at its end.
//!
//! In a guest whose clock counts instructions, the ticks are the instructions of both processes and of the kernel.

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// Requests before those that count: pages are there, tables have grown.
const WARM: usize = 2000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [server, requests, depth] = arguments.as_slice() else {
        return Err("usage: kv-load SERVER REQUESTS DEPTH".into());
    };
    let (requests, depth) = (requests.parse()?, depth.parse()?);
    be_batch()?;
    let mut server = Command::new(server)
        .arg("127.0.0.1:0")
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{server}: {error}"))?;
    let result = talk(&mut server, requests, depth);
    // Whatever happened, it ends.
    let _ = server.kill();
    server.wait()?;
    result
}

/// SCHED_BATCH, also for the server: who is woken does not preempt. Otherwise it depends on the scheduler's accounts whether the server finds
/// the next request when it has sent an answer, or has to wait for it: a system call or two per request, more or less by chance.
fn be_batch() -> Result<(), Box<dyn Error>> {
    let none = libc::sched_param { sched_priority: 0 };
    // SAFETY: `none` is read only.
    if unsafe { libc::sched_setscheduler(0, libc::SCHED_BATCH, &none) } != 0 {
        return Err(format!("sched_setscheduler: {}", std::io::Error::last_os_error()).into());
    }
    Ok(())
}

fn talk(server: &mut Child, requests: usize, depth: usize) -> Result<(), Box<dyn Error>> {
    let mut output = BufReader::new(server.stdout.take().ok_or("no output")?);
    let mut line = String::new();
    output.read_line(&mut line)?;
    let address = line
        .strip_prefix("listening on ")
        .and_then(|rest| rest.split_whitespace().next())
        .ok_or_else(|| format!("the server says '{}'", line.trim()))?;
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(1 << 16, stream.try_clone()?);
    exchange(&mut stream, &mut reader, WARM, depth)?;
    let (start, ticks) = (Instant::now(), ticks());
    exchange(&mut stream, &mut reader, requests, depth)?;
    println!("{:.6} {}", start.elapsed().as_secs_f64(), self::ticks() - ticks);
    stream.write_all(b"shutdown\n")?;
    let mut rest = String::new();
    output.read_to_string(&mut rest)?;
    println!("{}", rest.trim());
    Ok(())
}

/// Half of the requests store, half read.
fn exchange(
    stream: &mut TcpStream,
    reader: &mut impl BufRead,
    requests: usize,
    depth: usize,
) -> Result<(), Box<dyn Error>> {
    let mut batch = Vec::new();
    let mut line = Vec::new();
    let mut sent = 0;
    while sent < requests {
        batch.clear();
        let size = depth.min(requests - sent);
        for n in sent..sent + size {
            let key = n / 2 * 7 % 1000;
            if n % 2 == 0 {
                writeln!(batch, "set key{key} value {n}")?;
            } else {
                writeln!(batch, "get key{key}")?;
            }
        }
        stream.write_all(&batch)?;
        for n in sent..sent + size {
            line.clear();
            reader.read_until(b'\n', &mut line)?;
            let good: &[u8] = if n % 2 == 0 { b"ok\n" } else { b"value value " };
            if !line.starts_with(good) {
                return Err(format!("request {n}: '{}'", String::from_utf8_lossy(&line)).into());
            }
        }
        sent += size;
    }
    Ok(())
}

fn ticks() -> u64 {
    // SAFETY: every x86-64 has the instruction.
    unsafe { std::arch::x86_64::_rdtsc() }
}
