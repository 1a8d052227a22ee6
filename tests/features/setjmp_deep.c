// longjmp out of deep recursion, many times; frames with arrays; the stack is given back each time.
#include <setjmp.h>
#include <stdio.h>
#define NOINLINE __attribute__((noinline))
static jmp_buf top;
static int reached;
NOINLINE static int dive(int n, int *above) {
    int local[8];
    for (int i = 0; i < 8; i++) local[i] = above[i] + n;
    reached++;
    if (n == 0) longjmp(top, local[3] & 0x7fff ? local[3] & 0x7fff : 1);
    return dive(n - 1, local) + local[0];
}
int main(void) {
    int start[8] = {0};
    volatile long sum = 0;
    for (volatile int i = 0; i < 2000; i++) {
        int r = setjmp(top);
        if (r == 0) dive(1000 + i % 7, start);
        sum += r;
    }
    printf("%ld %d\n", sum, reached);
    return 0;
}
