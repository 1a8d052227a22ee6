// exit() deep in the box: atexit handlers in order, buffers flushed, destructors run, status kept.
// exit: 42
// flags: -D_GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
static int order;
static void first(void) { printf("first %d\n", ++order); }
static void second(void) { printf("second %d\n", ++order); }
static void with_argument(int status, void *p) { printf("on_exit %d %s %d\n", status, (char *)p, ++order); }
__attribute__((destructor)) static void destructor(void) { printf("destructor %d\n", ++order); }
__attribute__((noinline)) static int deep(int n) { if (n == 0) exit(42); return deep(n - 1) + 1; }
int main(void) {
    atexit(first);
    atexit(second);
    on_exit(with_argument, "argument");
    printf("not flushed yet");
    return deep(20);
}
