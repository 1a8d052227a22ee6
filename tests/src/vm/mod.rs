//! The tests of kernel mode: `tests/vm/*.c`, run in virtual machines.
//!
//! | file | |
//! | --- | --- |
//! | `case` | the directives at the head of a program |
//! | `matrix` | the configurations: kernels, PTI, CPUs |
//! | `tap` | what a program prints |
//! | `suite` | builds the programs, boots each configuration once, runs them, keeps the results |

pub mod case;
pub mod matrix;
pub mod suite;
pub mod tap;
