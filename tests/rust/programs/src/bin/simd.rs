//! Vectors: intrinsics of the baseline, of AVX2 where the processor has it, and what LLVM vectorises.
use privbox::privbox;
use std::arch::x86_64::*;

#[privbox]
fn sse2(a: &[f32], b: &[f32]) -> f32 {
    let mut sum = unsafe { _mm_setzero_ps() };
    for (a, b) in a.chunks_exact(4).zip(b.chunks_exact(4)) {
        // SAFETY: four floats each.
        unsafe {
            sum = _mm_add_ps(
                sum,
                _mm_mul_ps(_mm_loadu_ps(a.as_ptr()), _mm_loadu_ps(b.as_ptr())),
            )
        };
    }
    let mut out = [0.0; 4];
    unsafe { _mm_storeu_ps(out.as_mut_ptr(), sum) };
    out.iter().sum()
}

#[target_feature(enable = "avx2")]
unsafe fn avx2_inner(a: &[u8]) -> u64 {
    let zero = _mm256_setzero_si256();
    let mut sum = zero;
    for chunk in a.chunks_exact(32) {
        sum = _mm256_add_epi64(
            sum,
            _mm256_sad_epu8(_mm256_loadu_si256(chunk.as_ptr().cast()), zero),
        );
    }
    let mut out = [0u64; 4];
    _mm256_storeu_si256(out.as_mut_ptr().cast(), sum);
    out.iter().sum()
}

#[privbox]
fn bytes(a: &[u8]) -> u64 {
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has it.
        unsafe { avx2_inner(a) }
    } else {
        a.chunks_exact(32).flatten().map(|b| u64::from(*b)).sum()
    }
}

#[privbox]
fn shuffle(a: __m128i) -> (__m128i, i32) {
    // SAFETY: SSE2 is there on every x86-64.
    unsafe {
        (
            _mm_shuffle_epi32::<0b00_01_10_11>(a),
            _mm_movemask_epi8(_mm_cmpgt_epi8(a, _mm_set1_epi8(5))),
        )
    }
}

#[privbox]
fn automatic(a: &mut [i32], b: &[i32]) -> i64 {
    for (a, b) in a.iter_mut().zip(b) {
        *a = a.wrapping_mul(3) ^ b.wrapping_add(*a >> 2);
    }
    a.iter().map(|v| i64::from(*v)).sum()
}

fn main() {
    let a: Vec<f32> = (0..1000).map(|i| i as f32 * 0.25).collect();
    let b: Vec<f32> = (0..1000).map(|i| (i % 17) as f32).collect();
    println!("{}", sse2(&a, &b));
    let text: Vec<u8> = (0..4096u32).map(|i| (i * i >> 3) as u8).collect();
    println!("{}", bytes(&text));
    let (v, mask) = shuffle(unsafe { _mm_set_epi32(1, 0x0607_0809, 3, 4) });
    println!("{v:?} {mask:x}");
    let mut x: Vec<i32> = (0..1003).collect();
    let y: Vec<i32> = (0..1003).rev().collect();
    println!("{}", automatic(&mut x, &y));
}
