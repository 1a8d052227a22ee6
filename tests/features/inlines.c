// Inline functions: static, C99 inline with an extern instance, gnu_inline, always_inline, noinline, in several units.
// with: with/inlines_other.c
// flags: -Wno-unknown-attributes
#include <stdio.h>
#include "with/inlines.h"
inline int c99(int n) { return n * 3 + 1; }
extern inline int c99(int n);
static inline __attribute__((always_inline)) int always(int n) { return n ? n * 2 : 0; }
static __attribute__((noinline)) int never(int n) { return n + 5; }
extern inline __attribute__((gnu_inline)) int gnu(int n) { return n * 1000; }
static inline int counted(void) { static int n; return ++n; }
__attribute__((flatten)) static int flat(int n) { return never(n) + always(n); }
__attribute__((pure, noinline)) static int pure(int n) { return n * n; }
__attribute__((const, noinline)) static int constant(int n) { return n + 1; }
__attribute__((cold, noinline)) static int cold(int n) { return n - 1; }
__attribute__((hot, noinline)) static int hot(int n) { return n << 1; }
__attribute__((optnone, noinline)) static int unoptimised(int n) { int a = n, b = a * 2; return a + b; }
__attribute__((minsize, noinline)) static int smallest(int n) { return n / 7; }
__attribute__((naked_is_not_tested_here, noinline)) static int unknown_attribute(int n) { return n; }
int main(void) {
    volatile int n = 7;
    int (*volatile f)(int) = c99;
    printf("%d %d %d %d %d\n", c99(n), f(n), always(n), never(n), shared(n));
    printf("%d %d %d\n", other_uses(n), other_address() == c99, gnu(n) == 7000 || gnu(n) == 7);
    int a = counted(), b = counted();
    printf("%d %d %d\n", a, b, counted());
    printf("%d %d %d %d %d %d %d %d\n", flat(n), pure(n), constant(n), cold(n), hot(n), unoptimised(n), smallest(n), unknown_attribute(n));
    return 0;
}
