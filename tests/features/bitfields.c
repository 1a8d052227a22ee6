// Bit-fields: signed, unsigned, 64-bit, straddling, packed, in unions, through pointers, volatile.
#include <stdio.h>
#include <stdint.h>
#define NOINLINE __attribute__((noinline))
struct a { unsigned x : 3; int y : 5; unsigned : 0; unsigned z : 20; _Bool b : 1; };
struct b { uint64_t lo : 33; int64_t mid : 17; uint64_t hi : 14; };
struct __attribute__((packed)) c { char t; unsigned v : 23; unsigned w : 9; unsigned long l : 50; };
union d { struct { unsigned a : 4, b : 4, c : 8; } f; uint16_t all; };
NOINLINE static void change(struct a *p, int n) { p->x += n; p->y -= n; p->z ^= n * 12345; p->b = n & 1; }
NOINLINE static struct b rotate(struct b v, int n) { v.lo += (uint64_t)n << 30; v.mid = (int64_t)(v.mid * 3 + n) & 0x7fff; v.hi = ~v.hi; return v; }
NOINLINE static int sum(const struct c *v, int n) { int s = 0; for (int i = 0; i < n; i++) s += v[i].t + v[i].v * 3 + v[i].w + (int)v[i].l; return s; }
static volatile struct { unsigned r : 7, s : 9; } reg;
int main(void) {
    struct a a = {0};
    for (volatile int i = 0; i < 20; i += 3) { change(&a, i); printf("%d %d %d %d ", a.x, a.y, a.z, a.b); }
    struct b b = {1, -2, 3};
    for (volatile int i = 0; i < 4; i++) { b = rotate(b, i); printf("%llu %lld %u ", (unsigned long long)b.lo, (long long)b.mid, (unsigned)b.hi); }
    struct c c[5];
    for (int i = 0; i < 5; i++) { c[i].t = (char)i; c[i].v = i * 1000; c[i].w = i * 50; c[i].l = i * 100000; }
    union d d = {.all = 0xabcd};
    d.f.b ^= 5;
    reg.r = 100; reg.s = reg.r * 3; reg.r++;
    printf("\n%d %x %d %d\n", sum(c, 5), d.all, reg.r, reg.s);
    return 0;
}
