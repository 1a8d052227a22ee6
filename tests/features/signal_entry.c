// Handlers that are entry functions: a signal during box code enters the box again.
// privbox: -fprivbox-fn=main -fprivbox-fn=handler
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
static volatile sig_atomic_t ticks;
static volatile unsigned long mixed;
static int order[10];
void handler(int n) {
    int local[20];
    for (int i = 0; i < 20; i++) local[i] = i * n;
    for (int i = 0; i < 20; i++) mixed += (unsigned long)local[19 - i];
    if (ticks < 10) order[ticks] = ticks;
    ticks++;
}
static unsigned long work(unsigned long n) {
    int keep[16];
    for (int i = 0; i < 16; i++) keep[i] = i;
    while (ticks < 15) { for (int i = 0; i < 16; i++) { keep[i] = (keep[(i + 1) & 15] + (int)(n & 7)) & 0xff; n = n * 13 + 1; } for (int i = 0; i < 16; i++) if (keep[i] > 255) return 0; }
    return 1;
}
int main(void) {
    struct sigaction a;
    memset(&a, 0, sizeof a);
    a.sa_handler = handler;
    sigaction(SIGALRM, &a, 0);
    raise(SIGALRM);
    printf("%d %lu\n", (int)ticks, mixed);
    struct itimerval t = {{0, 1000}, {0, 1000}};
    setitimer(ITIMER_REAL, &t, 0);
    printf("%lu\n", work(3));
    memset(&t, 0, sizeof t);
    setitimer(ITIMER_REAL, &t, 0);
    for (int i = 0; i < 10; i++) printf("%d ", order[i]);
    printf("%d\n", mixed % 14 == 0);
    return 0;
}
