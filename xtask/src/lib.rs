//! What the commands of the project and its tests share: packages, running programs, sources of real programs,
//! virtual machines.

pub mod deps;
pub mod sources;
pub mod util;
pub mod vm;
