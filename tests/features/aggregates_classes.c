// Aggregates of every class of the psABI, by value, returned, through pointers, with registers used up.
// link: static no-pie
#include <stdio.h>
#define NOINLINE __attribute__((noinline))
struct id { int i; double d; };
struct di { double d; int i; };
struct ff { float a, b; };
struct fff { float a, b, c; };
struct ffff { float a, b, c, d; };
struct fi { float a; int i; };
struct dd { double a, b; };
struct ddd { double a, b, c; };
struct ld { long double x; };
struct ldi { long double x; int i; };
struct nested { struct { short s; char c; } in; float f; struct ff g; };
struct bits { unsigned a : 3, b : 7; long c : 40; };
struct arr { int v[3]; };
struct big { int v[30]; };
struct ptr { void *p; int n; };
struct al { int x __attribute__((aligned(32))); };
struct empty {};
union u { double d; long l; char c[12]; };
union uld { long double x; int i; };
struct wide { __int128 x; };
struct packed { char c; int i; short s; } __attribute__((packed));
NOINLINE static struct id f1(struct id a) { a.d += a.i; return a; }
NOINLINE static struct di f2(struct di a) { a.d -= a.i; return a; }
NOINLINE static struct ff f3(struct ff a) { return (struct ff){a.b, a.a}; }
NOINLINE static struct fff f4(struct fff a) { return (struct fff){a.c, a.a, a.b}; }
NOINLINE static struct ffff f5(struct ffff a) { return (struct ffff){a.d, a.c, a.b, a.a}; }
NOINLINE static struct fi f6(struct fi a) { return (struct fi){a.i, (int)a.a}; }
NOINLINE static struct dd f7(struct dd a, struct dd b) { return (struct dd){a.a * b.b, a.b - b.a}; }
NOINLINE static struct ddd f8(struct ddd a) { return (struct ddd){a.b, a.c, a.a}; }
NOINLINE static struct ld f9(struct ld a) { a.x /= 3; return a; }
NOINLINE static struct ldi f10(struct ldi a, struct ldi b) { return (struct ldi){a.x + b.i, a.i - b.i}; }
NOINLINE static struct nested f11(struct nested a) { a.f += a.in.s; a.g.a += a.in.c; return a; }
NOINLINE static struct bits f12(struct bits a) { a.a ^= 5; a.b += 1; a.c = -a.c; return a; }
NOINLINE static struct arr f13(struct arr a) { return (struct arr){{a.v[2], a.v[0], a.v[1]}}; }
NOINLINE static struct big f14(struct big a) { for (int i = 0; i < 30; i++) a.v[i] += a.v[29 - i]; return a; }
NOINLINE static struct ptr f15(struct ptr a) { *(int *)a.p += a.n; a.n = -a.n; return a; }
NOINLINE static struct al f16(struct al a) { a.x++; return a; }
NOINLINE static struct empty f17(struct empty e) { return e; }
NOINLINE static union u f18(union u a) { a.c[0]++; return a; }
NOINLINE static union uld f19(union uld a) { a.x += 1; return a; }
NOINLINE static struct wide f20(struct wide a) { a.x *= 3; return a; }
NOINLINE static struct packed f21(struct packed a) { a.i += a.c; a.s -= 1; return a; }
// Two-eightbyte structs that no longer fit: wholly to memory, later small ones still in registers.
NOINLINE static double full(long a, long b, long c, long d, long e, struct id x, struct ptr y, long f, struct dd z, double g,
                            double h, double i, double j, double k, double l, struct dd m, struct ff n, struct ldi o, int p) {
    return a + b + c + d + e + x.i + x.d + y.n + f + z.a + z.b + g + h + i + j + k + l + m.a + m.b + n.a + n.b + (double)o.x +
           o.i + p;
}
struct deep { struct big b; struct deep *next; };
NOINLINE static int chain(struct deep d, int n) {
    if (n == 0) { int s = 0; for (struct deep *p = &d; p; p = p->next) s += p->b.v[n]; return s; }
    struct deep e = d;
    e.next = &d;
    e.b.v[0] = n;
    return chain(e, n - 1);
}
int main(void) {
    volatile int one = 1;
    struct id a = f1((struct id){one, 2.5}); printf("%d %g\n", a.i, a.d);
    struct di b = f2((struct di){2.5, one}); printf("%d %g\n", b.i, b.d);
    struct ff c = f3((struct ff){one, 2}); printf("%g %g\n", c.a, c.b);
    struct fff d = f4((struct fff){one, 2, 3}); printf("%g %g %g\n", d.a, d.b, d.c);
    struct ffff e = f5((struct ffff){one, 2, 3, 4}); printf("%g %g %g %g\n", e.a, e.b, e.c, e.d);
    struct fi f = f6((struct fi){2.5, one}); printf("%g %d\n", f.a, f.i);
    struct dd g = f7((struct dd){one, 2}, (struct dd){3, 4}); printf("%g %g\n", g.a, g.b);
    struct ddd h = f8((struct ddd){one, 2, 3}); printf("%g %g %g\n", h.a, h.b, h.c);
    struct ld i = f9((struct ld){one}); printf("%.15Lg\n", i.x);
    struct ldi j = f10((struct ldi){one, 2}, (struct ldi){3, 4}); printf("%Lg %d\n", j.x, j.i);
    struct nested k = f11((struct nested){{one, 2}, 3, {4, 5}}); printf("%d %g %g %g\n", k.in.s, k.f, k.g.a, k.g.b);
    struct bits l = f12((struct bits){one, 127, 12345}); printf("%d %d %ld\n", l.a, l.b, (long)l.c);
    struct arr m = f13((struct arr){{one, 2, 3}}); printf("%d %d %d\n", m.v[0], m.v[1], m.v[2]);
    struct big n = {{one, 2, 3}}; n.v[29] = 9; n = f14(n); printf("%d %d %d\n", n.v[0], n.v[1], n.v[29]);
    int target = 5;
    struct ptr o = f15((struct ptr){&target, 7}); printf("%d %d %d\n", target, o.n, o.p == &target);
    struct al p = f16((struct al){one}); printf("%d\n", p.x);
    f17((struct empty){});
    union u q = f18((union u){.l = one}); printf("%ld\n", q.l);
    union uld r = f19((union uld){.x = one}); printf("%Lg\n", r.x);
    struct wide s = f20((struct wide){(__int128)one << 100}); printf("%lx\n", (long)(s.x >> 64));
    struct packed t = f21((struct packed){1, one, 3}); printf("%d %d %d\n", t.c, t.i, t.s);
    printf("%g\n", full(1, 2, 3, 4, 5, a, o, 6, g, 7, 8, 9, 10, 11, 12, g, c, j, one));
    struct deep start = {n, 0};
    printf("%d\n", chain(start, 10));
    struct big (*fp)(struct big) = f14;
    n = fp(f14(n)); printf("%d %d\n", n.v[0], n.v[29]);
    struct big array[3] = {n, n, n};
    array[one] = f14(array[2]); printf("%d %d\n", array[0].v[0], array[1].v[0]);
    return 0;
}
