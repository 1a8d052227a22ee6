//! A key-value server: one thread, epoll, lines of text. The event loop runs in the box.
//!
//! ```console
//! $ cargo privbox run --release --bin kv-server -- 127.0.0.1:7000 &
//! $ printf 'set colour blue\nget colour\ndel colour\nget colour\n' | nc -N 127.0.0.1 7000
//! ok
//! value blue
//! ok
//! none
//! ```

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;

use privbox::privbox;
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};

/// The listener's number; connections have the others.
const LISTENER: u64 = u64::MAX;

fn main() -> io::Result<()> {
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:7000".into());
    let listener = TcpListener::bind(address)?;
    println!(
        "listening on {} ({:?})",
        listener.local_addr()?,
        privbox::mode()
    );
    serve(&listener)?;
    println!("{:?}", privbox::stats());
    Ok(())
}

/// Serves until a client says `shutdown`.
#[privbox]
fn serve(listener: &TcpListener) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    epoll::add(
        &epoll,
        listener.as_fd(),
        EventData::new_u64(LISTENER),
        EventFlags::IN,
    )?;
    let mut store = Store::default();
    let mut connections: HashMap<u64, Connection> = HashMap::new();
    let mut next = 0;
    let mut events = Vec::with_capacity(64);
    let mut buffer = vec![0; 16 << 10];
    while !store.shut_down {
        events.clear();
        epoll::wait(&epoll, spare_capacity(&mut events), None)?;
        for event in &events {
            let number = event.data.u64();
            if number == LISTENER {
                while let Ok((stream, _)) = listener.accept() {
                    stream.set_nonblocking(true)?;
                    stream.set_nodelay(true)?;
                    let flags = EventFlags::IN | EventFlags::RDHUP;
                    epoll::add(&epoll, &stream, EventData::new_u64(next), flags)?;
                    connections.insert(next, Connection::new(stream));
                    next += 1;
                }
            } else if let Some(connection) = connections.get_mut(&number) {
                // Closing a descriptor takes it out of the epoll.
                if !connection.advance(&mut store, &mut buffer) {
                    connections.remove(&number);
                }
            }
        }
    }
    Ok(())
}

#[derive(Default)]
struct Store {
    values: HashMap<Vec<u8>, Vec<u8>>,
    shut_down: bool,
}

impl Store {
    /// Carries out one line and appends the answer to `out`.
    fn execute(&mut self, line: &[u8], out: &mut Vec<u8>) {
        let mut words = line.splitn(3, |byte| *byte == b' ');
        let command = words.next().unwrap_or_default();
        match (command, words.next(), words.next()) {
            (b"get", Some(key), None) => match self.values.get(key) {
                Some(value) => {
                    out.extend_from_slice(b"value ");
                    out.extend_from_slice(value);
                    out.push(b'\n');
                }
                None => out.extend_from_slice(b"none\n"),
            },
            (b"set", Some(key), Some(value)) => {
                match self.values.get_mut(key) {
                    Some(old) => {
                        old.clear();
                        old.extend_from_slice(value);
                    }
                    None => drop(self.values.insert(key.to_vec(), value.to_vec())),
                }
                out.extend_from_slice(b"ok\n");
            }
            (b"del", Some(key), None) => {
                let removed = self.values.remove(key).is_some();
                out.extend_from_slice(if removed { b"ok\n" } else { b"none\n" });
            }
            (b"count", None, None) => {
                let _ = writeln!(out, "count {}", self.values.len());
            }
            (b"shutdown", None, None) => self.shut_down = true,
            _ => {
                out.extend_from_slice(b"error: get KEY, set KEY VALUE, del KEY, count, shutdown\n")
            }
        }
    }
}

struct Connection {
    stream: TcpStream,
    input: Vec<u8>,
    output: Vec<u8>,
}

impl Connection {
    fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            input: Vec::new(),
            output: Vec::new(),
        }
    }

    /// Reads what is there by way of `buffer`, answers every complete line. False: the connection is over.
    fn advance(&mut self, store: &mut Store, buffer: &mut [u8]) -> bool {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return false,
                Ok(length) => self.input.extend_from_slice(&buffer[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return false,
            }
            let mut done = 0;
            while let Some(length) = self.input[done..].iter().position(|byte| *byte == b'\n') {
                let line = &self.input[done..done + length];
                store.execute(line.strip_suffix(b"\r").unwrap_or(line), &mut self.output);
                done += length + 1;
            }
            self.input.drain(..done);
            if self.answer().is_err() {
                return false;
            }
        }
    }

    /// Sends all answers. A client that does not read them is waited for.
    fn answer(&mut self) -> io::Result<()> {
        if self.output.is_empty() {
            return Ok(());
        }
        let result = match self.stream.write(&self.output) {
            Ok(length) if length == self.output.len() => Ok(()),
            Ok(length) => self.send_slowly(length),
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.send_slowly(0),
            Err(error) => Err(error),
        };
        self.output.clear();
        result
    }

    fn send_slowly(&mut self, sent: usize) -> io::Result<()> {
        self.stream.set_nonblocking(false)?;
        self.stream.write_all(&self.output[sent..])?;
        self.stream.set_nonblocking(true)
    }
}
