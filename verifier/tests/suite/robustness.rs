//! Hostile input: nothing panics, nothing takes long, no changed text is accepted. The fuzz targets
//! (`verifier/fuzz`) do the same without an end.

use std::time::{Duration, Instant};

use privbox_verifier::image::Image;
use privbox_verifier::verify::{Options, verify};

use crate::harness::check;
use crate::harness::layout::{self, Settings};
use crate::harness::random::{Random, effort, first_seed};
use crate::images::{good_file, verdict};

/// For one input of a few KiB, in a slow build.
const LONG: Duration = Duration::from_secs(10);

fn try_file(bytes: &[u8]) -> bool {
    let start = Instant::now();
    let accepted = verdict(bytes, &Options::default()).is_ok();
    assert!(
        start.elapsed() < LONG,
        "{} bytes take too long",
        bytes.len()
    );
    accepted
}

#[test]
fn truncated_files() {
    let file = good_file().bytes();
    // All lengths of the headers, then every 97th.
    for length in (0..0x1000).chain((0x1000..file.len()).step_by(97)) {
        assert!(
            !try_file(&file[..length]) || length + 0x1000 > file.len(),
            "{length}"
        );
    }
}

#[test]
fn mutated_files() {
    let good = good_file().bytes();
    let text = Image::from_elf(&good)
        .map(|i| i.bytes[0x4000..].to_vec())
        .expect("a good file");
    let mut random = Random::new(first_seed());
    let extremes = [
        0,
        1,
        0xff,
        0x1000,
        1 << 31,
        1 << 47,
        1 << 63,
        u64::MAX,
        u64::MAX - 0xfff,
        0x40_4000,
    ];
    for _ in 0..6000 * effort() {
        let mut file = good.clone();
        for _ in 0..1 + random.below(3) {
            // Mostly headers, note and function table; sometimes the box.
            let at = if random.one_in(6) {
                random.index(file.len() - 8)
            } else {
                random.index(0xa00)
            };
            match random.below(4) {
                0 => file[at] ^= 1 << random.below(8),
                1 => file[at] = random.next() as u8,
                2 => {
                    let at = at & !7;
                    let value = random.pick(&extremes);
                    file[at..at + 8].copy_from_slice(&value.to_le_bytes());
                }
                _ => {
                    let at = at & !3;
                    file[at..at + 4]
                        .copy_from_slice(&(random.next() as u32 & 0xffff).to_le_bytes());
                }
            }
        }
        if try_file(&file) {
            let image = Image::from_elf(&file).expect("it was just read");
            assert_eq!(image.bytes[0x4000..], text, "changed text is accepted");
        }
    }
}

#[test]
fn random_files() {
    let mut random = Random::new(first_seed());
    let good = good_file().bytes();
    for _ in 0..2000 * effort() {
        let length = random.index(2000);
        let mut file: Vec<u8> = (0..length).map(|_| random.next() as u8).collect();
        let kept = random.index(512).min(length);
        file[..kept].copy_from_slice(&good[..kept]);
        assert!(!try_file(&file));
    }
}

#[test]
fn random_code() {
    let mut random = Random::new(first_seed());
    for _ in 0..3000 * effort() {
        let length = 1 + random.index(300);
        let mut code: Vec<u8> = (0..length).map(|_| random.next() as u8).collect();
        // Bytes that are often instructions by themselves.
        for byte in &mut code {
            if random.one_in(2) {
                *byte = random.pick(&[
                    0x48, 0x89, 0x8b, 0x0f, 0xc0, 0x50, 0x58, 0x90, 0x31, 0x24, 0x83, 0xeb, 0x75,
                    0xe8,
                ]);
            }
        }
        let start = Instant::now();
        check::accepted(&layout::function(&code, Settings::default()));
        assert!(start.elapsed() < LONG, "{code:02x?}");
    }
}

/// Images that no file gives: every field arbitrary. (The driver builds images of its own.)
#[test]
fn absurd_images() {
    let mut random = Random::new(first_seed());
    let extremes = [
        0,
        1,
        16,
        0x40_0000,
        0x40_4000,
        0x40_5000,
        1 << 47,
        1 << 63,
        u64::MAX,
        u64::MAX - 15,
    ];
    for _ in 0..4000 * effort() {
        let mut image = crate::images::good_image();
        let value = |random: &mut Random| {
            if random.one_in(3) {
                random.next()
            } else {
                random.pick(&extremes)
            }
        };
        for _ in 0..1 + random.below(3) {
            let v = value(&mut random);
            match random.below(10) {
                0 => image.base = v,
                1 => image.text.start = v,
                2 => image.text.end = v,
                3 => image.tables.start = v,
                4 => image.tables.end = v,
                5 => image.functions[random.index(3)].start = v,
                6 => image.functions[random.index(3)].size = v,
                7 => image.segments[random.index(3)].start = v,
                8 => image.segments[random.index(3)].size = v,
                _ => image.bytes.truncate(random.index(0x5000)),
            }
        }
        verify(
            &image,
            &Options {
                check_digest: false,
                ..Options::default()
            },
        );
        image.compute_digest();
    }
}

/// CPU time of this thread: the first number (nanoseconds) of its schedstat.
fn cpu_time() -> Duration {
    // A context switch brings the number up to date.
    std::thread::sleep(Duration::from_millis(1));
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let first = text.split(' ').next().and_then(|word| word.parse().ok());
    Duration::from_nanos(first.expect("a number"))
}

type Make = fn(usize) -> Vec<u8>;

/// Code of any length that could take more than its share of time: no quadratic loops, branches, slots or tables.
fn shapes() -> [(&'static str, Make); 5] {
    [
        ("straight line", |n| [0x48, 0x89, 0xf8].repeat(n)),
        ("forward branches", |n| [0x74, 0x00].repeat(n)),
        ("branches to the end", |n| {
            let mut out = Vec::new();
            for left in (0..n).rev() {
                out.extend([0x0f, 0x84]);
                out.extend((6 * left as u32).to_le_bytes());
            }
            out
        }),
        ("branches to the start", |n| {
            let mut out = Vec::new();
            for done in 0..n {
                out.extend([0x0f, 0x84]);
                out.extend((-(6 * (done as i32 + 1))).to_le_bytes());
            }
            out
        }),
        ("nested loops", |n| {
            // inc %rdi n times, then n branches back, each to one of them
            let mut out = [0x48, 0xff, 0xc7].repeat(n);
            for k in 0..n {
                out.extend([0x0f, 0x84]);
                let to = 3 * (n - 1 - k) as i32;
                out.extend((to - out.len() as i32 - 4).to_le_bytes());
            }
            out
        }),
    ]
}

fn with_end(mut code: Vec<u8>) -> Vec<u8> {
    code.extend([0xc3, 0xcc]);
    code
}

/// Instructions interpreted and states joined: exactly twice as many for twice the text, but for the ends,
/// and few for each instruction.
#[test]
fn work_is_linear() {
    for (name, make) in shapes() {
        let work = |n: usize| {
            let image = layout::function(&with_end(make(n)), Settings::default());
            let report = check::report(&image);
            let work = report.stats.steps + report.stats.joins;
            (work, work as f64 / report.instructions as f64)
        };
        let ((once, each), (twice, _)) = (work(4000), work(8000));
        println!("{name}: {once}, {twice}, {each} each");
        assert!(
            twice <= 2 * once + 100,
            "{name}: {once} for 4000, {twice} for 8000"
        );
        assert!(each < 12.0, "{name}: {each} for each instruction");
    }
}

/// Time grows in proportion to the text.
#[test]
fn time_is_linear() {
    for (name, make) in shapes() {
        let time = |n: usize| {
            let image = layout::function(&with_end(make(n)), Settings::default());
            // The best of a few, in the thread's own CPU time: the machine may be busy with something else.
            (0..5)
                .map(|_| {
                    let start = cpu_time();
                    check::report(&image);
                    cpu_time().saturating_sub(start)
                })
                .min()
                .unwrap_or_default()
        };
        let (small, large) = (time(8000).max(Duration::from_millis(2)), time(48_000));
        // 6 times the text: 6 times the time, or some more where caches end; quadratic would be 36.
        assert!(
            large < small * 20,
            "{name}: {small:?} for 8000, {large:?} for 48000"
        );
    }
}
