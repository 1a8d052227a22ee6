//! The C halves of `mixed.rs` and `both_ways.rs`. `cargo privbox` names privbox-cc as the C compiler.

fn main() {
    println!("cargo::rerun-if-changed=c");
    cc::Build::new()
        .include("../../../runtime/include")
        .files(["c/mixed.c", "c/both_ways.c"])
        .compile("mixed");
}
