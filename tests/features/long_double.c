// long double: arithmetic, comparison, conversion, libm, arguments and results, arrays.
// flags: -lm
#include <math.h>
#include <stdio.h>
#define NOINLINE __attribute__((noinline))
NOINLINE static long double horner(const long double *c, int n, long double x) {
    long double r = 0;
    while (n--) r = r * x + c[n];
    return r;
}
NOINLINE static int order(long double a, long double b) { return a < b ? -1 : a > b ? 1 : a == b ? 0 : 2; }
NOINLINE static long double pick(int which, long double a, double b, float c, long long d, unsigned long long e) {
    switch (which) {
    case 0: return a;
    case 1: return b;
    case 2: return c;
    case 3: return d;
    default: return e;
    }
}
NOINLINE static long double many(long double a, long double b, long double c, int i, long double d, double e, long double f) {
    return a - b * 2 + c * 3 - d * 4 + i + e + f;
}
long double global = 1.0L / 3;
static _Thread_local long double local = 2.5L;
int main(void) {
    volatile long double x = 1.25L;
    long double c[] = {1, -2, 3.5L, 0.125L};
    printf("%.18Lg\n", horner(c, 4, x));
    printf("%d %d %d %d\n", order(x, 2), order(2, x), order(x, x), order(NAN, x));
    for (int i = 0; i < 5; i++) printf("%.18Lg ", pick(i, x / 3, x, x, -5, 18446744073709551615ull));
    printf("\n%lld %llu %d %.17g %.9g\n", (long long)(x * 1e15L), (unsigned long long)(x * 1e19L), (int)-x, (double)(x / 3),
           (float)(x / 3));
    printf("%.15Lg %.15Lg %.15Lg\n", sqrtl(x), floorl(-x), fabsl(-x));
    printf("%.15Lg %.15Lg\n", powl(x, 10), sinl(x));
    int exponent;
    printf("%.15Lg", frexpl(x * 1000, &exponent));
    printf(" %d\n%.18Lg\n", exponent, many(x, 1, 2, 3, 4, 5, 6));
    global *= x;
    local += global;
    printf("%.18Lg %.18Lg\n", global, local);
    long double sum = 0, table[10];
    for (int i = 0; i < 10; i++) table[i] = sqrtl(i) * x;
    for (int i = 0; i < 10; i++) sum += table[(i * 7) % 10] / (i + 1);
    printf("%.17Lg\n", sum);
    long double (*f)(const long double *, int, long double) = horner;
    printf("%.18Lg %d\n", f(c, 3, -x), isinf(x / 0.0L));
    return 0;
}
