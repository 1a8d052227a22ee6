//! std::io without files: cursors, adapters, vectored and formatted writing, pipes, standard streams; other processes.
use privbox::privbox;
use std::io::{self, BufRead, Cursor, IoSlice, Read, Seek, SeekFrom, Write};
use std::process::{Command, Stdio};

#[privbox]
fn adapters() -> io::Result<Vec<String>> {
    let mut out = Vec::new();
    let text = b"first line\nsecond line\n\nlast".to_vec();
    let mut cursor = Cursor::new(text.clone());
    cursor.seek(SeekFrom::Start(6))?;
    let mut line = String::new();
    cursor.read_line(&mut line)?;
    out.push(format!("{line:?} at {}", cursor.position()));
    let mut both = (&text[..5])
        .chain(Cursor::new(b" + "))
        .chain(text.as_slice().take(5));
    let mut joined = String::new();
    both.read_to_string(&mut joined)?;
    out.push(joined);
    let lengths: Vec<usize> = text.split(|b| *b == b'\n').map(<[u8]>::len).collect();
    out.push(format!(
        "{lengths:?} {:?}",
        text.lines().map_while(Result::ok).last()
    ));
    let mut sink = Vec::new();
    let written = sink.write_vectored(&[IoSlice::new(b"ab"), IoSlice::new(b"cde")])?;
    write!(sink, "{written:>4}|{:<6}|{:^7}|", "l", "mid")?;
    out.push(String::from_utf8_lossy(&sink).into_owned());
    let mut fixed = [0u8; 4];
    let short = (&mut fixed[..])
        .write_all(b"too long")
        .map_err(|e| e.kind());
    out.push(format!("{short:?} {fixed:?}"));
    let copied = io::copy(&mut io::repeat(7).take(100_000), &mut io::sink())?;
    let end = Cursor::new([1, 2])
        .read_exact(&mut [0; 3])
        .map_err(|e| e.to_string());
    out.push(format!("{copied} {end:?}"));
    Ok(out)
}

#[privbox]
fn pipes() -> io::Result<(usize, u64)> {
    let (mut reader, mut writer) = io::pipe()?;
    let thread = std::thread::spawn(move || -> io::Result<()> {
        for n in 0..2000u32 {
            writer.write_all(&n.to_le_bytes())?;
        }
        Ok(())
    });
    let mut all = Vec::new();
    reader.read_to_end(&mut all)?;
    thread.join().unwrap()?;
    let sum = all
        .chunks_exact(4)
        .map(|c| u64::from(u32::from_le_bytes([c[0], c[1], c[2], c[3]])))
        .sum();
    Ok((all.len(), sum))
}

#[privbox]
fn standard() -> io::Result<usize> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "locked")?;
    stdout.flush()?;
    let mut input = String::new();
    io::stdin().read_to_string(&mut input)?;
    eprintln!("to standard error");
    Ok(input.len())
}

#[privbox]
fn others() -> io::Result<String> {
    let output = Command::new("sh")
        .args(["-c", "read word; echo \"$word $GIVEN\"; exit 5"])
        .env("GIVEN", "given")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .and_then(|mut child| {
            child
                .stdin
                .take()
                .expect("it is piped")
                .write_all(b"from the box\n")?;
            child.wait_with_output()
        })?;
    let missing = Command::new("/nowhere/at/all")
        .status()
        .map_err(|e| e.kind());
    Ok(format!(
        "{:?} {:?} {missing:?}",
        output.status.code(),
        String::from_utf8_lossy(&output.stdout)
    ))
}

fn main() {
    println!("{:#?}", adapters());
    println!("{:?}", pipes());
    println!("{:?}", standard());
    println!("{:?}", others());
}
