//! std::net: a server and its clients, TCP, UDP and Unix sockets, all in the box.
use privbox::privbox;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

fn serve(stream: TcpStream) -> io::Result<usize> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    let mut served = 0;
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 {
        let reversed: String = line.trim_end().chars().rev().collect();
        writeln!(writer, "{reversed}")?;
        served += 1;
        line.clear();
    }
    Ok(served)
}

#[privbox]
fn tcp(clients: usize) -> io::Result<Vec<String>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address: SocketAddr = listener.local_addr()?;
    let server = thread::spawn(move || -> io::Result<usize> {
        let mut served = 0;
        for _ in 0..clients {
            served += serve(listener.accept()?.0)?;
        }
        Ok(served)
    });
    let mut out = Vec::new();
    for client in 0..clients {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        let mut reader = BufReader::new(stream.try_clone()?);
        for n in 0..=client {
            writeln!(&stream, "client {client} says {n}")?;
            let mut answer = String::new();
            reader.read_line(&mut answer)?;
            out.push(answer.trim_end().to_owned());
        }
    }
    out.push(format!("served {}", server.join().unwrap()?));
    Ok(out)
}

#[privbox]
fn others() -> io::Result<(String, Vec<u8>, String)> {
    let a = UdpSocket::bind("127.0.0.1:0")?;
    let b = UdpSocket::bind("127.0.0.1:0")?;
    b.connect(a.local_addr()?)?;
    b.send(b"datagram")?;
    let mut buffer = [0; 64];
    let (length, from) = a.recv_from(&mut buffer)?;
    let same = from == b.local_addr()?;
    let (mut left, mut right) = UnixStream::pair()?;
    left.write_all(&[1, 2, 3])?;
    drop(left);
    let mut read = Vec::new();
    right.read_to_end(&mut read)?;
    let refused =
        TcpStream::connect_timeout(&"127.0.0.1:1".parse().unwrap(), Duration::from_secs(5));
    Ok((
        format!("{} {same}", String::from_utf8_lossy(&buffer[..length])),
        read,
        format!(
            "{:?} {:?}",
            refused.map_err(|e| e.kind()),
            "[::1]:80".parse::<SocketAddr>()
        ),
    ))
}

fn main() {
    println!("{:#?}", tcp(3));
    println!("{:?}", others());
}
