// Indirect functions: chosen at load time; called directly, by address, in another unit.
// link: static no-pie
#include <stdio.h>
static int plain(int n) { return n + 1; }
static int fancy(int n) { return n * 2; }
static int (*resolve(void))(int) { __builtin_cpu_init(); return __builtin_cpu_supports("sse2") ? fancy : plain; }
int chosen(int) __attribute__((ifunc("resolve")));
static int (*resolve_static(void))(int) { return plain; }
static int chosen_static(int) __attribute__((ifunc("resolve_static")));
int main(void) {
    volatile int n = 20;
    printf("%d %d\n", chosen(n), chosen_static(n));
    int (*f)(int) = chosen;
    printf("%d %d\n", f(n), f == chosen);
    return 0;
}
