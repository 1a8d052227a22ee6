// Floating point: formatting, conversions, comparisons with NaN, rounding modes, libm, denormals, float loops.
// flags: -lm
#include <fenv.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdint.h>
#define NOINLINE __attribute__((noinline))
NOINLINE static int compare(double a, double b) { return (a < b) | (a <= b) << 1 | (a > b) << 2 | (a >= b) << 3 | (a == b) << 4 | (a != b) << 5 | !!isunordered(a, b) << 6; }
NOINLINE static uint64_t to_unsigned(double d) { return (uint64_t)d; }
NOINLINE static double from_unsigned(uint64_t u) { return (double)u; }
NOINLINE static float single(double d) { return (float)d; }
NOINLINE static float mean(const float *v, int n) { float s = 0; for (int i = 0; i < n; i++) s += v[i]; return s / n; }
NOINLINE static double newton(double x) { double r = x; for (int i = 0; i < 30; i++) r = (r + x / r) / 2; return r; }
NOINLINE static double poly(double x, const double *c, int n) { double r = 0; for (int i = n; i--;) r = fma(r, x, c[i]); return r; }
NOINLINE static int classes(double d) { return fpclassify(d) * 4 + !!signbit(d) * 2 + !!isfinite(d); }
static double (*const functions[])(double) = {sin, cos, tan, exp, log, sqrt, cbrt, floor, ceil, round, trunc, fabs, atan, tanh, log10, erf};
int main(void) {
    double v[] = {0.0, -0.0, 1.0, -1.5, 1e300, -1e-300, INFINITY, -INFINITY, NAN, DBL_MIN / 4, DBL_MAX, 0.1, 123456789.123};
    for (int i = 0; i < 13; i++) printf("%g %e %f %a %.17g %d %d\n", v[i], v[i], fabs(v[i]) < 1e20 ? v[i] : 0, v[i], v[i], compare(v[i], 1.0), classes(v[i]));
    for (int i = 0; i < 16; i++) printf("%.12g ", functions[i](0.75));
    printf("\n%.12g %.12g %.12g %.12g\n", pow(2.5, 3.5), fmod(10.5, 3), atan2(1, -2), hypot(3, 4));
    printf("%llu %llu %.17g %.9g\n", (unsigned long long)to_unsigned(1.8e19), (unsigned long long)to_unsigned(5.9), from_unsigned(~0ull), single(0.1));
    float f[100];
    for (int i = 0; i < 100; i++) f[i] = i * 0.25f;
    double c[] = {1, -2, 0.5};
    printf("%.8g %.15g %.15g\n", mean(f, 100), newton(2), poly(1.5, c, 3));
    volatile double x = 2.5;
    for (int mode = 0; mode < 4; mode++) {
        static const int modes[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};
        fesetround(modes[mode]);
        printf("%g %g %ld | ", rint(x), nearbyint(-x), lrint(x));
    }
    fesetround(FE_TONEAREST);
    feclearexcept(FE_ALL_EXCEPT);
    volatile double zero = 0;
    x = 1 / zero;
    printf("%d %d\n", !!fetestexcept(FE_DIVBYZERO), !!fetestexcept(FE_INVALID));
    printf("%.3f %.0f %g %g\n", strtod("12.3456", 0), 0.5, fmin(NAN, 1), copysign(3, -0.0));
    int e;
    double part, m = frexp(100.5, &e), frac = modf(-3.75, &part);
    printf("%g %d %g %g %g\n", m, e, frac, part, ldexp(0.75, 5));
    return 0;
}
