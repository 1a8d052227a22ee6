//! Nothing: the manifest names the sources that `cargo xtask build` compiles.
