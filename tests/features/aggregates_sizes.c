// Aggregates of 1 to 40 bytes by value and returned: the integer, SSE, mixed and memory classes.
// link: static no-pie
#include <stdio.h>
#include <string.h>
#define NOINLINE __attribute__((noinline))
#define SIZE(n)                                                                                     \
    struct c##n { unsigned char v[n]; };                                                            \
    NOINLINE static struct c##n make##n(int seed) {                                                 \
        struct c##n r;                                                                              \
        for (int i = 0; i < n; i++) r.v[i] = (unsigned char)(seed * (i + 3));                       \
        return r;                                                                                   \
    }                                                                                               \
    NOINLINE static int sum##n(struct c##n a, int k, struct c##n b) {                               \
        unsigned s = 0;                                                                                  \
        for (int i = 0; i < n; i++) s = s * (unsigned)k + a.v[i] - b.v[n - 1 - i];                            \
        a.v[0] = 1; /* by value: the caller's stays */                                              \
        return (int)(s + a.v[0]);                                                                          \
    }                                                                                               \
    NOINLINE static void test##n(int seed) {                                                        \
        struct c##n (*volatile m)(int) = make##n;                                                   \
        int (*volatile s)(struct c##n, int, struct c##n) = sum##n;                                  \
        struct c##n a = make##n(seed), b = m(seed + 1);                                             \
        int x = sum##n(a, 3, b);                                                                    \
        printf("%d: %d %d %d\n", n, x, s(a, 5, a), a.v[0]);                                         \
    }
SIZE(1) SIZE(2) SIZE(3) SIZE(4) SIZE(5) SIZE(6) SIZE(7) SIZE(8) SIZE(9) SIZE(11) SIZE(12) SIZE(13)
SIZE(15) SIZE(16) SIZE(17) SIZE(20) SIZE(24) SIZE(31) SIZE(32) SIZE(33) SIZE(40) SIZE(200) SIZE(4097)
int main(void) {
    volatile int seed = 7;
    test1(seed); test2(seed); test3(seed); test4(seed); test5(seed); test6(seed); test7(seed); test8(seed);
    test9(seed); test11(seed); test12(seed); test13(seed); test15(seed); test16(seed); test17(seed); test20(seed);
    test24(seed); test31(seed); test32(seed); test33(seed); test40(seed); test200(seed); test4097(seed);
    return 0;
}
