// backtrace() in a call-out walks through the box's frames to _start: the unwind information of gate and clones is right.
// with-plain: with/backtrace_plain.c
// flags: -fasynchronous-unwind-tables
// link: static no-pie bfd
// no: kernel
// (In kernel mode the box's frames are in the kernel's memory: unwinders go from the call-out to where the box was entered.)
#include <stdio.h>
int reaches_start(int at_least);
__attribute__((noinline)) static int deep(int n) {
    volatile int pad[3] = {n, n, n};
    if (n == 0) return reaches_start(12);
    return deep(n - 1) + pad[n & 1] * 0;
}
__attribute__((noinline)) static int (*pointer(int n))(int) { return n ? deep : 0; }
int main(void) {
    volatile int one = 1;
    printf("%d\n", deep(10));
    printf("%d\n", pointer(one)(10));
    return 0;
}
