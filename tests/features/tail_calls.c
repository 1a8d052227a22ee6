// Tail calls: a million deep at every level by musttail, mutual, through pointers, with changed arguments.
#include <stdio.h>
#define NOINLINE __attribute__((noinline))
#define TAIL __attribute__((musttail)) return
NOINLINE static long down(long n, long s);
NOINLINE static long up(long n, long s) { if (n == 0) return s; TAIL down(n - 1, s + n); }
NOINLINE static long down(long n, long s) { if (n == 0) return -s; TAIL up(n - 1, s ^ n); }
typedef long (*step)(const unsigned char *, long, long);
static long op_add(const unsigned char *, long, long), op_mul(const unsigned char *, long, long), op_loop(const unsigned char *, long, long), op_end(const unsigned char *, long, long);
static const step table[] = {op_end, op_add, op_mul, op_loop};
static long op_end(const unsigned char *p, long a, long n) { (void)p; return a + n; }
static long op_add(const unsigned char *p, long a, long n) { TAIL table[p[1]](p + 1, a + n, n); }
static long op_mul(const unsigned char *p, long a, long n) { TAIL table[p[1]](p + 1, (a * 3) & 0xffffff, n); }
static long op_loop(const unsigned char *p, long a, long n) { if (n == 0) TAIL table[p[1]](p + 1, a, n); TAIL table[p[-2]](p - 2, a, n - 1); }

struct pair { long a, b; };
NOINLINE static struct pair pairs(long n, long m) { if (n <= 0) return (struct pair){n, m}; TAIL pairs(n - 1, m + n); }
NOINLINE static double floats(double x, int n) { if (n == 0) return x; TAIL floats(x * 0.999 + 1, n - 1); }
int main(void) {
    printf("%ld\n", up(1000001, 0));
    unsigned char code[] = {1, 2, 3, 0};
    printf("%ld\n", table[code[0]](code, 5, 300000));
    struct pair p = pairs(500000, 1);
    printf("%ld %ld %.6f\n", p.a, p.b, floats(1, 200000));
    return 0;
}
