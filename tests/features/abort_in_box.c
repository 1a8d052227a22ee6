// abort() in the box; a handler for SIGABRT runs first.
// signal: 6
// no: stats
#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static void handler(int n) { (void)n; static const char t[] = "handler\n"; (void)!write(1, t, sizeof t - 1); }
int main(int argc, char **argv) {
    (void)argv;
    signal(SIGABRT, handler);
    printf("before\n");
    fflush(stdout);
    if (argc > 5) assert(0);
    abort();
}
