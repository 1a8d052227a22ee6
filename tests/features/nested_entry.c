// The callbacks are entry functions too: foreign code called out of the box enters it again.
// privbox: -fprivbox-fn=main -fprivbox-fn=add -fprivbox-fn=many -fprivbox-fn=twist -fprivbox-fn=nest
// with-plain: with/foreign.c
// link: static static-pie no-pie bfd
#include <stdio.h>
#include "with/foreign_calls.h"
static long total;
long add(long i, void *data) { total += i; return *(long *)data + i; }
double many(int a, double b, int c, double d, int e, double f, int g, double h, int i, double j, int k, double l, int m) {
    return a + b * 2 + c * 3 + d * 4 + e * 5 + f * 6 + g * 7 + h * 8 + i * 9 + j * 10 + k * 11 + l * 12 + m * 13;
}
struct big twist(struct big b, int n) {
    for (int i = 0; i < 7; i++) b.v[i] += n * i;
    return b;
}
// Box, out, box, out ... as deep as its argument says.
long nest(long i, void *data) {
    long depth = *(long *)data;
    if (depth == 0) return i;
    long below = depth - 1;
    long local[4] = {i, depth, 3, 4};
    long sum = foreign_callback(nest, 2, &below);
    return sum + local[0] + local[1] + local[2] + local[3];
}
int main(void) {
    long data = 100;
    printf("%ld\n", foreign_callback(add, 10, &data));
    printf("total %ld\n", total);
    printf("%.2f\n", foreign_callback_many(many, 3));
    struct big b = foreign_callback_big(twist, (struct big){{1, 2, 3, 4, 5, 6, 7}});
    for (int i = 0; i < 7; i++) printf("%ld ", b.v[i]);
    long depth = 8;
    printf("\n%ld\n", nest(5, &depth));
    return 0;
}
