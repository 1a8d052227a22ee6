// getcontext, makecontext, swapcontext: a function that returns twice makes its caller run outside; the result is native's.
// privbox: -fprivbox-fn=main -fprivbox-fn=fib
// no: strict
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>
static ucontext_t home, other;
static int steps[16], n;
static void work(int a, int b) { for (int i = 0; i < 3; i++) { steps[n++] = a * 10 + b + i; swapcontext(&other, &home); } }
__attribute__((noinline)) int fib(int k) { return k < 2 ? k : fib(k - 1) + fib(k - 2); }
__attribute__((noinline)) static void twice(void) {
    volatile int seen = 0;
    ucontext_t here;
    getcontext(&here);
    if (seen++ < 3) setcontext(&here);
    printf("seen %d\n", seen);
}
__attribute__((noinline)) static void swaps(void) {
    char *stack = malloc(65536);
    getcontext(&other);
    other.uc_stack.ss_sp = stack;
    other.uc_stack.ss_size = 65536;
    other.uc_link = &home;
    makecontext(&other, (void (*)(void))work, 2, 4, 2);
    for (int i = 0; i < 3; i++) { swapcontext(&home, &other); steps[n++] = fib(i + 5); }
    for (int i = 0; i < n; i++) printf("%d ", steps[i]);
    printf("\n");
    free(stack);
}
int main(void) {
    printf("%d\n", fib(12));
    twice();
    swaps();
    return 0;
}
