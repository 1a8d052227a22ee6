//! What the commands of the project and its tests share: packages, running programs, virtual machines.

pub mod deps;
pub mod util;
pub mod vm;
