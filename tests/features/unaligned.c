// Packed structures and unaligned accesses of every width, volatile and restrict, pointers into the middle.
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#define NOINLINE __attribute__((noinline))
struct __attribute__((packed)) p { char a; int b; double c; short d; long e; float f; char *g; };
typedef int __attribute__((aligned(1), may_alias)) loose;
NOINLINE static long sum(const struct p *v, int n) { long s = 0; for (int i = 0; i < n; i++) s += v[i].a + v[i].b + (long)v[i].c + v[i].d + v[i].e + (long)v[i].f + *v[i].g; return s; }
NOINLINE static void change(struct p *v, int n) { for (int i = 0; i < n; i++) { v[i].b += i; v[i].c *= 2; v[i].e -= v[i].d; v[i].g++; } }
NOINLINE static int at(const char *p, long o) { return *(const loose *)(p + o); }
NOINLINE static void put(char *p, long o, uint64_t v) { memcpy(p + o, &v, 8); }
NOINLINE static void add(int *restrict a, const int *restrict b, int n) { for (int i = 0; i < n; i++) a[i] += b[i] * 2; }
NOINLINE static int busy(volatile int *p) { int s = 0; for (int i = 0; i < 10; i++) s += *p; *p = s; *p += 1; return *p; }
NOINLINE static void backwards(short *end, int n) { while (n--) *--end = (short)n; }
NOINLINE static int middle(const int *m) { return m[-3] + m[0] * 10 + m[3] * 100; }
NOINLINE static uint32_t swapped(const unsigned char *p) { return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]; }
int main(void) {
    char text[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    struct p v[7];
    for (int i = 0; i < 7; i++) v[i] = (struct p){(char)i, i * 3, i * 1.5, (short)-i, i * 1000L, i / 2.0f, text + i};
    change(v, 7);
    printf("%ld %zu\n", sum(v, 7), sizeof v[0]);
    for (long i = 0; i < 8; i++) printf("%x ", at(text, i));
    put(text, 5, 0x3132333435363738);
    printf("\n%s\n", text);
    int a[20], b[20];
    for (int i = 0; i < 20; i++) { a[i] = i; b[i] = 20 - i; }
    add(a, b, 19);
    volatile int w = 3;
    printf("%d %d ", a[18], busy(&w));
    short s[40];
    backwards(s + 40, 40);
    printf("%d %d %d %x\n", s[0], s[39], middle(a + 10), swapped((unsigned char *)text + 3));
    return 0;
}
