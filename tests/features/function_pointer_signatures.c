// Function pointers whose types are complex or variadic: box to box and out of the box.
// with-plain: with/foreign.c
// link: static no-pie
#include <stdio.h>
#include "with/foreign_calls.h"
static struct big twist(struct big b, int n) {
    for (int i = 0; i < 7; i++) b.v[i] -= n * i;
    return b;
}
static long double blend(long double a, int b, long double c) { return a - b * c; }
static long count(int n, ...) {
    va_list list;
    va_start(list, n);
    long sum = 0;
    while (n--) sum += va_arg(list, long);
    va_end(list);
    return sum;
}
static __int128 wide(__int128 a, __int128 b, int c, __int128 d) { return a + b + c + d; }
static long nine(long a, long b, long c, long d, long e, long f, long g, long h, long i) {
    return a - b + c - d + e - f + g - h + i;
}
struct big (*const bigs[])(struct big, int) = {foreign_big, twist};
long double (*const blends[])(long double, int, long double) = {foreign_long_double, blend};
long (*const sums[])(int, ...) = {foreign_sum, count};
__int128 (*const wides[])(__int128, __int128, int, __int128) = {foreign_int128, wide};
long (*const nines[])(long, long, long, long, long, long, long, long, long) = {foreign_ints, nine};
int main(void) {
    for (volatile int i = 0; i < 4; i++) {
        struct big b = bigs[i & 1]((struct big){{7, 6, 5, 4, 3, 2, 1}}, i + 1);
        for (int j = 0; j < 7; j++) printf("%ld ", b.v[j]);
        printf("%.3Lf ", blends[i & 1](1.5L, i, 0.75L));
        printf("%ld ", sums[i & 1](8, 1L, 2L, 3L, 4L, 5L, 6L, 7L, (long)i));
        __int128 w = wides[i & 1]((__int128)i << 65, 3, i, -7);
        printf("%llx:%llx ", (unsigned long long)(w >> 64), (unsigned long long)w);
        printf("%ld\n", nines[i & 1](9, 8, 7, 6, 5, 4, 3, 2, i));
    }
    return 0;
}
