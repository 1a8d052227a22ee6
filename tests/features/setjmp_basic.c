// setjmp and longjmp: values, zero to one, volatile locals, loops, several buffers, out of nested calls.
// link: static static-pie no-pie bfd
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#define NOINLINE __attribute__((noinline))
static jmp_buf outer, inner;
NOINLINE static void thrower(int n) { if (n == 0) longjmp(outer, 7); char pad[50]; memset(pad, n, 50); thrower(n - 1); printf("%d not reached\n", pad[0]); }
NOINLINE static int values(void) {
    volatile int count = 0;
    int r = setjmp(outer);
    printf("r=%d ", r);
    if (count++ < 3) longjmp(outer, count * 10 - 10);
    return r;
}
NOINLINE static int conditions(int v) {
    if (setjmp(outer)) return 1;
    if (!setjmp(inner)) { if (v) longjmp(inner, 5); longjmp(outer, 1); }
    switch (setjmp(inner)) {
    case 0: longjmp(inner, 3);
    case 3: longjmp(inner, 4);
    case 4: return 44;
    }
    return 2;
}
NOINLINE static int loops(void) {
    volatile int caught = 0, total = 0;
    for (volatile int i = 0; i < 20; i++) {
        jmp_buf here;
        int r = setjmp(here);
        if (r == 0) { if (i % 3 == 0) longjmp(here, i + 1); total += i; }
        else { caught++; total += r * 100; if (r == 16) break; }
    }
    return total * 100 + caught;
}
NOINLINE static int nested(int depth) {
    jmp_buf saved;
    memcpy(&saved, &outer, sizeof saved);
    volatile int result = 0;
    if (setjmp(outer) == 0) { if (depth) result = nested(depth - 1); longjmp(outer, depth + 1); }
    else result += depth;
    memcpy(&outer, &saved, sizeof saved);
    return result;
}
struct context { jmp_buf jb; int status; struct context *previous; };
static struct context *top;
NOINLINE static void raise_error(int status) { top->status = status; longjmp(top->jb, 1); }
NOINLINE static int protect(int (*f)(int), int n) {
    struct context c;
    c.status = 0;
    c.previous = top;
    top = &c;
    volatile int r = -1;
    if (setjmp(c.jb) == 0) r = f(n);
    top = c.previous;
    return c.status ? -c.status : r;
}
static int risky(int n) { if (n % 2) raise_error(n); return n * 2; }
static int riskier(int n) { int a = protect(risky, n), b = protect(risky, n + 1); if (a + b > 10) raise_error(100 + n); return a * 1000 + b; }
NOINLINE static double floats(double x) { volatile double keep = x * 2; if (setjmp(outer) == 0) { keep += 1; thrower(3); } return keep; }
NOINLINE static int arguments(int a, long b, const char *s, double d) { if (setjmp(outer) == 0) thrower(5); return a + (int)b + (int)strlen(s) + (int)d; }
struct pair { long a, b, c; };
NOINLINE static struct pair aggregate(struct pair p) { if (setjmp(outer) == 0) thrower(1); p.c += p.a + p.b; return p; }
int main(void) {
    printf("%d\n", values());
    printf("%d %d\n", conditions(1), conditions(0));
    printf("%d\n", loops());
    printf("%d\n", nested(10));
    for (volatile int i = 0; i < 8; i++) printf("%d ", protect(riskier, i));
    printf("\n%g %d\n", floats(1.25), arguments(1, 2, "abc", 4.5));
    struct pair p = aggregate((struct pair){1, 2, 3});
    printf("%ld %ld %ld\n", p.a, p.b, p.c);
    volatile int n = 0;
    if (setjmp(outer) < 50) { n++; longjmp(outer, n * 10); }
    printf("%d\n", n);
    return 0;
}
