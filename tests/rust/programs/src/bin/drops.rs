//! When and in which order values are dropped: locals, temporaries, fields, elements, moves out of parts, shadowing, loops, `?`.
use privbox::privbox;
use std::mem::{self, ManuallyDrop};

struct Loud(String);
impl Drop for Loud {
    fn drop(&mut self) {
        println!("  - {}", self.0);
    }
}

fn loud(name: impl ToString) -> Loud {
    Loud(name.to_string())
}

struct Pair {
    second: Loud,
    first: Loud,
    rest: Vec<Loud>,
}

impl Drop for Pair {
    fn drop(&mut self) {
        println!(
            "  pair of {} and {}, {}",
            self.first.0,
            self.second.0,
            self.rest.len()
        );
    }
}

enum Choice {
    One(Loud),
    Many(Box<[Loud]>),
    None,
}

#[privbox]
fn locals() -> Loud {
    println!("locals");
    let _a = loud("a");
    let b = loud("b");
    let _ = loud("not bound");
    let _shadowed = loud("shadowed");
    let _shadowed = loud("shadowing");
    {
        let _inner = loud("inner");
        println!("  end of the block");
    }
    println!("  length {}", loud("temporary").0.len());
    match loud("scrutinee").0.as_str() {
        text => println!("  {text} lives here"),
    }
    let _late;
    let _c = loud("c");
    _late = loud("declared before c");
    drop(_a);
    println!("  end of locals");
    b
}

#[privbox]
fn parts(pair: Pair, (x, _): (Loud, Loud), choices: [Choice; 4]) -> Option<Loud> {
    println!("parts");
    let mut kept = None;
    for choice in choices {
        match choice {
            Choice::One(one) if one.0 == "skip" => continue,
            Choice::One(one) => kept = Some(one),
            Choice::Many(many) => {
                let mut many = many.into_vec().into_iter();
                let first = many.next();
                println!("  first of many: {:?}", first.as_ref().map(|l| &l.0));
                kept = kept.or(first);
            }
            Choice::None => {
                println!("  none");
                break;
            }
        }
    }
    let boxed: Box<(Loud, Loud)> = Box::new((loud("moved out"), loud("left in the box")));
    let out = boxed.0;
    println!("  have {} and {} of {}", out.0, x.0, pair.first.0);
    kept
}

#[privbox]
fn early(text: &str) -> Result<u32, std::num::ParseIntError> {
    println!("early {text}");
    let _guard = loud("early's guard");
    let n: u32 = text.parse()?;
    let _second = loud("early's second");
    let found = loop {
        let step = loud(format!("step {n}"));
        if n > 5 {
            break step.0.len();
        }
        let Some(_rest) = n.checked_sub(3).map(loud) else {
            return Ok(0);
        };
        break 9;
    };
    Ok(found as u32)
}

#[privbox]
fn never(n: usize) -> usize {
    println!("never");
    let kept = ManuallyDrop::new(loud("manual"));
    mem::forget(loud("forgotten"));
    let mut slot = loud("first in the slot");
    let before = mem::replace(&mut slot, loud("second in the slot"));
    let mut all: Vec<Loud> = (0..n).map(loud).collect();
    all.truncate(n - 1);
    drop(all.drain(1..3));
    all.insert(0, before);
    let closure = move || all.len() + kept.0.len();
    let sum = closure();
    println!("  closure gives {sum}");
    drop(closure);
    println!("  closure is gone");
    sum
}

fn main() {
    println!("main has {}", locals().0);
    let pair = Pair {
        second: loud("second"),
        first: loud("first"),
        rest: vec![loud("rest 0"), loud("rest 1")],
    };
    let choices = [
        Choice::One(loud("skip")),
        Choice::Many(vec![loud("m0"), loud("m1"), loud("m2")].into()),
        Choice::None,
        Choice::One(loud("never looked at")),
    ];
    let kept = parts(pair, (loud("x"), loud("y")), choices);
    println!("main has {:?}", kept.as_ref().map(|l| &l.0));
    for text in ["7", "2", "4", "four"] {
        println!("  {:?}", early(text).map_err(|e| e.to_string()));
    }
    println!("{}", never(6));
}
