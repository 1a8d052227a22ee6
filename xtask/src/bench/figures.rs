//! The figures of the benchmark, and what follows from times and sizes.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use super::programs::Variant;
use super::{measure, speed};

/// Something that did not work.
#[derive(Debug, Clone, Serialize)]
pub struct Problem {
    pub program: String,
    pub variant: String,
    /// `build`, `run` or `checksum`.
    pub stage: &'static str,
    pub message: String,
}

/// Figures of one program in one variant.
#[derive(Debug, Default, Serialize)]
pub struct Cell {
    /// CPU seconds of each run.
    pub seconds: Vec<f64>,
    /// Median over the runs of the ratio to native.
    pub ratio: Option<f64>,
    /// Ratio of the fastest run to native's fastest.
    pub ratio_of_minima: Option<f64>,
    /// Bytes of machine code that run: the box's, or `.text` for native.
    pub text_bytes: Option<u64>,
    pub text_growth: Option<f64>,
    #[serde(skip)]
    pub executable: Option<PathBuf>,
    pub checksum: Option<String>,
}

/// All figures; written to target/bench/overhead.json.
#[derive(Debug, Serialize)]
pub struct Figures {
    pub command: String,
    pub date: String,
    pub machine: String,
    pub runs: u32,
    pub rounds: u32,
    pub cpu: Option<usize>,
    /// Geometric mean of the ratios of all programs, by variant: `geomean.mask` and so on.
    pub geomean: BTreeMap<&'static str, f64>,
    pub geomean_of_minima: BTreeMap<&'static str, f64>,
    pub geomean_text_growth: BTreeMap<&'static str, f64>,
    /// How many programs each mean covers.
    pub geomean_programs: BTreeMap<&'static str, usize>,
    pub programs: BTreeMap<&'static str, BTreeMap<&'static str, Cell>>,
    pub compile_time: Option<speed::CompileTime>,
    pub verifier: Vec<speed::Verification>,
    pub problems: Vec<Problem>,
}

impl Figures {
    /// Ratios and means from times and sizes.
    pub fn derive(&mut self, variants: &[&Variant]) {
        for row in self.programs.values_mut() {
            let Some(native) = row.get("native") else {
                continue;
            };
            let (times, bytes) = (native.seconds.clone(), native.text_bytes);
            for cell in row.values_mut() {
                // A variant that failed on the way has fewer runs: no ratio rather than a wrong one.
                if cell.seconds.len() == times.len() {
                    let ratios: Vec<f64> = cell
                        .seconds
                        .iter()
                        .zip(&times)
                        .map(|(v, n)| v / n)
                        .collect();
                    cell.ratio = measure::median(&ratios);
                    cell.ratio_of_minima = measure::minimum(&cell.seconds)
                        .zip(measure::minimum(&times))
                        .map(|(v, n)| v / n);
                }
                cell.text_growth = cell.text_bytes.zip(bytes).map(|(v, n)| v as f64 / n as f64);
            }
        }
        for variant in variants {
            let column = |figure: fn(&Cell) -> Option<f64>| -> Vec<f64> {
                self.programs
                    .values()
                    .filter_map(|row| figure(row.get(variant.name)?))
                    .collect()
            };
            let ratios = column(|cell| cell.ratio);
            self.geomean_programs.insert(variant.name, ratios.len());
            for (map, values) in [
                (&mut self.geomean, ratios),
                (
                    &mut self.geomean_of_minima,
                    column(|cell| cell.ratio_of_minima),
                ),
                (
                    &mut self.geomean_text_growth,
                    column(|cell| cell.text_growth),
                ),
            ] {
                if let Some(mean) = measure::geometric_mean(&values) {
                    map.insert(variant.name, mean);
                }
            }
        }
    }
}
