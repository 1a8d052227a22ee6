//! The edges of the attribute in a crate of the edition 2018.
#[path = "../../../../../../runtime/privbox/tests/ui/pass_edges.rs"]
mod edges;

/// Ends, if all is well.
pub fn edges() {
    edges::main();
}
