// Signal handlers while in the box: raised, from a timer, nested, on an alternate stack, with siginfo, interrupting a read.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>
static volatile sig_atomic_t count, nested, ticks, value;
static char alternate[65536];
static void simple(int n) { count += n == SIGUSR1 ? 1 : 100; }
static void nesting(int n) { nested = nested * 10 + 1; if (nested < 1000) raise(n); nested++; }
static void info(int n, siginfo_t *i, void *c) { (void)n; (void)c; value = i->si_value.sival_int; }
static void tick(int n) { (void)n; ticks++; }
static void set(int n, void (*f)(int), int flags) {
    struct sigaction a;
    memset(&a, 0, sizeof a);
    a.sa_handler = f;
    a.sa_flags = flags;
    sigaction(n, &a, 0);
}
static unsigned long busy(int limit) {
    unsigned long h = 1;
    while (ticks < limit) for (int i = 0; i < 1000; i++) h = h * 6364136223846793005ul + 1442695040888963407ul;
    return h;
}
int main(void) {
    set(SIGUSR1, simple, 0);
    set(SIGUSR2, simple, SA_RESTART);
    for (int i = 0; i < 5; i++) raise(SIGUSR1);
    kill(getpid(), SIGUSR2);
    printf("%d\n", (int)count);
    set(SIGUSR1, nesting, SA_NODEFER);
    raise(SIGUSR1);
    printf("%d\n", (int)nested);
    stack_t s = {.ss_sp = alternate, .ss_size = sizeof alternate};
    sigaltstack(&s, 0);
    set(SIGUSR1, simple, SA_ONSTACK);
    raise(SIGUSR1);
    printf("%d\n", (int)count);
    struct sigaction a;
    memset(&a, 0, sizeof a);
    a.sa_sigaction = info;
    a.sa_flags = SA_SIGINFO;
    sigaction(SIGRTMIN, &a, 0);
    sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 4242});
    printf("%d\n", (int)value);
    set(SIGALRM, tick, 0);
    struct itimerval t = {{0, 2000}, {0, 2000}};
    setitimer(ITIMER_REAL, &t, 0);
    printf("%d\n", busy(20) != 0);
    int p[2];
    char c;
    if (pipe(p)) return 1;
    ssize_t n = read(p[0], &c, 1);
    printf("%zd %d\n", n, errno == EINTR);
    memset(&t, 0, sizeof t);
    setitimer(ITIMER_REAL, &t, 0);
    sigset_t block, pending;
    sigemptyset(&block);
    sigaddset(&block, SIGUSR2);
    sigprocmask(SIG_BLOCK, &block, 0);
    count = 0;
    raise(SIGUSR2);
    sigpending(&pending);
    printf("%d %d ", (int)count, sigismember(&pending, SIGUSR2));
    sigprocmask(SIG_UNBLOCK, &block, 0);
    printf("%d\n", (int)count);
    signal(SIGUSR1, SIG_IGN);
    raise(SIGUSR1);
    printf("done\n");
    return 0;
}
