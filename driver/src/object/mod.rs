//! Object files between the pass and the linker.
//!
//! * [`check`]: verifies a box object before it is linked;
//! * [`join`]: one object from the normal half and the box half;
//! * [`local`]: what is internal to the unit becomes so in the joined object;
//! * [`retain`]: keeps normal sections through the linker's garbage collection;
//! * [`record`]: the object with the unit's record;
//! * [`raw`]: ELF tables in place, for the edits above.

pub mod check;
pub mod join;
pub mod layout;
pub mod local;
pub mod raw;
pub mod record;
pub mod retain;
