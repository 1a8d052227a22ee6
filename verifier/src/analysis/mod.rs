//! Abstract interpretation of box code against the contract's rules 2 to 13 and T1.
//!
//! | module | subject |
//! | --- | --- |
//! | `value`, `cell` | rule 4: abstract values, alone and with their identity |
//! | `state` | registers and frame |
//! | `identity`, `join` | where paths meet |
//! | `allow`, `allow_vector` | rule 3: what instructions there may be |
//! | `op`, `shape` | what one instruction reads, writes and accesses |
//! | `decode` | a function's instructions |
//! | `memory` | rules 6, 7, 8, 10: accesses |
//! | `stack` | rule 9: RSP |
//! | `transfer`, `operand`, `arithmetic` | what instructions do to values |
//! | `quick` | the same for those that are most frequent |
//! | `flow` | rules 2, 11, 12, 13: control |
//! | `testing` | one instruction at a time, for the tests |
//! | `function` | blocks and the fixpoint |
//! | `depth` | rule 13 from function to function |

mod allow;
mod allow_vector;
mod arithmetic;
mod cell;
mod context;
mod decode;
mod depth;
mod flow;
mod function;
mod identity;
mod join;
mod memory;
mod op;
mod operand;
mod quick;
mod shape;
mod stack;
mod state;
pub mod testing;
mod transfer;
mod value;

use alloc::vec::Vec;

use crate::features::Features;
use crate::image::Image;
use crate::manifest::{Level, Strength};
use crate::report::{Finding, Stats};

/// What the analysis of all functions found.
pub(crate) struct Outcome {
    pub(crate) features: Features,
    pub(crate) instructions: u64,
    pub(crate) stats: Stats,
    /// Of each function, rule 13's need.
    pub(crate) needs: Vec<u32>,
}

/// Checks every function of `image`, whose layout was checked, as of `level` and `strength`.
pub(crate) fn check(
    image: &Image,
    level: Level,
    strength: Strength,
    findings: &mut Vec<Finding>,
) -> Outcome {
    let mut starts: Vec<u64> = image.functions.iter().map(|f| f.start).collect();
    starts.sort_unstable();
    let span = (
        image
            .segments
            .iter()
            .map(|s| s.start)
            .min()
            .unwrap_or(image.base),
        image
            .segments
            .iter()
            .filter_map(|s| s.end())
            .max()
            .unwrap_or(image.base),
    );
    let context = context::Context {
        image,
        level,
        strength,
        starts,
        span,
    };
    let mut total = Outcome {
        features: Features::default(),
        instructions: 0,
        stats: Stats::default(),
        needs: Vec::new(),
    };
    let mut checker = function::Checker::new(image.text.end.saturating_sub(image.text.start));
    for f in &image.functions {
        let one = checker.check(&context, f, findings);
        total.features |= one.features;
        total.instructions += one.instructions;
        total.stats.add(&one.stats);
    }
    total.needs = checker.depth(image, findings);
    total
}
