// The value that main returns is the exit status; standard output is flushed; constructors ran before, in order.
// exit: 7
// link: static static-pie no-pie bfd
#include <stdio.h>
static int log_[4], n;
__attribute__((constructor(102))) static void later(void) { log_[n++] = 2; }
__attribute__((constructor(101))) static void earlier(void) { log_[n++] = 1; }
__attribute__((constructor)) static void last(void) { log_[n++] = 3; }
__attribute__((destructor)) static void end(void) { printf("destructor %d\n", n); }
int main(void) {
    printf("%d %d %d", log_[0], log_[1], log_[2]);
    n = 9;
    return 263;
}
