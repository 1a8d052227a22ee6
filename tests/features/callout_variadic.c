// Variadic call-outs: integers, doubles, long double, __int128, aggregates, past the registers.
// with-plain: with/foreign.c
// link: static static-pie no-pie bfd
#include <stdio.h>
#include "with/foreign_calls.h"
static long forward(const char *types, ...) {
    va_list list;
    va_start(list, types);
    long sum = foreign_vsum(types, list);
    va_end(list);
    return sum;
}
int main(void) {
    volatile long one = 1;
    struct small s = {7, 8};
    struct mixed m = {2.5, 9};
    struct big b = {{1, 2, 3, 4, 5, 6, 7}};
    struct floats f = {1, 2, 3};
    printf("%ld\n", foreign_sum(0));
    printf("%ld\n", foreign_sum(3, one, 2L, 3L));
    printf("%ld\n", foreign_sum(12, one, 2L, 3L, 4L, 5L, 6L, 7L, 8L, 9L, 10L, 11L, 12L));
    printf("%.3f\n", foreign_sum_doubles(11, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, one * 0.5));
    printf("%ld\n", foreign_variadic_mixed("ildLx", 3, 4L, 2.5, 1.25L, (__int128)77));
    printf("%ld\n", foreign_variadic_mixed("smbf", s, m, b, f));
    printf("%ld\n", foreign_variadic_mixed("iiiiiixL", 1, 2, 3, 4, 5, 6, (__int128)99, 1.5L));
    printf("%ld\n", foreign_variadic_mixed("iiiiismbfdL", 1, 2, 3, 4, 5, s, m, b, f, 2.5, 3.5L));
    printf("%ld\n", forward("ildLx", 3, 4L, 2.5, 1.25L, (__int128)77));
    printf("%ld\n", forward("iiiiiisL", 1, 2, 3, 4, 5, 6, s, 1.5L));
    printf("%ld\n", forward("smbfd", s, m, b, f, 0.5));
    printf("%d %s %c %ld %.3f %Lf %p %5.1f|%-8s|%08x\n", 1, "two", '3', 4L, 5.5, 6.25L, (void *)0, 7.77, "eight", 9u);
    return 0;
}
