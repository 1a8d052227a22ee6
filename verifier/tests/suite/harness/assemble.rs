//! Assembles hundreds of cases in one run of the assembler: each case has its own sections, and its
//! labels are made its own by a suffix.

use std::collections::HashSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

use object::{Object as _, ObjectSection as _, ObjectSymbol as _};

use super::case::Case;

const MACROS: &str = r#"
.macro FUNC name
    .p2align 4, 0xcc
    .type \name, @function
\name:
.endm
.macro END name
    .size \name, . - \name
.endm
.macro RET
    ret
    int3
.endm
.macro MASK reg
    movabs $0x7fffffffffffffff, %r11
    and %r11, \reg
.endm
.macro DEPTH
    test $0x200000, %esp
    je 99f
.endm
.macro DEEP
99: ud2
.endm
"#;

/// What the assembler made of one case.
#[derive(Clone, Debug, Default)]
pub struct Assembled {
    pub text: Vec<u8>,
    pub tables: Vec<u8>,
    pub relocations: Vec<Relocation>,
    /// Offset in the text, and size.
    pub functions: Vec<(u64, u64)>,
}

#[derive(Clone, Debug)]
pub struct Relocation {
    /// In the tables, not in the text.
    pub in_tables: bool,
    pub offset: u64,
    pub size: u8,
    pub target: Target,
    pub addend: i64,
}

#[derive(Clone, Debug)]
pub enum Target {
    Text(u64),
    Tables(u64),
    /// A symbol that the layout provides.
    Outside(String),
}

/// Assembles all cases in one go; the result has the same order.
pub fn assemble(cases: &[Case]) -> Result<Vec<Assembled>, String> {
    let mut source = String::from(MACROS);
    for (number, case) in cases.iter().enumerate() {
        source += &case_source(number, case);
    }
    let object = run_assembler(&source)?;
    read_object(&object, cases.len())
}

fn case_source(number: usize, case: &Case) -> String {
    let labels = labels(case);
    let own = |name: &str| format!("{name}_c{number}");
    let mut out = format!(".section .text.c{number},\"ax\",@progbits\n.p2align 4, 0xcc\n");
    let whole = !case
        .body
        .iter()
        .any(|(_, l)| l.trim_start().starts_with("FUNC "));
    if whole {
        out += &format!("FUNC {}\n", own("f"));
    }
    for (line, text) in &case.body {
        match text.trim() {
            "TABLES" => {
                out +=
                    &format!(".section .privbox.tables.c{number},\"ax\",@progbits\n.p2align 2\n");
            }
            "TEXT" => out += &format!(".section .text.c{number},\"ax\",@progbits\n"),
            _ => {
                out += &format!("# {line} \"{}\"\n", case.file);
                out += &rename(text, &labels, &own);
                out.push('\n');
            }
        }
    }
    if whole {
        out += &format!(
            ".section .text.c{number},\"ax\",@progbits\nEND {}\n",
            own("f")
        );
    }
    out
}

/// The names that a case defines.
fn labels(case: &Case) -> HashSet<String> {
    let mut names = HashSet::from(["f".to_string()]);
    for (_, text) in &case.body {
        let text = text.trim();
        let mut words = text.split([' ', ',']).filter(|w| !w.is_empty());
        match words.next() {
            Some("FUNC" | ".type" | ".set") => names.extend(words.next().map(str::to_string)),
            Some(word) => {
                if let Some(label) = word.strip_suffix(':')
                    && !label.starts_with(|c: char| c.is_ascii_digit())
                {
                    names.insert(label.to_string());
                }
            }
            None => {}
        }
    }
    names
}

fn rename(text: &str, labels: &HashSet<String>, own: &dyn Fn(&str) -> String) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '%' | '$');
    let mut out = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        if end == 0 {
            let step = rest.chars().next().map_or(1, char::len_utf8);
            out.push_str(&rest[..step]);
            rest = &rest[step..];
            continue;
        }
        let (word, after) = rest.split_at(end);
        if labels.contains(word) {
            out += &own(word)
        } else {
            out.push_str(word)
        }
        rest = after;
    }
    out
}

fn run_assembler(source: &str) -> Result<Vec<u8>, String> {
    let mut errors = Vec::new();
    // Debian installs the assembler with its version in the name.
    for tool in ["llvm-mc-22", "llvm-mc"] {
        let child = Command::new(tool)
            .args([
                "--triple=x86_64-linux-gnu",
                "--filetype=obj",
                "-o",
                "-",
                "-",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = match child {
            Ok(child) => child,
            Err(e) => {
                errors.push(format!("{tool}: {e}"));
                continue;
            }
        };
        // The assembler reads everything before it writes, so this cannot block on its output.
        if let Some(mut input) = child.stdin.take() {
            input
                .write_all(source.as_bytes())
                .map_err(|e| format!("{tool}: {e}"))?;
        }
        let output = child
            .wait_with_output()
            .map_err(|e| format!("{tool}: {e}"))?;
        if !output.status.success() {
            return Err(format!(
                "{tool}:\n{}",
                String::from_utf8_lossy(&output.stderr)
            ));
        }
        return Ok(output.stdout);
    }
    Err(format!(
        "no assembler (install Debian's llvm-22): {}",
        errors.join("; ")
    ))
}

fn read_object(data: &[u8], count: usize) -> Result<Vec<Assembled>, String> {
    let file = object::File::parse(data).map_err(|e| format!("assembler's object: {e}"))?;
    let mut out = vec![Assembled::default(); count];
    let place = |name: &str| -> Option<(bool, usize)> {
        let number = |rest: &str| rest.parse().ok().filter(|n| *n < count);
        match name.strip_prefix(".text.c") {
            Some(rest) => number(rest).map(|n| (false, n)),
            None => name
                .strip_prefix(".privbox.tables.c")
                .and_then(number)
                .map(|n| (true, n)),
        }
    };
    let mut places = vec![None; file.sections().map(|s| s.index().0).max().unwrap_or(0) + 1];
    for section in file.sections() {
        let Some((tables, n)) = place(section.name().unwrap_or_default()) else {
            continue;
        };
        places[section.index().0] = Some((tables, n));
        let data = section.data().map_err(|e| e.to_string())?.to_vec();
        *(if tables {
            &mut out[n].tables
        } else {
            &mut out[n].text
        }) = data;
    }
    for symbol in file.symbols() {
        if symbol.kind() == object::SymbolKind::Text
            && let Some(index) = symbol.section_index()
            && let Some((false, n)) = places[index.0]
        {
            out[n].functions.push((symbol.address(), symbol.size()));
        }
    }
    for section in file.sections() {
        let Some((in_tables, n)) = places[section.index().0] else {
            continue;
        };
        for (offset, relocation) in section.relocations() {
            let object::RelocationTarget::Symbol(index) = relocation.target() else {
                return Err(format!("relocation of an unknown kind in case {n}"));
            };
            if !matches!(
                relocation.kind(),
                object::RelocationKind::Relative | object::RelocationKind::PltRelative
            ) {
                return Err(format!(
                    "case {n}: only pc-relative references can be laid out"
                ));
            }
            let symbol = file.symbol_by_index(index).map_err(|e| e.to_string())?;
            let target = match symbol.section_index().and_then(|i| places[i.0]) {
                Some((false, owner)) if owner == n => Target::Text(symbol.address()),
                Some((true, owner)) if owner == n => Target::Tables(symbol.address()),
                Some(_) => return Err(format!("case {n} refers to another case's label")),
                None => Target::Outside(symbol.name().unwrap_or_default().to_string()),
            };
            let size = relocation.size() / 8;
            let addend = relocation.addend();
            out[n].relocations.push(Relocation {
                in_tables,
                offset,
                size,
                target,
                addend,
            });
        }
    }
    for assembled in &mut out {
        assembled.functions.sort_unstable();
    }
    Ok(out)
}
