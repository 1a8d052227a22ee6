// Foreign code calls back through a function pointer: the normal code of the callback runs.
// with-plain: with/foreign.c
// link: static no-pie
#include <stdio.h>
#include "with/foreign_calls.h"
static long total;
static long add(long i, void *data) { total += i; return *(long *)data + i; }
static double many(int a, double b, int c, double d, int e, double f, int g, double h, int i, double j, int k, double l, int m) {
    return a + b * 2 + c * 3 + d * 4 + e * 5 + f * 6 + g * 7 + h * 8 + i * 9 + j * 10 + k * 11 + l * 12 + m * 13;
}
static struct big twist(struct big b, int n) {
    for (int i = 0; i < 7; i++) b.v[i] += n * i;
    return b;
}
static long variadic(const char *types, ...) {
    va_list list;
    va_start(list, types);
    long sum = foreign_vsum(types, list);
    va_end(list);
    return sum;
}
int main(void) {
    long data = 100;
    printf("%ld\n", foreign_callback(add, 10, &data));
    printf("total %ld\n", total);
    printf("%.2f\n", foreign_callback_many(many, 3));
    struct big b = foreign_callback_big(twist, (struct big){{1, 2, 3, 4, 5, 6, 7}});
    for (int i = 0; i < 7; i++) printf("%ld ", b.v[i]);
    printf("\n%ld\n", foreign_callback_variadic(variadic));
    // The same functions, called directly in the box.
    printf("%ld %.2f %ld\n", add(5, &data), many(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1), variadic("id", 3, 0.5));
    return 0;
}
