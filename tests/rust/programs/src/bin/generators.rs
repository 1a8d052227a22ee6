//! Futures polled by hand, state machines, pattern matching, `dyn Any`, enums with payloads.
use privbox::privbox;
use std::any::Any;
use std::future::Future;
use std::pin::{pin, Pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

struct Counting(AtomicUsize);
impl Wake for Counting {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

struct Later(u32);
impl Future for Later {
    type Output = &'static str;
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.0 == 0 {
            return Poll::Ready("done");
        }
        self.0 -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

async fn steps(n: u32) -> String {
    let mut out = String::new();
    for i in 0..n {
        out.push_str(Later(i).await);
        out.push_str(&i.to_string());
    }
    out
}

#[privbox]
fn run<F: Future>(future: F) -> (F::Output, usize, usize) {
    let counting = Arc::new(Counting(AtomicUsize::new(0)));
    let waker = Waker::from(counting.clone());
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    let mut polls = 0;
    loop {
        polls += 1;
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return (output, polls, counting.0.load(Ordering::SeqCst));
        }
    }
}

#[derive(Debug, Clone)]
enum Token {
    Number(f64),
    Operator(char),
    Open,
    Close,
}

#[privbox]
fn evaluate(text: &str) -> Result<f64, String> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(&c) = chars.peek() {
        match c {
            ' ' => drop(chars.next()),
            '0'..='9' | '.' => {
                let mut number = String::new();
                while let Some(d) = chars.next_if(|c| c.is_ascii_digit() || *c == '.') {
                    number.push(d);
                }
                tokens.push(Token::Number(number.parse().map_err(|e| format!("{e}"))?));
            }
            '(' | ')' | '+' | '-' | '*' | '/' => {
                chars.next();
                tokens.push(match c {
                    '(' => Token::Open,
                    ')' => Token::Close,
                    other => Token::Operator(other),
                });
            }
            other => return Err(format!("unexpected {other:?}")),
        }
    }
    fn sum(t: &mut &[Token]) -> Result<f64, String> {
        let mut left = product(t)?;
        while let [Token::Operator(op @ ('+' | '-')), rest @ ..] = *t {
            *t = rest;
            let right = product(t)?;
            left = if *op == '+' {
                left + right
            } else {
                left - right
            };
        }
        Ok(left)
    }
    fn product(t: &mut &[Token]) -> Result<f64, String> {
        let mut left = atom(t)?;
        while let [Token::Operator(op @ ('*' | '/')), rest @ ..] = *t {
            *t = rest;
            let right = atom(t)?;
            left = if *op == '*' {
                left * right
            } else {
                left / right
            };
        }
        Ok(left)
    }
    fn atom(t: &mut &[Token]) -> Result<f64, String> {
        match *t {
            [Token::Number(n), rest @ ..] => {
                *t = rest;
                Ok(*n)
            }
            [Token::Operator('-'), rest @ ..] => {
                *t = rest;
                Ok(-atom(t)?)
            }
            [Token::Open, rest @ ..] => {
                *t = rest;
                let value = sum(t)?;
                match *t {
                    [Token::Close, rest @ ..] => *t = rest,
                    _ => return Err("unclosed".into()),
                }
                Ok(value)
            }
            [first, ..] => Err(format!("no operand at {first:?}")),
            [] => Err("nothing there".into()),
        }
    }
    let mut rest = tokens.as_slice();
    let value = sum(&mut rest)?;
    if rest.is_empty() {
        Ok(value)
    } else {
        Err(format!("{} tokens left", rest.len()))
    }
}

#[privbox]
fn describe(values: Vec<Box<dyn Any>>) -> Vec<String> {
    values
        .into_iter()
        .map(|v| match v.downcast::<i32>() {
            Ok(n) => format!("i32 {n}"),
            Err(v) => match v.downcast_ref::<&str>() {
                Some(s) => format!("str {s}"),
                None => format!("unknown, {}", v.is::<String>()),
            },
        })
        .collect()
}

fn main() {
    println!("{:?}", run(steps(5)));
    println!("{:?}", run(async { 1 + run(async { 2 }).0 }));
    for text in ["1 + 2 * (3 - 4.5) / -2", "2 *", "(1", "1 $ 2", "1 2"] {
        println!("{:?}", evaluate(text));
    }
    println!(
        "{:?}",
        describe(vec![
            Box::new(5),
            Box::new("x"),
            Box::new(String::new()),
            Box::new(1u8)
        ])
    );
}
