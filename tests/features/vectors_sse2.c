// SSE2: vector extensions and intrinsics, vectors by value and returned, more than eight, unaligned, stores.
#include <emmintrin.h>
#include <stdio.h>
#include <string.h>
#define NOINLINE __attribute__((noinline))
typedef int v4 __attribute__((vector_size(16)));
typedef float f4 __attribute__((vector_size(16)));
typedef unsigned char b16 __attribute__((vector_size(16)));
typedef short s8 __attribute__((vector_size(16)));
typedef double d2 __attribute__((vector_size(16)));
typedef int v8 __attribute__((vector_size(32)));
typedef int v2 __attribute__((vector_size(8)));
NOINLINE static v4 mad(v4 a, v4 b, v4 c) { return a * b + c; }
NOINLINE static f4 many(f4 a, f4 b, f4 c, f4 d, f4 e, f4 f, f4 g, f4 h, f4 i, f4 j) {
    return a - b + c * d - e + f * g - h + i / j;
}
NOINLINE static v8 wide(v8 a, v8 b) { return a ^ b; }
NOINLINE static v2 narrow(v2 a, v2 b) { return a - b; }
NOINLINE static int pick(v4 v, int i) { return v[i & 3]; }
NOINLINE static v4 put(v4 v, int i, int x) { v[i & 3] = x; return v; }
NOINLINE static void sum(const unsigned char *p, size_t n, unsigned long *out) {
    __m128i total = _mm_setzero_si128();
    for (size_t i = 0; i + 16 <= n; i += 16)
        total = _mm_add_epi64(total, _mm_sad_epu8(_mm_loadu_si128((const __m128i *)(p + i)), _mm_setzero_si128()));
    _mm_storeu_si128((__m128i *)out, total);
}
NOINLINE static int find(const char *p, char c) {
    for (int i = 0;; i += 16) {
        int m = _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(p + i)), _mm_set1_epi8(c)));
        if (m) return i + __builtin_ctz(m);
    }
}
NOINLINE static double dot(const double *a, const double *b, int n) {
    __m128d s = _mm_setzero_pd();
    for (int i = 0; i < n; i += 2) s = _mm_add_pd(s, _mm_mul_pd(_mm_loadu_pd(a + i), _mm_loadu_pd(b + i)));
    double r[2];
    _mm_storeu_pd(r, s);
    return r[0] + r[1];
}
struct vec { v4 v; int n; };
NOINLINE static struct vec pass(struct vec v) { v.v += v.n; return v; }
// Without AVX a 32-byte vector comes back in two registers: not in the box, so this function is called out.
NOINLINE static void wider(int one) {
    v8 w = wide((v8){1, 2, 3, 4, 5, 6, 7, 8}, (v8){9, 9, 9, 9, 9, 9, 9, one});
    for (int i = 0; i < 8; i++) printf("%d ", w[i]);
}
int main(void) {
    volatile int one = 1;
    v4 a = {1, 2, 3, one}, b = {5, 6, 7, 8};
    v4 r = mad(a, b, a);
    printf("%d %d %d %d\n", r[0], r[1], r[2], r[3]);
    f4 f = {one, 2, 3, 4};
    f = many(f, f, f, f, f, f + 1, f, f, f, f);
    printf("%g %g %g %g\n", f[0], f[1], f[2], f[3]);
    wider(one);
    v2 n = narrow((v2){7, one}, (v2){1, 2});
    printf("\n%d %d\n", n[0], n[1]);
    for (int i = 0; i < 6; i++) printf("%d ", pick(put(b, i + one, 100 + i), i + one));
    unsigned char bytes[1000];
    for (int i = 0; i < 1000; i++) bytes[i] = (unsigned char)(i * 7);
    unsigned long total[2];
    sum(bytes + 3, 900, total);
    printf("\n%lu %lu\n", total[0], total[1]);
    char text[64] = "the quick brown fox jumps over the lazy dog";
    printf("%d %d\n", find(text, 'z'), find(text, 0));
    double x[32], y[32];
    for (int i = 0; i < 32; i++) { x[i] = i * 0.5; y[i] = 32 - i; }
    printf("%g\n", dot(x, y, 32));
    struct vec v = pass((struct vec){a, 10});
    printf("%d %d %d\n", v.v[0], v.v[3], v.n);
    b16 m = (b16)(a == b) | (b16){1};
    s8 s = __builtin_convertvector((d2){1.5, 2.5}, __attribute__((vector_size(4))) short)[0] + (s8){1, 2, 3, 4, 5, 6, 7, 8};
    printf("%d %d %d\n", m[0], m[15], s[7]);
    v4 sh = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    printf("%d %d %d %d\n", sh[0], sh[1], sh[2], sh[3]);
    _mm_stream_si32(&bytes[0] == 0 ? 0 : (int *)(void *)total, 5);
    _mm_sfence();
    printf("%d\n", (int)total[0] & 0xff);
    __m128i masked = _mm_set1_epi8(one);
    _mm_prefetch((const char *)bytes, _MM_HINT_T0);
    printf("%d\n", _mm_cvtsi128_si32(masked));
    return 0;
}
