//! Says hello over HTTP/1.1, a thread per connection. The threads are started in the box and run in it.
//!
//! ```console
//! $ cargo privbox run --release --bin http-hello -- 127.0.0.1:8080 3 &
//! $ curl http://127.0.0.1:8080/you
//! Hello, you!
//! ```
//! The second argument is how many connections to serve before ending (default: no end).

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use privbox::privbox;

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:8080".into());
    let limit = arguments
        .next()
        .and_then(|n| n.parse().ok())
        .unwrap_or(usize::MAX);
    let listener = TcpListener::bind(address)?;
    println!(
        "listening on {} ({:?})",
        listener.local_addr()?,
        privbox::mode()
    );
    let served = serve(&listener, limit)?;
    println!("{served} requests");
    Ok(())
}

#[privbox]
fn serve(listener: &TcpListener, limit: usize) -> io::Result<usize> {
    thread::scope(|scope| {
        let mut threads = Vec::new();
        for stream in listener.incoming().take(limit) {
            let stream = stream?;
            threads.push(scope.spawn(move || converse(&stream)));
            threads.retain(|thread| limit < usize::MAX || !thread.is_finished());
        }
        Ok(threads
            .into_iter()
            .filter_map(|thread| thread.join().ok()?.ok())
            .sum())
    })
}

/// Answers the requests of one connection; returns how many.
fn converse(stream: &TcpStream) -> io::Result<usize> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    for served in 0.. {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(served);
        }
        let Some(request) = Request::parse(&line) else {
            respond(stream, "400 Bad Request", "What?\n", true)?;
            return Ok(served);
        };
        let mut close = !request.keep_alive;
        let name = request.path.trim_start_matches('/').to_owned();
        let is_get = request.method == "GET";
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
                break;
            }
            let (header, value) = line.split_once(':').unwrap_or((&line, ""));
            if header.eq_ignore_ascii_case("connection") {
                close = value.trim().eq_ignore_ascii_case("close");
            }
        }
        let who = if name.is_empty() { "world" } else { &name };
        if is_get {
            respond(stream, "200 OK", &format!("Hello, {who}!\n"), close)?;
        } else {
            respond(stream, "405 Method Not Allowed", "GET only\n", close)?;
        }
        if close {
            return Ok(served + 1);
        }
    }
    unreachable!("a connection ends")
}

struct Request<'a> {
    method: &'a str,
    path: &'a str,
    keep_alive: bool,
}

impl<'a> Request<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let (method, path, version) = (words.next()?, words.next()?, words.next()?);
        version.strip_prefix("HTTP/1.")?;
        Some(Self {
            method,
            path,
            keep_alive: version != "HTTP/1.0",
        })
    }
}

fn respond(mut stream: &TcpStream, status: &str, body: &str, close: bool) -> io::Result<()> {
    let connection = if close { "close" } else { "keep-alive" };
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\
         Connection: {connection}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes())
}
