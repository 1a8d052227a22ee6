//! Runs while building, so it must be no box; what it generates is in one.
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let folder = std::env::var("OUT_DIR").unwrap();
    std::fs::write(
        std::path::Path::new(&folder).join("generated.rs"),
        "pub fn generated() -> &'static str { \"generated\" }\n",
    )
    .unwrap();
}
