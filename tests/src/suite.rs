//! A list of named tests made at run time, and a scratch folder for each.

use std::path::Path;

use anyhow::Result;
use libtest_mimic::{Arguments, Failed, Trial};

use crate::toolchain::Toolchain;

/// Runs the trials that `make` returns, as `cargo test` expects; exits the process.
pub fn main(make: impl FnOnce(&Toolchain) -> Result<Vec<Trial>>, summary: impl FnOnce()) -> ! {
    let mut arguments = Arguments::from_args();
    if arguments.test_threads.is_none() {
        arguments.test_threads = std::thread::available_parallelism().ok().map(usize::from);
    }
    let trials = match Toolchain::find().and_then(|tools| make(&tools)) {
        Ok(trials) => trials,
        // Listing must work without a toolchain; running must fail, and say why.
        Err(error) if arguments.list => {
            eprintln!("{error:#}");
            Vec::new()
        }
        Err(error) => {
            let message = format!("{error:#}");
            vec![Trial::test("toolchain", move || Err(Failed::from(message)))]
        }
    };
    let conclusion = libtest_mimic::run(&arguments, trials);
    if !arguments.list {
        summary();
    }
    conclusion.exit()
}

/// One test that runs in a scratch folder of its own. A failing one keeps its folder when
/// `PRIVBOX_TEST_KEEP` is set, and says where it is.
pub fn trial(name: String, body: impl FnOnce(&Path) -> Result<()> + Send + 'static) -> Trial {
    Trial::test(name, move || {
        let scratch = tempfile::Builder::new().prefix("privbox-test-").tempdir()?;
        match body(scratch.path()) {
            Ok(()) => Ok(()),
            Err(error) => {
                let mut message = error
                    .chain()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join("\n");
                if std::env::var_os("PRIVBOX_TEST_KEEP").is_some() {
                    message.push_str(&format!("\nkept in {}", scratch.keep().display()));
                }
                Err(Failed::from(message))
            }
        }
    })
}
