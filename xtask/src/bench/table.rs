//! The figures as a Markdown table.

use std::fmt::Write;

use super::figures::{Cell, Figures};
use super::programs::{Program, Variant};

/// Renders the figures; what is missing is shown as `failed`, never left out.
pub fn render(figures: &Figures, variants: &[&Variant], programs: &[&Program]) -> String {
    let mut text = String::new();
    let columns: Vec<&&Variant> = variants.iter().filter(|v| v.options.is_some()).collect();
    let mut row = |cells: Vec<String>| {
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    };
    row(["run time against native".to_owned(), "native".to_owned()]
        .into_iter()
        .chain(columns.iter().map(|v| v.name.to_owned()))
        .collect());
    row(vec!["---".to_owned(); columns.len() + 2]);
    for program in programs {
        let cell = |variant: &str| {
            figures
                .programs
                .get(program.name)
                .and_then(|row| row.get(variant))
        };
        let native = cell("native").and_then(|cell| super::measure::minimum(&cell.seconds));
        row([
            program.name.to_owned(),
            native.map_or("failed".to_owned(), |s| format!("{s:.2} s")),
        ]
        .into_iter()
        .chain(
            columns
                .iter()
                .map(|v| ratio(cell(v.name), |cell| cell.ratio)),
        )
        .collect());
    }
    let mean = |name: &str, map: &std::collections::BTreeMap<&str, f64>| {
        [format!("**{name}**"), String::new()]
            .into_iter()
            .chain(columns.iter().map(|v| {
                let covered = figures.geomean_programs.get(v.name).copied().unwrap_or(0);
                let note = if covered < programs.len() {
                    format!(" ({covered} of {})", programs.len())
                } else {
                    String::new()
                };
                map.get(v.name)
                    .map_or("failed".to_owned(), |mean| format!("**{mean:.3}**{note}"))
            }))
            .collect::<Vec<_>>()
    };
    row(mean("geometric mean", &figures.geomean));
    row(mean("of the fastest runs", &figures.geomean_of_minima));
    row(mean(
        "code size against native",
        &figures.geomean_text_growth,
    ));
    let _ = writeln!(text);
    for variant in &columns {
        let unverified = if variant.verified {
            ""
        } else {
            " (not verified: a scheme to compare with)"
        };
        let _ = writeln!(text, "- {}: {}{unverified}", variant.name, variant.what);
    }
    let pinned = figures.cpu.map_or("not pinned".to_owned(), |cpu| {
        format!("pinned to CPU {cpu}")
    });
    let _ = writeln!(
        text,
        "\nMedian of {} interleaved runs, {pinned}, {}, {}: `{}`.",
        figures.runs, figures.machine, figures.date, figures.command
    );
    if let Some(time) = &figures.compile_time {
        let _ = writeln!(
            text,
            "Compiling SQLite: clang-22 -O2 {:.1} s, privbox-cc -O2 {:.1} s: {:.2} times as long.",
            time.clang_seconds, time.privbox_cc_seconds, time.ratio
        );
    }
    let (bytes, seconds) = figures
        .verifier
        .iter()
        .fold((0, 0.0), |(b, s), v| (b + v.text_bytes, s + v.seconds));
    if seconds > 0.0 {
        let _ = writeln!(
            text,
            "Verifying: {:.1} MB/s of text ({} programs, {} kB).",
            bytes as f64 / 1e6 / seconds,
            figures.verifier.len(),
            bytes / 1000
        );
    }
    let functions: u64 = figures.verifier.iter().map(|v| v.functions).sum();
    let fallbacks: u64 = figures.verifier.iter().map(|v| v.fallbacks).sum();
    if functions > 0 {
        let share = 100.0 * (functions - fallbacks.min(functions)) as f64 / functions as f64;
        let _ = writeln!(
            text,
            "Accepted without the fallback (a mask on every access): {share:.2} % of {functions} functions."
        );
    }
    if !figures.problems.is_empty() {
        let _ = writeln!(text, "\nFailed:");
        for problem in &figures.problems {
            let message = problem.message.replace('\n', "\n  ");
            let _ = writeln!(
                text,
                "- {} {}, {}: {message}",
                problem.program, problem.variant, problem.stage
            );
        }
    }
    text
}

fn ratio(cell: Option<&Cell>, figure: impl Fn(&Cell) -> Option<f64>) -> String {
    cell.and_then(figure)
        .map_or("failed".to_owned(), |value| format!("{value:.3}"))
}
