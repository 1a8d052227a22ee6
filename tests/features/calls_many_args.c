// More arguments than registers: integers, doubles, both, small types, and pointers to locals.
// link: static static-pie no-pie bfd
#include <stdio.h>
#include <stdint.h>
#define NOINLINE __attribute__((noinline))

NOINLINE long ints(long a, long b, long c, long d, long e, long f, long g, long h, long i, long j) {
    return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i + 10 * j;
}
NOINLINE double doubles(double a, double b, double c, double d, double e, double f, double g, double h, double i,
                        double j, double k) {
    return a - b * 2 + c * 3 - d * 4 + e * 5 - f * 6 + g * 7 - h * 8 + i * 9 - j * 10 + k * 11;
}
NOINLINE double mixed(int a, float b, long c, double d, short e, double f, char g, float h, unsigned i, double j,
                      int8_t k, double l, uint16_t m, double n, float o, double p, double q, int r) {
    return a + b + c + d + e + f + g + h + i + j + k + l + m + n + o + p + q + r;
}
NOINLINE int small(int8_t a, uint8_t b, int16_t c, uint16_t d, _Bool e, char f, int8_t g, uint8_t h, int16_t i,
                   uint16_t j, _Bool k) {
    return a * 1 + b * 2 + c * 3 + d * 4 + e * 5 + f * 6 + g * 7 + h * 8 + i * 9 + j * 10 + k * 11;
}
NOINLINE void through(int *a, int *b, int *c, int *d, int *e, int *f, int *g, int *h) {
    *a += *b; *c += *d; *e += *f; *g += *h; *h = *a + *c + *e;
}
NOINLINE long deep(int n, long a, long b, long c, long d, long e, long f, long g) {
    if (n == 0) return a + b + c + d + e + f + g;
    return deep(n - 1, b, c, d, e, f, g, a + n) + n;
}

int main(void) {
    volatile long one = 1;
    printf("%ld\n", ints(one, 2, 3, 4, 5, 6, 7, 8, 9, 10));
    printf("%ld\n", ints(-one, -2, -3, -4, -5, -6, -7, -8, -9, INT32_MIN));
    printf("%.3f\n", doubles(1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5, 10.5, one + 0.25));
    printf("%.3f\n", mixed(1, 2.5f, 3, 4.25, -5, 6.5, 'a', 7.5f, 4000000000u, 8.125, -9, 10.5, 65535, 11.5, 12.5f, 13.5,
                           14.5, (int)one));
    printf("%d\n", small(-1, 255, -300, 60000, 1, 'z', -128, 200, 32767, 65535, one != 0));
    int v[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    through(&v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]);
    for (int i = 0; i < 8; i++) printf("%d ", v[i]);
    printf("\n%ld\n", deep(100, 1, 2, 3, 4, 5, 6, one));
    return 0;
}
