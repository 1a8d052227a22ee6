// A fault that nobody handles ends the program with its signal, as native.
// signal: 11
// no: stats
#include <stdio.h>
int main(void) {
    printf("before\n");
    fflush(stdout);
    int *volatile p = (int *)8;
    *p = 1;
    printf("after\n");
    return 0;
}
