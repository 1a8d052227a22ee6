// Inline assembly: registers, ties, memory operands, flags, clobbers, many operands, loops, named operands.
#include <stdio.h>
#include <stdint.h>
#include <string.h>
#define NOINLINE __attribute__((noinline))
NOINLINE static long add(long a, long b) { __asm__("addq %1, %0" : "+r"(a) : "r"(b)); return a; }
NOINLINE static int memory(int *p, int n) { int r; __asm__ volatile("movl %1, %0\n\taddl %2, %1" : "=&r"(r), "+m"(*p) : "r"(n) : "cc"); return r; }
NOINLINE static uint32_t rotate(uint32_t x, uint8_t n) { __asm__("roll %%cl, %0" : "+r"(x) : "c"(n) : "cc"); return x; }
NOINLINE static int bit(uint64_t x, uint64_t n) { int r; __asm__("btq %2, %1\n\tsbbl %0, %0" : "=r"(r) : "r"(x), "r"(n) : "cc"); return r; }
NOINLINE static int carry(uint64_t a, uint64_t b) { unsigned char c; __asm__("addq %2, %1\n\tsetc %0" : "=q"(c), "+r"(a) : "r"(b) : "cc"); return c; }
NOINLINE static int flag(int a, int b) { int z; __asm__("cmpl %2, %1" : "=@ccz"(z) : "r"(a), "r"(b)); return z; }
NOINLINE static void divide(uint64_t high, uint64_t low, uint64_t by, uint64_t *q, uint64_t *r) { __asm__("divq %4" : "=a"(*q), "=d"(*r) : "a"(low), "d"(high), "r"(by) : "cc"); }
NOINLINE static void copy(void *to, const void *from, size_t n) { __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory"); }
NOINLINE static void fill(void *to, char c, size_t n) { __asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(c) : "memory"); }
NOINLINE static size_t length(const char *s) { const char *p = s; size_t n = -1ul; __asm__("repne scasb" : "+D"(p), "+c"(n) : "a"(0) : "cc", "memory"); return (size_t)(p - s - 1); }
NOINLINE static int exchange(int *p, int v) { __asm__ volatile("xchgl %0, %1" : "+r"(v), "+m"(*p) : : "memory"); return v; }
NOINLINE static int increment(int *p) { int n = 1; __asm__ volatile("lock; xaddl %0, %1" : "+r"(n), "+m"(*p) : : "memory", "cc"); return n; }
NOINLINE static uint32_t swap(uint32_t x) { __asm__("bswap %0" : "+r"(x)); return x; }
NOINLINE static double root(double x) { __asm__("sqrtsd %1, %0" : "=x"(x) : "x"(x)); return x; }
NOINLINE static long double pi(void) { long double r; __asm__("fldpi" : "=t"(r)); return r; }
NOINLINE static int named(int a, int b) { int r; __asm__("leal (%q[a],%q[b],4), %[r]" : [r] "=r"(r) : [a] "r"((long)a), [b] "r"((long)b)); return r; }
NOINLINE static long clobbers(long x) {
    __asm__ volatile("movq $1, %%rbx\n\tmovq $2, %%r12\n\tmovq $3, %%r13\n\tmovq $4, %%r14\n\tmovq $5, %%r15" : : : "rbx", "r12", "r13", "r14", "r15");
    return x * 2;
}
NOINLINE static int loop(int n) { int s = 0; __asm__("1: addl %1, %0\n\tdecl %1\n\tjnz 1b" : "+r"(s), "+r"(n) : : "cc"); return s; }
NOINLINE static void pair(int *v, int i, int x) { __asm__ volatile("movl %2, (%0,%1,4)\n\tincl 4(%0,%1,4)" : : "r"(v), "r"((long)i), "r"(x) : "memory", "cc"); }
NOINLINE static int immediate(int a) { __asm__("addl %1, %0\n\timull $3, %0, %0" : "+r"(a) : "i"(40) : "cc"); return a; }
NOINLINE static int branch(int a) {
    __asm__ goto("testl %0, %0\n\tjz %l[zero]" : : "r"(a) : "cc" : zero);
    return 1;
zero: return 0;
}
static int barrier(int *p) { *p = 1; __asm__ volatile("" : : : "memory"); *p = 2; __asm__ volatile("mfence" : : : "memory"); return *p; }
NOINLINE static int hide(int x) { __asm__("" : "+r"(x)); return x; }
static int array[4] = {1, 2, 3, 4};
NOINLINE static int global(void) { int r; __asm__("movl %1, %0" : "=r"(r) : "m"(array[2])); return r; }
NOINLINE static int local(int n) { int v[4] = {n, n + 1, n + 2, n + 3}; __asm__ volatile("addl $10, %0" : "+m"(v[1])); return v[0] + v[1] + v[2] + v[3]; }
NOINLINE static long cmpxchg(long *p, long old, long new) { long prev; __asm__ volatile("lock; cmpxchgq %2, %1" : "=a"(prev), "+m"(*p) : "r"(new), "0"(old) : "memory", "cc"); return prev; }
int main(void) {
    volatile int n = 5;
    int v[6] = {1, 2, 3, 4, 5, 6};
    printf("%ld %d %d\n", add(n, 37), memory(&v[n - 3], 10), v[2]);
    printf("%x %d %d %d %d\n", rotate(0x12345678, 8), bit(0x20, n), bit(0x20, 4), carry(~0ul, n), carry(1, n));
    printf("%d %d\n", flag(n, 5), flag(n, 6));
    uint64_t q, r;
    divide(5, 12345, 1000, &q, &r);
    printf("%llu %llu\n", (unsigned long long)q, (unsigned long long)r);
    char a[32] = "from here", b[32];
    copy(b, a, sizeof a);
    fill(b + 2, 'x', 3);
    printf("%s %zu\n", b, length(a));
    printf("%d %d %d %d\n", exchange(&v[0], 77), v[0], increment(&v[1]), v[1]);
    printf("%x %g %.15Lg %d %ld %d\n", swap(0x11223344), root(2.25), pi(), named(n, 3), clobbers(n), loop(100));
    pair(v, n - 2, 1000);
    printf("%d %d %d %d %d %d %d\n", v[3], v[4], immediate(n), branch(n), branch(n - 5), barrier(v), hide(n));
    printf("%d %d\n", global(), local(n));
    long l = 5;
    printf("%ld %ld %ld\n", cmpxchg(&l, 4, 9), cmpxchg(&l, 5, 9), l);
    return 0;
}
