//! u128, floats and their formatting, checked and wrapping arithmetic, bits.
// WITHOUT: transient: a conversion to i128 is a call that LLVM may place between a mask and its access
use privbox::privbox;

#[privbox]
fn wide(a: u128, b: u128) -> (u128, u128, u128, i128, Option<u128>, (u128, bool), u32) {
    (
        a.wrapping_mul(b),
        a / (b | 1),
        a % (b | 1),
        (a as i128).wrapping_neg() / 3,
        a.checked_add(b),
        a.overflowing_mul(b),
        (a ^ b).leading_zeros() + b.trailing_zeros() + (a & b).count_ones(),
    )
}

#[privbox]
fn floats(values: &[f64]) -> String {
    use std::fmt::Write;
    let mut out = String::new();
    for v in values {
        let _ = writeln!(
            out,
            "{v} {v:?} {v:.3} {v:e} {v:+010.2} {} {}",
            *v as f32,
            v.to_bits()
        );
        let _ = writeln!(
            out,
            "  {:?} {:?} {:?} {:?} {:?}",
            v.sqrt(),
            v.floor(),
            v.round_ties_even(),
            v.mul_add(2.0, 1.0),
            v.rem_euclid(7.0)
        );
        let _ = writeln!(
            out,
            "  {:.9} {:.9} {:.9} {:.9}",
            v.sin(),
            v.abs().ln_1p(),
            (v / 100.0).exp(),
            v.atan2(3.0)
        );
        let _ = writeln!(
            out,
            "  {} {} {} {}",
            *v as i32, *v as u8, *v as i128, *v as u64
        );
    }
    out
}

#[privbox]
fn integers(n: i64) -> Vec<String> {
    vec![
        format!("{n} {n:x} {n:#b} {n:>12} {n:<8}| {n:^+9}|"),
        format!(
            "{:?} {:?} {:?}",
            n.checked_mul(i64::MAX),
            n.saturating_sub(i64::MAX),
            n.wrapping_pow(5)
        ),
        format!("{:?} {:?}", n.overflowing_add(i64::MAX), n.isqrt_or_zero()),
        format!(
            "{} {} {}",
            n.swap_bytes(),
            n.rotate_left(13),
            (n as u32).reverse_bits()
        ),
        format!(
            "{:?} {:?}",
            i64::from_str_radix("-zz", 36),
            u16::from_str_radix("fffff", 16).map_err(|e| e.to_string())
        ),
        format!("{:?}", (n as u64).to_be_bytes()),
    ]
}

trait Root {
    fn isqrt_or_zero(self) -> i64;
}
impl Root for i64 {
    fn isqrt_or_zero(self) -> i64 {
        if self < 0 {
            0
        } else {
            (self as f64).sqrt() as i64
        }
    }
}

fn main() {
    for (a, b) in [
        (u128::MAX, 3),
        (1 << 100, (1 << 70) + 12345),
        (0, 0),
        (987654321987654321987654321, 12345678912345),
    ] {
        println!("{:?}", wide(a, b));
    }
    print!(
        "{}",
        floats(&[
            0.0,
            -0.0,
            1.0,
            0.1,
            -1234.5678,
            1e300,
            5e-324,
            f64::NAN,
            f64::INFINITY,
            123456789.125
        ])
    );
    for n in [0, -1, 12345678901, i64::MIN] {
        for line in integers(n) {
            println!("{line}");
        }
    }
}
