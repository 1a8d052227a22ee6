//! `privbox-bench-rust WORKLOAD ROUNDS` prints a checksum of what was computed and the CPU seconds it took.

use std::hash::{Hash, Hasher};
use std::process::ExitCode;

use privbox::privbox;

/// What is compared is code, not allocators.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Workload = fn(u64) -> u64;

const WORKLOADS: [(&str, Workload); 6] = [
    ("serde_json", serde_json_work),
    ("regex", regex_work),
    ("hashbrown", hashbrown_work),
    ("miniz_oxide", miniz_work),
    ("sha2", sha2_work),
    ("httparse", httparse_work),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let chosen = match arguments.as_slice() {
        [name, rounds] => WORKLOADS
            .iter()
            .find(|(known, _)| known == name)
            .zip(rounds.parse::<u64>().ok()),
        [] => {
            for (name, _) in WORKLOADS {
                println!("{name}");
            }
            return ExitCode::SUCCESS;
        }
        _ => None,
    };
    let Some(((_, work), rounds)) = chosen else {
        eprintln!("usage: privbox-bench-rust [WORKLOAD ROUNDS]");
        return ExitCode::from(2);
    };
    // Everything is touched once before it is measured.
    work(1);
    let start = cpu_seconds();
    let checksum = work(rounds);
    println!("{checksum:016x} {:.6}", cpu_seconds() - start);
    ExitCode::SUCCESS
}

/// Of this process, from the kernel's accounting in nanoseconds.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanoseconds = text
        .split_whitespace()
        .next()
        .and_then(|n| n.parse::<f64>().ok());
    nanoseconds.unwrap_or(0.0) / 1e9
}

/// Deterministic numbers.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        self.0 >> 29
    }
}

fn digest(value: impl Hash) -> u64 {
    // SipHash with fixed keys.
    #[allow(deprecated)]
    let mut hasher = std::hash::SipHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn text(words: usize) -> String {
    let mut random = Random(7);
    let mut out = String::new();
    for _ in 0..words {
        for _ in 0..2 + random.next() % 8 {
            out.push((b'a' + (random.next() % 26) as u8) as char);
        }
        out.push(if random.next() % 12 == 0 { '\n' } else { ' ' });
        if random.next() % 40 == 0 {
            out.push_str(&format!(
                "user{}@example{}.org ",
                random.next() % 1000,
                random.next() % 10
            ));
        }
    }
    out
}

#[privbox]
fn serde_json_work(rounds: u64) -> u64 {
    let mut random = Random(1);
    let records: Vec<serde_json::Value> = (0..300)
        .map(|n| {
            serde_json::json!({
                "id": n,
                "name": format!("name {} \"quoted\"", random.next()),
                "scores": (0..10).map(|_| random.next() as f64 / 1000.0).collect::<Vec<_>>(),
                "nested": { "flag": n % 2 == 0, "none": null, "text": "é\n\t\u{1F600}" },
            })
        })
        .collect();
    let mut document = serde_json::to_string(&records).unwrap();
    let mut sum = 0;
    for _ in 0..rounds {
        let value: serde_json::Value = serde_json::from_str(&document).unwrap();
        sum ^= value[17]["scores"][3].as_f64().unwrap().to_bits();
        document = serde_json::to_string(&value).unwrap();
    }
    sum ^ digest(document)
}

#[privbox]
fn regex_work(rounds: u64) -> u64 {
    let text = text(8000);
    let email = regex::Regex::new(r"(?P<who>\w+)@(?P<where>[\w.]+\.org)").unwrap();
    let words = regex::Regex::new(r"\b[aeiou]\w*[^aeiou\s]\b").unwrap();
    let mut sum = 0u64;
    for _ in 0..rounds {
        sum += email
            .captures_iter(&text)
            .map(|c| c["who"].len() as u64)
            .sum::<u64>();
        sum += words.find_iter(&text).map(|m| m.len() as u64).sum::<u64>();
    }
    sum
}

#[privbox]
fn hashbrown_work(rounds: u64) -> u64 {
    let mut random = Random(3);
    let mut sum = 0u64;
    for _ in 0..rounds {
        let mut map: hashbrown::HashMap<u64, u64> = hashbrown::HashMap::new();
        for _ in 0..20_000 {
            *map.entry(random.next() % 30_000).or_insert(0) += 1;
        }
        for _ in 0..20_000 {
            sum += map.get(&(random.next() % 30_000)).copied().unwrap_or(7);
            map.remove(&(random.next() % 30_000));
        }
        sum ^= map.len() as u64;
    }
    sum
}

#[privbox]
fn miniz_work(rounds: u64) -> u64 {
    let text = text(12_000);
    let mut sum = 0u64;
    for _ in 0..rounds {
        let packed = miniz_oxide::deflate::compress_to_vec(text.as_bytes(), 6);
        let unpacked = miniz_oxide::inflate::decompress_to_vec(&packed).unwrap();
        assert_eq!(unpacked.len(), text.len());
        sum += packed.len() as u64;
    }
    sum
}

#[privbox]
fn sha2_work(rounds: u64) -> u64 {
    use sha2::Digest as _;
    let data: Vec<u8> = (0..200_000u32).map(|n| (n * n >> 5) as u8).collect();
    let mut last = [0; 32];
    for _ in 0..rounds {
        let mut hasher = sha2::Sha256::new();
        hasher.update(last);
        hasher.update(&data);
        last = hasher.finalize().into();
    }
    digest(last)
}

#[privbox]
fn httparse_work(rounds: u64) -> u64 {
    let request = b"GET /search?q=box&lang=en HTTP/1.1\r\nHost: example.org\r\nUser-Agent: bench/1.0 (x86_64)\r\n\
        Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\r\nAccept-Language: en\r\nCookie: id=0123456789abcdef; theme=dark\r\n\
        Connection: keep-alive\r\nContent-Length: 12\r\n\r\n";
    let mut sum = 0u64;
    for _ in 0..rounds * 5000 {
        let mut headers = [httparse::EMPTY_HEADER; 16];
        let mut parsed = httparse::Request::new(&mut headers);
        let status = parsed.parse(std::hint::black_box(request)).unwrap();
        sum += status.unwrap() as u64;
        sum += parsed
            .headers
            .iter()
            .map(|h| h.value.len() as u64)
            .sum::<u64>();
    }
    sum
}
