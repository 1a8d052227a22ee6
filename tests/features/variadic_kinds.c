// Variadic arguments of every kind: aligned structures that clang passes as words, 128-bit integers, long double, vectors.
// with-plain: with/variadic_kinds_plain.c
// link: static
#include <stdio.h>
#include "with/variadic_kinds.h"
#define READ \
    va_list ap, copy; \
    va_start(ap, what); \
    va_copy(copy, ap); \
    long s = read_kinds(what, ap), again = read_kinds(what, copy); \
    va_end(copy); \
    va_end(ap); \
    return s == again ? s : -1
#define APART __attribute__((noinline)) static
APART long inside(const char *what, ...) { READ; }
APART long inside_late(int a, int b, int c, int d, int e, int f, long g, const char *what, ...)
{ (void)a, (void)b, (void)c, (void)d, (void)e, (void)f, (void)g; READ; }
APART long inside_odd(int a, int b, int c, int d, int e, int f, const char *what, ...)
{ (void)a, (void)b, (void)c, (void)d, (void)e, (void)f; READ; }
APART long inside_double(double x, long double y, const char *what, ...) { (void)x, (void)y; READ; }
/* Through pointers, one of which leads out of the box. */
static long (*volatile const both[])(const char *, ...) = {inside, read_outside};
#define T(what, ...) \
    printf("%s: %ld %ld %ld %ld %ld %ld %ld %ld %ld\n", what, inside(what, __VA_ARGS__), read_outside(what, __VA_ARGS__), \
           inside_late(1, 2, 3, 4, 5, 6, 7, what, __VA_ARGS__), read_outside_late(1, 2, 3, 4, 5, 6, 7, what, __VA_ARGS__), \
           inside_odd(1, 2, 3, 4, 5, 6, what, __VA_ARGS__), read_outside_odd(1, 2, 3, 4, 5, 6, what, __VA_ARGS__), \
           inside_double(1, 2, what, __VA_ARGS__), both[0](what, __VA_ARGS__), both[1](what, __VA_ARGS__))
int main(void)
{
    volatile int one = 1;
    two_aligned aa = {30 + one, 32};
    one_aligned bb = {76 + one};
    memory_aligned cc = {{11, 12}, 12 + one};
    double_aligned dd = {3 + one, 5};
    floats_aligned ee = {2 + one, 4};
    wrapped ff = {((__int128)5 << 64) + 8 + one};
    __int128 gg = ((__int128)7 << 64) + 7 + one;
    _BitInt(128) hh = ((_BitInt(128))3 << 64) + 3 + one;
    _BitInt(100) ii = ((_BitInt(100))6 << 64) + 1 + one;
    three_floats jj = {one, 2, 3};
    mixed kk = {4 + one, 6};
    wrapped_long mm = {11 + one};
    long_and_int nn = {12 + one, 14};
    _Complex double oo = __builtin_complex(1.0 + one, 3.0);
    _Complex float pp = __builtin_complex(3.0f + one, 5.0f);
    _Complex long double qq = __builtin_complex(5.0L + one, 7.0L);
    four rr = {one, 2, 3, 4};

    T("iA", 1, aa);
    T("lAlA", 1L, aa, 3L, aa);
    T("llllAlAl", 1L, 2L, 3L, 4L, aa, 6L, aa, 8L);
    T("lllllAAl", 1L, 2L, 3L, 4L, 5L, aa, aa, 8L);
    T("iB", 1, bb);
    T("lB", 1L, bb);
    T("lllllBl", 1L, 2L, 3L, 4L, 5L, bb, 7L);
    T("llllllBlBl", 1L, 2L, 3L, 4L, 5L, 6L, bb, 8L, bb, 10L);
    T("iC", 1, cc);
    T("llllllCl", 1L, 2L, 3L, 4L, 5L, 6L, cc, 8L);
    T("iD", 1, dd);
    T("dddddddDdD", 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, dd, 9.0, dd);
    T("lllllddddddDlDl", 1L, 2L, 3L, 4L, 5L, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, dd, 13L, dd, 15L);
    T("ddddddddDl", 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, dd, 10L);
    T("iE", 1, ee);
    T("lEdEl", 1L, ee, 3.0, ee, 5L);
    T("dddddddEElEi", 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, ee, ee, 10L, ee, 12);
    T("iF", 1, ff);
    T("llFiF", 1L, 2L, ff, 4, ff);
    T("lllFlFl", 1L, 2L, 3L, ff, 5L, ff, 7L);
    T("iG", 1, gg);
    T("lllllGl", 1L, 2L, 3L, 4L, 5L, gg, 7L);
    T("lllGlGl", 1L, 2L, 3L, gg, 5L, gg, 7L);
    T("iH", 1, hh);
    T("lllllHl", 1L, 2L, 3L, 4L, 5L, hh, 7L);
    T("lllHlHl", 1L, 2L, 3L, hh, 5L, hh, 7L);
    T("iI", 1, ii);
    T("lllllIl", 1L, 2L, 3L, 4L, 5L, ii, 7L);
    T("lllIlIl", 1L, 2L, 3L, ii, 5L, ii, 7L);
    T("iJK", 1, jj, kk);
    T("llllldddddddKJKlK", 1L, 2L, 3L, 4L, 5L, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, kk, jj, kk, 16L, kk);
    T("iL", 1, 15.0L + one);
    T("lLlL", 1L, 15.0L + one, 3L, 15.0L + one);
    T("lllllliL", 1L, 2L, 3L, 4L, 5L, 6L, 7, 15.0L + one);
    T("iMN", 1, mm, nn);
    T("llllllMlN", 1L, 2L, 3L, 4L, 5L, 6L, mm, 8L, nn);
    T("iOPQ", 1, oo, pp, qq);
    T("dddddddOPQ", 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, oo, pp, qq);
    T("ddddddddPOi", 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, pp, oo, 11);
    T("iR", 1, rr);
    T("dddddddRRlR", 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, rr, rr, 10L, rr);
    T("ddddddddlRlR", 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9L, rr, 11L, rr);
    T("lSAlSB", 1L, "text", aa, 4L, "text", bb);
    T("S", "text");
    /* None at all. */
    printf("%ld %ld %ld %ld\n", inside(""), read_outside(""), inside_odd(1, 2, 3, 4, 5, 6, ""), both[1](""));
    return 0;
}
