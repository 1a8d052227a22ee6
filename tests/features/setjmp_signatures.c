// Functions that call setjmp, with every kind of signature: many arguments, structures, long double, variadic.
#include <complex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define NOINLINE __attribute__((noinline))
static jmp_buf env;
struct big { int a[20]; double d; };
struct two { long a; double b; };
NOINLINE static void jump(int v) { longjmp(env, v); }
NOINLINE static int many(int a, long b, char c, short d, unsigned e, int f, int g, long h, double x, float y, long double z) {
    volatile int n = 0;
    int r = setjmp(env);
    n++;
    if (r < 4) jump(r + 1);
    return a + (int)b + c + d + (int)e + f * g + (int)h + (int)(x + y) + (z > 10.5L) + r * 1000 + n * 10000;
}
NOINLINE static struct big by_value(struct big in, struct two t) {
    volatile struct big out = in;
    if (!setjmp(env)) { out.a[3] = 77; out.a[4] = in.a[4] + 88; jump(1); }
    out.d = t.b + (double)t.a;
    return out;
}
NOINLINE static struct two two(int a) {
    volatile struct two t = {a, 1.5};
    int r = setjmp(env);
    t.a += r;
    if (r < 10) longjmp(env, r + 3);
    return t;
}
NOINLINE static long double wide(long double v) {
    volatile long double sum = 0;
    int r = setjmp(env);
    sum += v;
    if (r < 3) jump(r + 1);
    return sum;
}
NOINLINE static double complex cplx(double complex z) {
    double complex k = z * 2;
    if (setjmp(env) == 0) jump(2);
    return k + 1;
}
NOINLINE static __int128 huge(__int128 v) {
    volatile __int128 w = v * 3;
    if (setjmp(env) < 2) { w += 1; longjmp(env, w > v * 3 + 1 ? 2 : 1); }
    return w;
}
NOINLINE static int sum(int n, ...) {
    va_list list;
    volatile int total = 0;
    int r = setjmp(env);
    total += 100;
    if (r < 3) jump(r + 1);
    va_start(list, n);
    for (int i = 0; i < n; i++) total += va_arg(list, int);
    va_end(list);
    return total;
}
NOINLINE static _Bool flags(_Bool a, char b) {
    _Bool keep = a ^ (b > 3);
    if (setjmp(env)) return !keep;
    jump(1);
    return 0;
}
NOINLINE static void nothing(int *p) {
    if (!setjmp(env)) { *p = 1; jump(1); }
    *p += 10;
}
NOINLINE static float vla(int n) { // stays outside
    int v[n];
    for (int i = 0; i < n; i++) v[i] = i;
    if (!setjmp(env)) jump(1);
    return (float)v[n - 1];
}
_Alignas(64) static char page[64];
NOINLINE static int aligned(int n) {
    _Alignas(64) char local[64];
    memset(local, n, 64);
    memset(page, n, 64);
    if (!setjmp(env)) jump(1);
    return memcmp(local, page, 64) + (int)((unsigned long)local % 64) + local[5];
}
NOINLINE static void gone(int v) { // never returns
    if (setjmp(env)) exit(v);
    jump(1);
    abort();
}
// Many values across blocks, loops around and inside, a jump table.
NOINLINE static unsigned long mix(const unsigned char *p, int n) {
    unsigned long h = 17, a = 1, b = 2, c = 3;
    volatile int at = 0;
    for (int i = 0; i < n; i++) {
        h = h * 31 + p[i]; a += h ^ b; b = b * 3 + a; c ^= a + b;
        if (p[i] % 5 == 0) {
            if (setjmp(env)) return p[at] * 1000ul + (unsigned long)n + (unsigned long)at;
            at = i;
        }
        if (i > 5 && h % 23 == 0) jump(1);
        switch (p[i] & 7) { case 0: a++; break; case 1: b += h; break; case 2: c = h; break; case 3: a ^= c; break; case 4: h ^= b; break; default: c++; }
    }
    return h ^ a ^ b ^ c ^ (unsigned long)at;
}
// Recursion: each level has a setjmp of its own, and jumps to those above.
static jmp_buf levels[32];
NOINLINE static int level(int n, int target) {
    volatile int mine = n * 3;
    int r = setjmp(levels[n]);
    if (r) return r * 100 + mine;
    if (n == 20) longjmp(levels[target], n);
    return level(n + 1, target) + mine;
}
int main(void) {
    printf("%d\n", many(1, 2, 3, 4, 5, 6, 7, 8, 9.5, 10.25f, 11.0L));
    struct big in = {.a = {1, 2, 3, 4, 5}, .d = 2};
    struct big out = by_value(in, (struct two){3, 4.5});
    printf("%d %d %d %g\n", out.a[2], out.a[3], out.a[4], out.d);
    struct two t = two(5);
    printf("%ld %g\n", t.a, t.b);
    printf("%Lg\n", wide(1.25L));
    double complex z = cplx(1 + 2 * I);
    printf("%g %g\n", creal(z), cimag(z));
    printf("%ld\n", (long)huge(1000));
    printf("%d %d\n", sum(5, 1, 2, 3, 4, 5), sum(0));
    printf("%d %d\n", flags(1, 2), flags(1, 5));
    int v = 0;
    nothing(&v);
    printf("%d %g %d\n", v, (double)vla(9), aligned(3));
    unsigned char bytes[200];
    for (int i = 0; i < 200; i++) bytes[i] = (unsigned char)(i * 37 + i / 3);
    for (int n = 0; n < 200; n += 9) printf("%lu ", mix(bytes, n));
    printf("\n");
    for (int i = 0; i < 20; i += 3) printf("%d ", level(0, i));
    printf("\n");
    fflush(stdout);
    gone(0);
}
