// Huge frames: 1 MiB of locals, many address-taken locals, big aggregates by value, in recursion.
#include <stdio.h>
#include <string.h>
#define NOINLINE __attribute__((noinline))
NOINLINE static long megabyte(int n) { int v[262144]; for (int i = 0; i < 262144; i++) v[i] = i ^ n; long s = 0; for (int i = 0; i < 262144; i += 7) s += v[i]; return s; }
struct page { char c[4096]; };
NOINLINE static struct page by_value(struct page p, int n) { p.c[n] = (char)n; if (n == 0) return p; struct page q = by_value(p, n - 1); q.c[0]++; return q; }
NOINLINE static int frames(int n) { char a[3000], b[5000]; memset(a, n, sizeof a); memset(b, n + 1, sizeof b); int below = n ? frames(n - 1) : 0; return below + a[2999] + b[4999]; }
NOINLINE static void out(int *a, int *b, int *c, int *d) { *a += 1; *b += 2; *c += 3; *d += 4; }
NOINLINE static int many(int n) {
    int v0 = n, v1 = n, v2 = n, v3 = n, v4 = n, v5 = n, v6 = n, v7 = n;
    double d[600]; char c[9000];
    for (int i = 0; i < 600; i++) d[i] = i;
    memset(c, 1, 9000);
    out(&v0, &v1, &v2, &v3); out(&v4, &v5, &v6, &v7); out(&v7, &v6, &v5, &v4);
    return v0 + v1 * 2 + v2 * 3 + v3 * 4 + v4 * 5 + v5 * 6 + v6 * 7 + v7 * 8 + (int)d[n] + c[n];
}
// More live scalars than registers: spills on the safe stack.
NOINLINE static long spills(const long *v) {
    long a = v[0], b = v[1], c = v[2], d = v[3], e = v[4], f = v[5], g = v[6], h = v[7], i = v[8], j = v[9], k = v[10], l = v[11],
         m = v[12], n = v[13], o = v[14], p = v[15], q = v[16], r = v[17], s = v[18], t = v[19];
    for (int x = 0; x < 50; x++) { a += b ^ t; b += c * 3; c ^= d; d += e; e -= f; f ^= g + x; g += h; h ^= i; i += j; j -= k; k ^= l; l += m; m ^= n; n += o; o -= p; p ^= q; q += r; r ^= s; s += t; t ^= a & 0xffff; a &= 0xffffff; b &= 0xffffff; d &= 0xffffff; g &= 0xffffff; i &= 0xfffff; l &= 0xfffff; n &= 0xfffff; q &= 0xfffff; s &= 0xfffff; e &= 0xffffff; j &= 0xffffff; o &= 0xffffff; }
    return a + b + c + d + e + f + g + h + i + j + k + l + m + n + o + p + q + r + s + t;
}
NOINLINE static double float_spills(const double *v) {
    double a[24];
    for (int i = 0; i < 24; i++) a[i] = v[i];
    for (int x = 0; x < 10; x++) { double t = a[0]; for (int i = 0; i < 23; i++) a[i] = a[i + 1] * 0.5 + a[i]; a[23] = t; }
    double s = 0;
    for (int i = 0; i < 24; i++) s += a[i];
    return s;
}
int main(void) {
    volatile int n = 5;
    printf("%ld\n", megabyte(n));
    struct page p;
    memset(&p, 'x', sizeof p);
    p = by_value(p, 20);
    printf("%d %d %d\n", p.c[0], p.c[20], p.c[21]);
    printf("%d %d\n", frames(50), many(n));
    long v[20];
    double d[24];
    for (int i = 0; i < 20; i++) v[i] = i * 77 + n;
    for (int i = 0; i < 24; i++) d[i] = i + n;
    printf("%ld %.6g\n", spills(v), float_spills(d));
    return 0;
}
