//! The C half of `mixed.rs`. `cargo privbox` names privbox-cc as the C compiler.

fn main() {
    println!("cargo::rerun-if-changed=c/mixed.c");
    cc::Build::new().file("c/mixed.c").compile("mixed");
}
