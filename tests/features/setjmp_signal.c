// sigsetjmp with and without the mask, and siglongjmp out of a handler of a signal raised in the box.
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
static sigjmp_buf back;
static volatile sig_atomic_t seen;
static int blocked(void) { sigset_t now; sigprocmask(SIG_SETMASK, 0, &now); return sigismember(&now, SIGUSR1); }
static void change(void) { sigset_t s; sigemptyset(&s); sigaddset(&s, SIGUSR1); sigprocmask(SIG_BLOCK, &s, 0); }
static void clear(void) { sigset_t s; sigemptyset(&s); sigprocmask(SIG_SETMASK, &s, 0); }
static void handler(int n) { seen = n; }
int main(void) {
    for (volatile int save = 0; save < 2; save++) {
        clear();
        int r = sigsetjmp(back, save);
        if (r == 0) { change(); siglongjmp(back, 5); }
        printf("%d %d\n", r, blocked());
    }
    clear();
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    sigaction(SIGUSR1, &action, 0);
    for (volatile int i = 0; i < 3; i++) {
        if (sigsetjmp(back, 1) == 0) { raise(SIGUSR1); if (seen) siglongjmp(back, 1); printf("not reached\n"); }
        printf("seen %d\n", seen != 0);
        seen = 0;
    }
    return 0;
}
