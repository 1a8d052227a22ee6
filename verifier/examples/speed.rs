//! How fast linked files are verified, on one core, in CPU time (Linux):
//! `cargo run --release -p privbox-verifier --example speed -- FILE...`
//!
//! Of each file also the functions that need nothing else of it, once, twice and four times in one
//! image: time must grow with the text.

use std::error::Error;
use std::time::{Duration, Instant};

use iced_x86::{Decoder, DecoderOptions, OpKind};
use privbox_verifier::gate::BOX_GATE_SIZE;
use privbox_verifier::image::{Function, Image, Segment};
use privbox_verifier::verify::{Options, verify};

const PAGE: usize = 0x1000;

fn main() -> Result<(), Box<dyn Error>> {
    let files: Vec<String> = std::env::args().skip(1).collect();
    if files.is_empty() {
        return Err("usage: speed FILE...".into());
    }
    for file in files {
        let image = Image::from_elf(&std::fs::read(&file)?)?;
        measure(&file, &image)?;
        for times in [1, 2, 4] {
            measure(&format!("  leaves x{times}"), &leaves(&image, times))?;
        }
    }
    Ok(())
}

fn measure(what: &str, image: &Image) -> Result<(), Box<dyn Error>> {
    let options = Options {
        check_digest: false,
        ..Options::default()
    };
    let (mut best, mut findings, start) = (Duration::MAX, 0, Instant::now());
    while best == Duration::MAX || start.elapsed() < Duration::from_secs(2) {
        let begin = cpu_time()?;
        let report = verify(image, &options);
        best = best.min(cpu_time()?.saturating_sub(begin));
        findings = report.findings.len();
    }
    let megabytes = (image.text.end - image.text.start) as f64 / 1e6;
    println!(
        "{what}: {megabytes:.2} MB of text in {:.1} ms: {:.1} MB/s, {findings} findings",
        best.as_secs_f64() * 1e3,
        megabytes / best.as_secs_f64()
    );
    Ok(())
}

/// What this thread has used of the CPU: the machine may be busy with something else.
fn cpu_time() -> Result<Duration, Box<dyn Error>> {
    // A context switch brings the number up to date.
    std::thread::sleep(Duration::from_millis(1));
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let first = text.split(' ').next().unwrap_or_default();
    Ok(Duration::from_nanos(first.parse()?))
}

/// An image of those functions that refer to nothing else, so many times.
fn leaves(image: &Image, times: usize) -> Image {
    let leaves: Vec<&[u8]> = image
        .functions
        .iter()
        .filter(|function| is_leaf(image, function))
        .filter_map(|function| image.bytes_at(function.start..function.start + function.size))
        .collect();
    let mut copy = image.clone();
    copy.functions.clear();
    copy.bytes.truncate(BOX_GATE_SIZE as usize);
    for code in std::iter::repeat_n(&leaves, times).flatten() {
        copy.functions.push(Function {
            start: image.base + copy.bytes.len() as u64,
            size: code.len() as u64,
        });
        copy.bytes.extend_from_slice(code);
        copy.bytes
            .resize(copy.bytes.len().next_multiple_of(16), INT3);
    }
    copy.bytes
        .resize(copy.bytes.len().next_multiple_of(PAGE), INT3);
    copy.text.end = copy.end();
    copy.tables = copy.end()..copy.end();
    copy.segments = vec![Segment {
        start: copy.base,
        size: copy.bytes.len() as u64,
        flags: 5,
    }];
    copy
}

const INT3: u8 = 0xcc;

/// Whether it neither calls nor leaves, nor names an address of the image.
fn is_leaf(image: &Image, function: &Function) -> bool {
    let range = function.start..function.start + function.size;
    let code = image.bytes_at(range.clone()).unwrap_or_default();
    Decoder::with_ip(64, code, function.start, DecoderOptions::NONE)
        .iter()
        .all(|instruction| {
            let leaves = instruction.op_count() > 0
                && instruction.op0_kind() == OpKind::NearBranch64
                && !range.contains(&instruction.near_branch_target());
            !leaves && !instruction.is_call_near() && !instruction.is_ip_rel_memory_operand()
        })
}
