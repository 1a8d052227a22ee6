use privbox::privbox;

#[privbox]
#[unsafe(naked)]
extern "C" fn bare() {
    core::arch::naked_asm!("ret")
}

fn main() {}
