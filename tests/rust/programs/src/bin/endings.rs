//! How a program ends from inside the box: a panic that nobody catches, `exit`, `abort`, and panics where none may be.
// RUN: uncaught => exit code 101
// RUN: exit => exit code 3
// RUN: abort => signal 6
// RUN: twice => signal 6
// RUN: foreign => signal 6
// RUN: result => exit code 1
// RUN: thread => exit code 0
use privbox::privbox;
use privbox_rust_programs::check_mode;
use std::process::{ExitCode, Termination};

struct Loud(&'static str);
impl Drop for Loud {
    fn drop(&mut self) {
        println!("drop {}", self.0);
    }
}

struct Panics;
impl Drop for Panics {
    fn drop(&mut self) {
        println!("drop panics");
        panic!("from a destructor");
    }
}

extern "C" fn foreign(n: u32) {
    let _guard = Loud("in the foreign function");
    assert!(n > 100, "this would unwind into C");
}

#[privbox]
fn end(how: &str) -> Result<(), String> {
    let _guard = Loud("in the box");
    check_mode();
    match how {
        "uncaught" => panic!("nobody catches this"),
        "exit" => std::process::exit(3),
        "abort" => std::process::abort(),
        "twice" => {
            let _second = Panics;
            panic!("the first");
        }
        "foreign" => foreign(how.len() as u32),
        "thread" => {
            let thread = std::thread::spawn(|| {
                let _guard = Loud("in the thread");
                let n: Result<u32, _> = "seven".parse();
                n.unwrap()
            });
            println!("{}", thread.join().is_err());
        }
        _ => return Err(format!("{how}, said {}", Loud("argument").0)),
    }
    Ok(())
}

fn main() -> impl Termination {
    let _guard = Loud("in main");
    let how = std::env::args().nth(1).unwrap_or_default();
    println!("ending: {how}");
    match end(&how) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            println!("{message}");
            ExitCode::FAILURE
        }
    }
}
