// Structure copies, memcpy/memmove/memset/memcmp builtins of constant and variable size, overlap both ways.
// flags: -D_GNU_SOURCE
#include <stdio.h>
#include <string.h>
#define NOINLINE __attribute__((noinline))
struct large { char c[1000]; int tail; };
static struct large pool[4];
NOINLINE static void assign(struct large *a, const struct large *b) { *a = *b; }
NOINLINE static void shift(char *p, long by, unsigned long n) { memmove(p + by, p, n); }
NOINLINE static void zero(void *p, unsigned long n) { memset(p, 0, n); }
NOINLINE static int equal16(const void *a, const void *b) { return memcmp(a, b, 16) == 0; }
NOINLINE static int order8(const void *a, const void *b) { int r = memcmp(a, b, 8); return (r > 0) - (r < 0); }
NOINLINE static int order(const void *a, const void *b, unsigned long n) { int r = __builtin_memcmp(a, b, n); return (r > 0) - (r < 0); }
NOINLINE static unsigned check(const void *p, unsigned n) { unsigned h = 1; for (unsigned i = 0; i < n; i++) h = h * 31 + ((const unsigned char *)p)[i]; return h; }
NOINLINE static void by_loop(int *to, const int *from, int n) { for (int i = 0; i < n; i++) to[i] = from[i]; }
NOINLINE static void fill_loop(unsigned char *p, int n, int v) { for (int i = 0; i < n; i++) p[i] = (unsigned char)v; }
int main(void) {
    for (int i = 0; i < 1000; i++) pool[0].c[i] = (char)(i * 7);
    pool[0].tail = 5;
    assign(&pool[1], &pool[0]);
    assign(&pool[2], &pool[2]);
    pool[3] = pool[pool[1].tail - 4];
    printf("%u %d\n", check(pool, sizeof pool), pool[3].tail);
    char text[3000];
    for (int i = 0; i < 3000; i++) text[i] = (char)(i * 13);
    for (long by = -7; by < 9; by += 3) for (unsigned long n = 1; n < 900; n = n * 3 + 1) shift(text + 1000, by, n);
    printf("%u\n", check(text, 3000));
    for (unsigned long n = 0; n < 300; n = n * 2 + 1) zero(text + n * 5, n);
    printf("%u\n", check(text, 3000));
    char a[32] = "0123456789abcdef", b[32] = "0123456789abcdef";
    printf("%d ", equal16(a, b)); b[15] = 'x';
    printf("%d %d ", equal16(a, b), order8(a, b)); b[3] = 'A';
    printf("%d %d %d\n", order8(a, b), order(a, b, 3), order(b, a, 9));
    int v[100], w[100];
    for (int i = 0; i < 100; i++) v[i] = i * i;
    by_loop(w, v, 99); w[99] = -1;
    fill_loop((unsigned char *)text, 777, 200);
    printf("%u %u\n", check(w, sizeof w), check(text, 1000));
    char *e = mempcpy(a, "abc", 3);
    memccpy(e, "de:fg", ':', 10);
    __builtin_memcpy_inline(a + 10, b, 5);
    printf("%.15s\n", a);
    return 0;
}
