//! The pass on its own, for debugging: bitcode in, `normal.bc`, `box.o` and the IR of each stage out.

use privbox_pass::{Level, Options, Scheme, Strength, Unwinding};
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "usage: privbox-pass [options] UNIT.bc
  -o DIR             write normal.bc, normal.ll, box.STAGE.ll, box.o and unit.json there (default: .)
  --entry=GLOB       functions that enter the box (repeatable)
  --outside=GLOB     functions without a clone (repeatable)
  --only=SYMBOL      emit this clone only (repeatable)
  --level=mask|pks|spap
  --strength=architectural|transient
  --hash=HEX         the unit's 16 hexadecimal digits
  --cpu=NAME --features=LIST --mask-bits=N -O0..-O3
  --mask-all         a mask on every access
  --paper            the paper's scheme
  --unwinding=rust|c++  functions may return by unwinding, as that language's
  --stage=NAME       print the IR of a stage to standard output instead of writing files";

fn main() -> ExitCode {
    match work() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("privbox-pass: {message}");
            ExitCode::from(2)
        }
    }
}

fn work() -> Result<(), String> {
    let mut options = Options {
        unit_hash: "0123456789abcdef".into(),
        mask_bits: 63,
        opt_level: 2,
        ..Options::default()
    };
    let (mut input, mut directory, mut stage) = (None, PathBuf::from("."), None);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let (key, value) = arg.split_once('=').unwrap_or((&arg, ""));
        match key {
            "-o" => directory = args.next().ok_or(USAGE)?.into(),
            "--entry" => options.entry.push(value.into()),
            "--outside" => options.outside.push(value.into()),
            "--only" => {
                options.only.get_or_insert_default().insert(value.into());
            }
            "--level" => {
                options.level = match value {
                    "mask" => Level::Mask,
                    "pks" => Level::Pks,
                    "spap" => Level::Spap,
                    _ => return Err(format!("no level `{value}`\n{USAGE}")),
                }
            }
            "--strength" => {
                options.strength = match value {
                    "architectural" => Strength::Architectural,
                    "transient" => Strength::Transient,
                    _ => return Err(format!("no strength `{value}`\n{USAGE}")),
                }
            }
            "--hash" => options.unit_hash = value.into(),
            "--cpu" => options.cpu = Some(value.into()),
            "--features" => options.features = Some(value.into()),
            "--mask-bits" => options.mask_bits = value.parse().map_err(|_| USAGE)?,
            "-O0" | "-O1" | "-O2" | "-O3" => options.opt_level = key.as_bytes()[2] - b'0',
            "--mask-all" => options.mask_all = true,
            "--paper" => options.scheme = Scheme::Paper,
            "--unwinding" => {
                options.unwinding = match value {
                    "rust" => Unwinding::Rust,
                    "c++" => Unwinding::Cxx,
                    _ => return Err(format!("no language `{value}` that unwinds\n{USAGE}")),
                }
            }
            "--stage" => stage = Some(value.to_owned()),
            _ if key.starts_with('-') => return Err(USAGE.into()),
            _ => input = Some(PathBuf::from(&arg)),
        }
    }
    let input = input.ok_or(USAGE)?;
    options.unit = input.display().to_string();
    let read = |path: &PathBuf| std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()));
    let bitcode = read(&input)?;
    let write = |name: &str, bytes: &[u8]| {
        let path = directory.join(name);
        std::fs::write(&path, bytes).map_err(|e| format!("{}: {e}", path.display()))
    };
    let mut failed = None;
    let mut number = 0;
    let output = privbox_pass::run_keeping_ir(&bitcode, &options, &mut |name, text| {
        number += 1;
        let result = match &stage {
            Some(wanted) if wanted == name => {
                print!("{}", text());
                Ok(())
            }
            Some(_) => Ok(()),
            None => write(&format!("{number}.{name}.ll"), text().as_bytes()),
        };
        failed = failed.take().or(result.err());
    })
    .map_err(|e| e.to_string())?;
    if let Some(message) = failed {
        return Err(message);
    }
    if stage.is_some() {
        return Ok(());
    }
    write("normal.bc", &output.normal_bitcode)?;
    if let Some(object) = &output.box_object {
        write("box.o", object)?;
    }
    let record = output.record.to_line().map_err(|e| e.to_string())?;
    write("unit.json", record.as_bytes())
}
