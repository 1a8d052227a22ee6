// AVX, AVX2, FMA, BMI: auto-vectorised loops, intrinsics, gathers, masked loads and stores, by value.
// flags: -march=x86-64-v3
// only-cpu: v3
#include <immintrin.h>
#include <stdio.h>
#define NOINLINE __attribute__((noinline))
typedef int v8 __attribute__((vector_size(32)));
typedef double d4 __attribute__((vector_size(32)));
NOINLINE static v8 mad(v8 a, v8 b, v8 c) { return a * b + c; }
NOINLINE static d4 many(d4 a, d4 b, d4 c, d4 d, d4 e, d4 f, d4 g, d4 h, d4 i, d4 j) { return a - b + c * d - e + f * g - h + i / j; }
NOINLINE static void saxpy(float *y, const float *x, float a, int n) { for (int i = 0; i < n; i++) y[i] += a * x[i]; }
NOINLINE static long sum(const int *p, int n) { long s = 0; for (int i = 0; i < n; i++) s += p[i]; return s; }
NOINLINE static void scatter(int *out, const int *in, const int *index, int n) { for (int i = 0; i < n; i++) out[i] = in[index[i]] + 1; }
NOINLINE static void bytes(unsigned char *p, int n) { for (int i = 0; i < n; i++) p[i] = p[i] > 'm' ? p[i] - 13 : p[i] + 13; }
NOINLINE static __m256i gather(const int *base, __m256i index) { return _mm256_i32gather_epi32(base, index, 4); }
NOINLINE static void masked(int *p, __m256i mask) {
    __m256i v = _mm256_maskload_epi32(p, mask);
    _mm256_maskstore_epi32(p + 8, mask, _mm256_add_epi32(v, _mm256_set1_epi32(100)));
}
NOINLINE static unsigned long bits(unsigned long x) {
    return _pext_u64(x, 0xf0f0f0f0f0f0f0f0) + _pdep_u64(x, 0xaaaaaaaaaaaaaaaa) + _tzcnt_u64(x) + _lzcnt_u64(x) + _blsr_u64(x) +
           _bzhi_u64(x, 17) + __builtin_popcountl(x) + _andn_u64(x, 12345) + _mulx_u64(x, x, (unsigned long long *)&x);
}
struct wide { v8 a; v8 b; };
NOINLINE static struct wide swap(struct wide w) { return (struct wide){w.b, w.a}; }
NOINLINE static int choose(__m256i v, int i) { int t[8]; _mm256_storeu_si256((__m256i *)t, v); return t[i]; }
int main(void) {
    volatile int one = 1;
    v8 a = {1, 2, 3, 4, 5, 6, 7, one};
    v8 r = mad(a, a, a + 1);
    for (int i = 0; i < 8; i++) printf("%d ", r[i]);
    d4 d = {one, 2, 3, 4};
    d = many(d, d, d + 1, d, d, d, d, d, d, d);
    printf("\n%g %g %g %g\n", d[0], d[1], d[2], d[3]);
    float x[100], y[100];
    for (int i = 0; i < 100; i++) { x[i] = i; y[i] = 100 - i; }
    saxpy(y, x, 0.5f, 99);
    printf("%g %g %g\n", y[0], y[50], y[99]);
    int v[64], out[64], index[64];
    for (int i = 0; i < 64; i++) { v[i] = i * i; index[i] = (i * 29) % 64; }
    scatter(out, v, index, 63);
    printf("%ld %ld\n", sum(v, 61), sum(out, 63));
    unsigned char text[100];
    for (int i = 0; i < 100; i++) text[i] = 'a' + i % 26;
    bytes(text, 77);
    printf("%.100s\n", text);
    __m256i g = gather(v, _mm256_setr_epi32(63, 0, 5, 7, 9, 11, 13, one));
    for (int i = 0; i < 8; i++) printf("%d ", choose(g, i));
    masked(v, _mm256_setr_epi32(-1, 0, -1, 0, -1, -1, 0, -one));
    for (int i = 8; i < 16; i++) printf("%d ", v[i]);
    printf("\n%lu\n", bits(0x123456789abcdef0ul * one));
    struct wide w = swap((struct wide){a, r});
    printf("%d %d\n", w.a[3], w.b[3]);
    __m256i p = _mm256_permutevar8x32_epi32((__m256i)a, _mm256_setr_epi32(7, 6, 5, 4, 3, 2, 1, 0));
    printf("%d %d\n", _mm256_extract_epi32(p, 0), _mm256_movemask_epi8(_mm256_cmpgt_epi32(p, (__m256i)a)));
    _mm256_zeroupper();
    printf("%g\n", __builtin_fma(1.5, (double)one, 2.5));
    return 0;
}
