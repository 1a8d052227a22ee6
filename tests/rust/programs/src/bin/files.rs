//! Files, folders, readers and writers, errors, paths, time, the environment.
use privbox::privbox;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

#[privbox]
fn files(folder: &Path) -> io::Result<Vec<String>> {
    let mut out = Vec::new();
    let path = folder.join("lines.txt");
    let mut writer = BufWriter::new(File::create(&path)?);
    for n in 0..500 {
        writeln!(writer, "line {n} {}", "x".repeat(n % 50))?;
    }
    writer
        .into_inner()
        .map_err(|e| e.into_error())?
        .sync_all()?;
    let reader = BufReader::new(File::open(&path)?);
    let long = reader
        .lines()
        .map_while(Result::ok)
        .filter(|l| l.len() > 50)
        .count();
    out.push(format!(
        "{long} long lines of {} bytes",
        fs::metadata(&path)?.len()
    ));
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .append(false)
        .open(&path)?;
    file.seek(SeekFrom::End(-10))?;
    let mut tail = String::new();
    file.read_to_string(&mut tail)?;
    file.seek(SeekFrom::Start(5))?;
    file.write_all(b"ZERO")?;
    file.rewind()?;
    let mut head = [0; 12];
    file.read_exact(&mut head)?;
    out.push(format!("{tail:?} {:?}", String::from_utf8_lossy(&head)));
    file.set_len(100)?;
    out.push(format!("{}", fs::read(&path)?.len()));
    fs::create_dir_all(folder.join("a/b"))?;
    fs::copy(&path, folder.join("a/b/copy"))?;
    fs::rename(folder.join("a/b/copy"), folder.join("a/moved"))?;
    fs::hard_link(folder.join("a/moved"), folder.join("a/link"))?;
    std::os::unix::fs::symlink("moved", folder.join("a/soft"))?;
    let mut names: Vec<String> = fs::read_dir(folder.join("a"))?
        .filter_map(Result::ok)
        .map(|e| {
            format!(
                "{}{}",
                e.file_name().to_string_lossy(),
                if e.path().is_dir() { "/" } else { "" }
            )
        })
        .collect();
    names.sort();
    out.push(format!(
        "{names:?} {:?}",
        fs::read_link(folder.join("a/soft"))?
    ));
    out.push(format!(
        "{:?}",
        File::open(folder.join("none")).map_err(|e| e.kind())
    ));
    out.push(format!("{}", fs::read_to_string("/").unwrap_err()));
    fs::remove_dir_all(folder.join("a"))?;
    out.push(format!("{} {}", folder.join("a").exists(), path.exists()));
    Ok(out)
}

#[privbox]
fn paths() -> String {
    let path = PathBuf::from("/usr/./lib/../share/doc.tar.gz");
    format!(
        "{:?} {:?} {:?} {:?}",
        path.file_stem(),
        path.extension(),
        path.components().count(),
        path.with_extension("zip").strip_prefix("/usr")
    )
}

#[privbox]
fn time() -> (bool, bool, String) {
    let start = Instant::now();
    std::thread::sleep(Duration::from_millis(3));
    let elapsed = start.elapsed();
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    (
        elapsed >= Duration::from_millis(3),
        since.as_secs() > 1_600_000_000,
        format!("{:?}", Duration::from_micros(1_234_567)),
    )
}

#[privbox]
fn surroundings() -> (usize, Option<String>, bool) {
    (
        std::env::args().count(),
        std::env::var("PRIVBOX_TEST_WORD").ok(),
        std::env::current_dir().is_ok(),
    )
}

fn main() {
    let folder = std::env::temp_dir().join(format!("privbox-files-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    match files(&folder) {
        Ok(lines) => lines.iter().for_each(|line| println!("{line}")),
        Err(error) => println!("error: {error}"),
    }
    fs::remove_dir_all(&folder).unwrap();
    println!("{}", paths());
    println!("{:?}", time());
    println!("{:?}", surroundings());
}
