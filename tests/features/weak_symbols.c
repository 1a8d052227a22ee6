// Weak symbols: defined here, overridden by another unit, undefined (null), in data, through pointers.
// with: with/weak_strong.c
// link: static static-pie no-pie bfd
#include <stdio.h>
__attribute__((weak)) int kept(int n) { return n + 1; }
__attribute__((weak)) int overridden(int n) { return n + 2; }
int missing(int) __attribute__((weak));
extern int missing_data __attribute__((weak));
__attribute__((weak)) int weak_data = 7;
__attribute__((weak)) int other_weak_data = 8;
int strong_caller(int);
static int call_if(int (*f)(int), int n) { return f ? f(n) : -1; }
int main(void) {
    volatile int n = 10;
    printf("%d %d\n", kept(n), overridden(n));
    printf("%d %d\n", missing ? missing(n) : -5, &missing_data ? missing_data : -6);
    printf("%d %d\n", weak_data, other_weak_data);
    printf("%d\n", strong_caller(n));
    printf("%d %d %d\n", call_if(kept, n), call_if(overridden, n), call_if(missing, n));
    int (*volatile f)(int) = overridden;
    printf("%d %d\n", f(n), f == overridden);
    return 0;
}
