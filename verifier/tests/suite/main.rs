//! The verifier's tests: what must be refused, what must pass, and oracles that know nothing of the
//! verifier. `docs/verifier-testing.md` says how they fit together and how to add a case.

mod corpus;
mod decoders;
mod depth;
mod harness;
mod images;
mod opcodes;
mod processor;
mod robustness;
mod soundness;
