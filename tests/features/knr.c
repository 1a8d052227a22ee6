// K&R definitions and calls without a prototype, with promotion; a function declared with () in another unit.
// flags: -std=gnu89 -w
// with: with/knr_other.c
// with-plain: with/knr_plain.c
#include <stdio.h>
int old(a, b, c) int a; char b; float c; { return a + b + (int)c; }
double older(x, n, y) double x; short n; float y; { return x * n + y; }
long many(a, b, c, d, e, f, g, h) long a, b, c, d, e, f, g, h; { return a - b + c - d + e - f + g - h; }
implicit(n) { return n * 2; }
int elsewhere();
double elsewhere_double();
long elsewhere_many();
int plain();
double plain_double();
int (*pointer)();
int main(argc, argv) char **argv; {
    volatile int n = 5;
    printf("%d %g %ld\n", old(n, 'a', 2.5), older(1.5, 4, 0.5f), many(9L, 8L, 7L, 6L, 5L, 4L, 3L, (long)n));
    printf("%d %d %g %ld\n", implicit(n), elsewhere(n, 'b'), elsewhere_double(2.5f, n), elsewhere_many(1L, 2L, 3L, 4L, 5L, 6L, 7L, (long)n));
    printf("%d %g\n", plain(n, 2, 3, 4, 5, 6, 7, 8), plain_double(n, 1.5, 2.5f));
    pointer = old;
    printf("%d ", pointer(n, 'c', 3.0));
    pointer = elsewhere;
    printf("%d ", pointer(n, 'd'));
    pointer = plain;
    printf("%d %d\n", pointer(n, 1, 1, 1, 1, 1, 1, 1), argc);
    return 0;
}
