// __int128: arithmetic, division helpers, shifts by a variable, comparison, conversion, arguments and results.
#include <stdio.h>
#define NOINLINE __attribute__((noinline))
typedef __int128 i128;
typedef unsigned __int128 u128;
static void show(u128 x) {
    char text[48];
    int n = 47;
    text[n] = 0;
    do { text[--n] = '0' + (int)(x % 10); x /= 10; } while (x);
    printf("%s ", text + n);
}
static void shows(i128 x) { if (x < 0) { printf("-"); show(-(u128)x); } else show((u128)x); }
NOINLINE static i128 mul(i128 a, i128 b) { return a * b; }
NOINLINE static i128 quotient(i128 a, i128 b) { return a / b; }
NOINLINE static i128 rest(i128 a, i128 b) { return a % b; }
NOINLINE static u128 shift(u128 a, int n) { return (a << n) ^ (a >> (127 - n)); }
NOINLINE static i128 arith(i128 a, int n) { return a >> n; }
NOINLINE static int compare(i128 a, i128 b) { return (a > b) - (a < b); }
NOINLINE static i128 many(i128 a, int b, i128 c, long d, i128 e, i128 f, int g) { return a - b + c * d - e + f * g; }
struct holder { char c; i128 v; };
NOINLINE static struct holder hold(struct holder h) { h.v += h.c; return h; }
static i128 global = ((i128)1 << 90) - 1;
int main(void) {
    volatile long k = 123456789012345678;
    i128 a = (i128)k * k, b = -(i128)k * 1000;
    shows(a); shows(b); shows(mul(a, 7)); shows(mul(b, k)); printf("\n");
    shows(quotient(a, b)); shows(rest(a, b)); shows(quotient(a, 3)); shows(rest(b, 1000007)); shows(quotient(-1, a)); printf("\n");
    for (int i = 0; i < 128; i += 21) show(shift((u128)a, i));
    printf("\n");
    for (int i = 0; i < 128; i += 25) shows(arith(b, i));
    printf("\n%d %d %d\n", compare(a, b), compare(b, a), compare(a, a));
    shows(many(a, 5, b, 7, 11, 13, (int)(k & 15)));
    struct holder h = hold((struct holder){5, a});
    shows(h.v);
    global += a;
    shows(global);
    printf("\n%.10g %.10g %.10g\n", (double)a, (double)b, (double)(float)(u128)a);
    shows((i128)1e30); shows((i128)-1.5e25); show((u128)3.0e38f); printf("\n");
    i128 r;
    printf("%d ", __builtin_mul_overflow(a, a, &r));
    printf("%d ", __builtin_add_overflow(a, b, &r));
    shows(r);
    printf("%d\n", __builtin_popcountll((unsigned long long)(r >> 64)));
    return 0;
}
