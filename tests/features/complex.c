// Complex numbers: float, double, long double; arithmetic, libm, by value, in structures, arrays.
// flags: -lm
#include <complex.h>
#include <stdio.h>
#define NOINLINE __attribute__((noinline))
NOINLINE static double complex mad(double complex a, double complex b, double complex c) { return a * b + c; }
NOINLINE static float complex quotient(float complex a, float complex b) { return a / b; }
NOINLINE static long double complex square(long double complex a) { return a * a; }
NOINLINE static double complex many(double complex a, double complex b, double complex c, double complex d, double complex e, int f) { return a - b + c - d + e * f; }
struct holder { float complex f; int n; };
NOINLINE static struct holder hold(struct holder h) { h.f *= h.n; return h; }
NOINLINE static int mandelbrot(double complex c) { double complex z = 0; int n = 0; while (n < 100 && creal(z) * creal(z) + cimag(z) * cimag(z) < 4) { z = z * z + c; n++; } return n; }
int main(void) {
    volatile double one = 1;
    double complex a = one + 2 * I, b = 3 - I;
    double complex r = mad(a, b, a);
    printf("%g %g\n", creal(r), cimag(r));
    float complex f = quotient(1 + 2 * I, 3 - (float)one * I);
    printf("%.5g %.5g\n", crealf(f), cimagf(f));
    long double complex l = square(1.5L + one * I);
    printf("%Lg %Lg\n", creall(l), cimagl(l));
    r = many(a, b, r, a, b, 3);
    printf("%g %g\n", creal(r), cimag(r));
    struct holder h = hold((struct holder){1.5f - I, 4});
    printf("%g %g %d\n", crealf(h.f), cimagf(h.f), h.n);
    r = cexp(a) + csqrt(b) * conj(a);
    printf("%.10g %.10g %.10g\n", creal(r), cimag(r), cabs(a));
    int s = 0;
    for (int y = -10; y < 10; y++) for (int x = -20; x < 10; x++) s += mandelbrot(x / 10.0 + y / 10.0 * I);
    double complex v[5];
    for (int i = 0; i < 5; i++) v[i] = i ? v[i - 1] * a : b;
    printf("%d %g %g %d\n", s, creal(v[4]), cimag(v[4]), v[1] == v[0] * a);
    double complex (*fp)(double complex, double complex, double complex) = mad;
    r = fp(a, a, a);
    printf("%g %g\n", creal(r), cimag(r));
    return 0;
}
