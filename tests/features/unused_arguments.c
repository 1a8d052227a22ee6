// Arguments that are passed but not initialised or not used; results that are ignored; too many conversions.
#include <stdio.h>
#include <stdint.h>
#define NOINLINE __attribute__((noinline))
struct sparse { int used; char padding[3]; double never; };
NOINLINE static int takes(int use, struct sparse s, int unused, long also, double nor, struct sparse *p) { (void)unused; (void)also; (void)nor; return use ? s.used : p->used; }
NOINLINE static int maybe(int n) { int v; int *p = &v; if (n > 0) *p = n; return n > 0 ? v : -1; }
NOINLINE static struct sparse partial(int n) { struct sparse s; s.used = n; return s; }
NOINLINE static void nothing(void) {}
NOINLINE static int ignored(int *p) { return ++*p; }
NOINLINE static int8_t narrow(int n) { return (int8_t)n; }
NOINLINE static uint16_t wide(uint8_t n) { return (uint16_t)(n * 300); }
NOINLINE static _Bool truth(long n) { return n; }
NOINLINE static char *end(char *s) { while (*s) s++; return s; }
int main(void) {
    volatile int n = 3;
    struct sparse a, b = {.used = 9};
    a.used = 4;
    int u;
    int *keep = &u;
    printf("%d %d\n", takes(1, a, n, n, n, &b), takes(0, a, 0, 0, 0, &b));
    *keep = 1;
    printf("%d %d %d\n", maybe(n), maybe(-n), partial(n).used);
    nothing();
    ignored(&u);
    (void)ignored(&u);
    printf("%d %d %d %d %d\n", u, narrow(n + 200), wide((uint8_t)(n + 250)), truth(1L << 40), truth(n - 3));
    char t[] = "text";
    printf("%td\n", end(t) - t);
    return 0;
}
