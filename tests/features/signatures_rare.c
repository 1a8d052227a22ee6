// Arguments and results of rare types, by value: over-aligned structures, halves, 128-bit integers, mixed classes.
// with-plain: with/signatures_rare_plain.c
#include <stdio.h>
#define NAME(n) n##_inside
#define SCOPE __attribute__((noinline))
#include "with/signatures_rare.h"
#undef NAME
#undef SCOPE
#define NAME(n) n##_outside
#define SCOPE
#define DECLARED
#include "with/signatures_rare.h"

int main(void)
{
    volatile int one = 1;
    struct over o = {{one, 2, 3, 4}};
    struct over16 p = {one + 4, 6};
    struct wide w = {((__int128)one << 70) + 5, 9};
    struct mixed m = {one + 0.5, 7}, n = {8.25, one};
    _Float16 h = (_Float16)(one + 0.5);
    _BitInt(128) v = ((_BitInt(128))one << 80) + 3;
    _BitInt(200) u = ((_BitInt(200))one << 150) + 3;
    _Complex double c = __builtin_complex(1.0 * one, 2.0);
    _Complex long double cl = __builtin_complex(3.0L * one, 4.0L);
    four f = {one, 2, 3, 4};
    halves hv = {h, 2, 3, 4};
    union either e = {.d = one + 0.25};
    struct tail t = {one, 2.5f, 3};

#define RUN(k) do { \
    struct over o2 = over_##k(1, o, 2, o); \
    printf("%ld %ld %ld %ld\n", o2.x[0], o2.x[1], o2.x[2], o2.x[3]); \
    struct over16 p2 = over16_##k(1, p, 2, 3, 4, 5, p, 6, p); \
    printf("%ld %ld\n", p2.a, p2.b); \
    struct wide w2 = wide_##k(1, w, (__int128)one << 65, 3); \
    printf("%ld %ld %ld\n", (long)w2.v, (long)(w2.v >> 64), w2.l); \
    struct mixed m2 = mixed_##k(m, 1, n, 2, m, n, 3.5, m); \
    printf("%f %ld\n", m2.d, m2.l); \
    printf("%f\n", (double)half_##k(h, 1, h, h)); \
    _BitInt(128) v2 = bits_##k(1, v, 2, v, v, 4, v); \
    printf("%ld %ld\n", (long)v2, (long)(v2 >> 64)); \
    _BitInt(200) u2 = more_bits_##k(1, u, 2, u); \
    printf("%ld %ld\n", (long)u2, (long)(u2 >> 128)); \
    _Complex double c2 = complex_##k(c, 1, c, 2); \
    printf("%f %f\n", __real__ c2, __imag__ c2); \
    _Complex long double cl2 = long_complex_##k(1, cl, 2); \
    printf("%Lf %Lf\n", __real__ cl2, __imag__ cl2); \
    four f2 = vector_##k(f, 1, f, 2, f, f, f, f, f, f, f); \
    printf("%d %d\n", f2[0], f2[3]); \
    halves hv2 = halves_##k(hv, 1, hv); \
    printf("%f %f\n", (double)hv2[0], (double)hv2[3]); \
    union either e2 = either_##k(e, 1, e); \
    printf("%f\n", e2.d); \
    struct tail t2 = tail_##k(t, 1, t, 2.5f, t); \
    printf("%d %f %d\n", t2.i, (double)t2.f, t2.c); \
    } while (0)
    RUN(inside);
    RUN(outside);
    return 0;
}
