// A weak function of the box whose strong definition is plain code: the box must call that one.
// with-plain: with/weak_plain.c
#include <stdio.h>
__attribute__((weak)) int overridden(int n) { return n + 2; }
__attribute__((weak)) int kept(int n) { return n + 3; }
int plain_calls(int (*f)(int), int n);
int main(void) {
    volatile int n = 10;
    printf("%d %d\n", overridden(n), kept(n));
    printf("%d %d\n", plain_calls(overridden, n), plain_calls(kept, n));
    return 0;
}
