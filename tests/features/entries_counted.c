// Each call of an entry function from normal code enters the box, whatever the optimiser would rather do:
// inline it, evaluate it, specialise a copy of it for a constant argument, drop its arguments.
// privbox: -fprivbox-level=mask
// no: strict
// (strict programs run whole in the box)
#include <stdio.h>
#if defined(__has_include)
#if __has_include(<privbox.h>)
#include <privbox.h>
#endif
#endif
#ifdef PRIVBOX_H
static unsigned long entered(void) { return (unsigned long)privbox_stats().entries; }
static int boxed(void) { return privbox_mode() != PRIVBOX_MODE_OFF; }
#else
#define PRIVBOX __attribute__((noinline))
static unsigned long entered(void) { return 0; }
static int boxed(void) { return 0; }
#endif
static volatile int barrier;
PRIVBOX static long pure(long x) { return x * 3 + 1; }
PRIVBOX long visible(long x) { return x * 5 + 1; }
PRIVBOX static inline long small(void) { return barrier; }
PRIVBOX static long unused_argument(long x, long unused) { (void)unused; barrier++; return x; }
/* What function specialisation likes: a constant function pointer, a loop, few calls. */
static long add(long x) { barrier++; return x + 1; }
static long twice(long x) { barrier++; return x * 2; }
PRIVBOX static long apply(long (*f)(long), long n) { long r = 0; for (long i = 0; i < n; i++) r += f(i); return r; }
int main(void) {
    volatile long one = 1, sum = 0;
    sum += pure(one);
    sum += pure(2);
    sum += visible(one);
    sum += visible(3);
    sum += small();
    sum += unused_argument(one, 7);
    sum += unused_argument(one, 8);
    sum += apply(add, 10);
    sum += apply(twice, 20);
    sum += apply(add, one);
    unsigned long n = entered(), want = boxed() ? 10 : 0;
    printf("%ld\n", sum);
    if (n != want) printf("%lu entries, expected %lu\n", n, want);
    return n != want;
}
