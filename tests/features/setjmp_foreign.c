// jmp_bufs cross between the box and plain code, libc's callbacks, signal masks and cleanup handlers.
// with-plain: with/setjmp_foreign_part.c
// flags: -pthread
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define NOINLINE __attribute__((noinline))
void foreign_jump(jmp_buf env, int value);
void foreign_sigjump(sigjmp_buf env, int value);
int foreign_catch(void (*f)(jmp_buf *, int), int v);
int foreign_calls(int (*f)(void *), void *p);
static jmp_buf env;
NOINLINE static int to_box(int n) {
    volatile int count = 0;
    char pad[300];
    memset(pad, n, sizeof pad);
    int r = setjmp(env);
    count++;
    if (r < n) foreign_jump(env, r + 1);
    return r * 10 + count + pad[299];
}
NOINLINE static void throw_out(jmp_buf *to, int v) { longjmp(*to, v * 2); }
static int deeper(void *p) { foreign_jump(*(jmp_buf *)p, 6); return 0; }
static int deep_box(void *p) { longjmp(*(jmp_buf *)p, 7); }
static int catches(void *p) {
    jmp_buf inner;
    int r = setjmp(inner);
    if (!r) foreign_calls(deep_box, inner);
    return r + *(int *)p;
}
NOINLINE static int through(void) {
    int sum = 0;
    for (volatile int i = 0; i < 200; i++) {
        int r = setjmp(env);
        if (r == 0) foreign_calls(i & 1 ? deeper : deep_box, env);
        sum += r;
    }
    int five = 5;
    return sum + foreign_calls(catches, &five);
}
static int compare(const void *a, const void *b) {
    int x = *(const int *)a, y = *(const int *)b;
    if (x == 13 || y == 13) longjmp(env, 13);
    return x - y;
}
NOINLINE static int in_qsort(void) {
    int v[] = {5, 2, 9, 13, 1};
    if (setjmp(env)) return 1;
    qsort(v, 5, sizeof *v, compare);
    return 0;
}
NOINLINE static int blocked(void) {
    sigset_t now;
    sigprocmask(SIG_BLOCK, 0, &now);
    return sigismember(&now, SIGUSR1);
}
NOINLINE static int masks(int save, int plain) {
    sigjmp_buf e;
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    sigprocmask(SIG_UNBLOCK, &one, 0);
    int r = sigsetjmp(e, save);
    if (!r) {
        sigprocmask(SIG_BLOCK, &one, 0);
        if (plain) foreign_sigjump(e, 3);
        siglongjmp(e, 3);
    }
    return blocked() * 10 + r;
}
static sigjmp_buf from_handler;
static void handler(int sig) { siglongjmp(from_handler, sig == SIGSEGV ? 1 : 2); }
NOINLINE static int faults(int n) {
    volatile int caught = 0;
    struct sigaction a = {.sa_handler = handler};
    sigaction(SIGSEGV, &a, 0);
    sigaction(SIGUSR2, &a, 0);
    for (volatile int i = 0; i < n; i++) {
        int r = sigsetjmp(from_handler, 1);
        if (r == 0) { if (i & 1) *(volatile int *)16 = 1; else raise(SIGUSR2); }
        caught += r;
    }
    return caught;
}
static int order[8], steps;
static void cleanup(void *p) { order[steps++] = *(int *)p; }
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *worker(void *arg) {
    int one = 1, two = 2, three = 3;
    pthread_cleanup_push(cleanup, &one);
    pthread_cleanup_push(cleanup, &two);
    pthread_cleanup_push(cleanup, &three);
    pthread_cleanup_pop(1);
    if (arg) { pthread_mutex_lock(&lock); pthread_mutex_unlock(&lock); for (;;) pthread_testcancel(); }
    pthread_exit(&lock);
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
    return 0;
}
NOINLINE static void threads(void) {
    for (int cancel = 0; cancel < 2; cancel++) {
        pthread_t t;
        void *result;
        steps = 0;
        pthread_create(&t, 0, worker, cancel ? &lock : 0);
        if (cancel) pthread_cancel(t);
        pthread_join(t, &result);
        printf("%d %d %d %d %s\n", steps, order[0], order[1], order[2], result == PTHREAD_CANCELED ? "cancelled" : "exited");
    }
}
int main(void) {
    printf("%d\n", to_box(5));
    printf("%d\n", foreign_catch(throw_out, 21));
    printf("%d\n", through());
    printf("%d\n", in_qsort());
    for (int i = 0; i < 4; i++) printf("%d ", masks(i & 1, i >> 1));
    printf("\n%d\n", faults(11));
    threads();
    return 0;
}
