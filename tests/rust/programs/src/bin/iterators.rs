//! Iterator chains, sorting, slices, strings.
use privbox::privbox;
use std::collections::{BTreeSet, BinaryHeap, HashMap, HashSet, VecDeque};

#[privbox]
fn work(n: u64) -> Vec<String> {
    let mut out = Vec::new();
    let mut say = |label: &str, text: String| out.push(format!("{label}: {text}"));
    let numbers: Vec<u64> = (0..n).map(|i| i * 2654435761 % 10007).collect();
    let mut sorted = numbers.clone();
    sorted.sort_unstable_by(|a, b| b.cmp(a));
    say("top", format!("{:?}", &sorted[..5]));
    let mut stable: Vec<(usize, u64)> = numbers.iter().copied().enumerate().collect();
    stable.sort_by_key(|(_, v)| v % 7);
    say(
        "stable",
        format!("{:?}", stable.iter().take(4).collect::<Vec<_>>()),
    );
    say(
        "sum",
        format!(
            "{}",
            numbers
                .iter()
                .zip(numbers.iter().skip(1))
                .map(|(a, b)| a ^ b)
                .sum::<u64>()
        ),
    );
    say(
        "fold",
        format!(
            "{}",
            numbers
                .chunks(13)
                .flat_map(|c| c.iter().rev())
                .fold(7u64, |a, b| a.wrapping_mul(31) ^ b)
        ),
    );
    say(
        "windows",
        format!(
            "{:?}",
            numbers
                .windows(3)
                .filter(|w| w[0] < w[1] && w[1] < w[2])
                .count()
        ),
    );
    let (even, odd): (Vec<u64>, Vec<u64>) = numbers.iter().partition(|v| **v % 2 == 0);
    say("partition", format!("{} {}", even.len(), odd.len()));
    let mut map: HashMap<u64, Vec<u64>> = HashMap::new();
    for v in &numbers {
        map.entry(v % 10).or_default().push(*v);
    }
    let mut groups: Vec<_> = map
        .iter()
        .map(|(k, v)| (*k, v.len(), v.iter().max()))
        .collect();
    groups.sort();
    say("groups", format!("{groups:?}"));
    let set: HashSet<u64> = numbers.iter().copied().collect();
    let tree: BTreeSet<u64> = set.iter().copied().filter(|v| v % 3 == 0).collect();
    say(
        "range",
        format!("{:?}", tree.range(100..200).collect::<Vec<_>>()),
    );
    let mut heap: BinaryHeap<_> = numbers.iter().map(|v| std::cmp::Reverse(v % 101)).collect();
    say(
        "heap",
        format!(
            "{:?}",
            std::iter::from_fn(|| heap.pop())
                .take(6)
                .map(|r| r.0)
                .collect::<Vec<_>>()
        ),
    );
    let mut queue: VecDeque<u64> = numbers.iter().copied().collect();
    queue.rotate_left(n as usize / 3);
    queue.retain(|v| v % 5 != 0);
    say("deque", format!("{:?} {}", queue.front(), queue.len()));
    let text = "the quick brown fox — jumps över the lazy dog, 日本語 too";
    say("chars", text.chars().rev().collect());
    say(
        "words",
        text.split_whitespace()
            .map(|w| w.chars().filter(|c| c.is_alphabetic()).count().to_string())
            .collect::<Vec<_>>()
            .join(","),
    );
    say("upper", text.to_uppercase());
    say(
        "find",
        format!(
            "{:?} {:?} {:?}",
            text.find("fox"),
            text.rfind("the"),
            text.char_indices().nth(25)
        ),
    );
    say(
        "replace",
        text.replace("the", "A").trim_end_matches("too").to_string(),
    );
    say(
        "parse",
        format!(
            "{:?} {:?} {:?}",
            "42".parse::<u8>(),
            "300".parse::<u8>(),
            "-1.5e3".parse::<f64>()
        ),
    );
    say(
        "bytes",
        format!("{:?}", String::from_utf8_lossy(b"ok \xff\xfe end")),
    );
    out
}

fn main() {
    for line in work(1000) {
        println!("{line}");
    }
}
