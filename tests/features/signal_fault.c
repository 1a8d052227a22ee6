// Faults in the box reach the program's handlers as its own: SIGSEGV and SIGFPE, left by siglongjmp and by _exit.
// exit: 9
// no: stats
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
static char *page;
static volatile int faults;
static void repair(int n, siginfo_t *i, void *c) {
    (void)n; (void)c;
    if ((char *)i->si_addr >= page && (char *)i->si_addr < page + 4096) { faults++; mprotect(page, 4096, PROT_READ | PROT_WRITE); }
    else { static const char text[] = "wild access\n"; (void)!write(1, text, sizeof text - 1); _exit(9); }
}
static int divisor(int n) { return n - 5; }
static void fpe(int n) { static const char text[] = "division\n"; (void)n; (void)!write(1, text, sizeof text - 1); struct sigaction a; memset(&a, 0, sizeof a); a.sa_sigaction = repair; a.sa_flags = SA_SIGINFO; sigaction(SIGSEGV, &a, 0); signal(SIGFPE, SIG_DFL); *(volatile int *)16 = 1; }
int main(void) {
    struct sigaction a;
    memset(&a, 0, sizeof a);
    a.sa_sigaction = repair;
    a.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &a, 0);
    page = mmap(0, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    page[100] = 7; // faults, is repaired, runs again
    printf("%d %d\n", page[100], faults);
    mprotect(page, 4096, PROT_READ);
    page[101] = 8;
    printf("%d %d\n", page[101], faults);
    fflush(stdout);
    a.sa_handler = fpe;
    a.sa_flags = 0;
    sigaction(SIGFPE, &a, 0);
    volatile int five = 5;
    printf("%d\n", 7 / divisor(five));
    return 0;
}
