// Threads: several in the box at once; created in the box and out of it; mutexes, conditions, TLS, atomics, results.
// privbox: -fprivbox-fn=main -fprivbox-fn=worker -fprivbox-fn=consumer
// flags: -pthread
// link: static no-pie
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#define N 8
static atomic_int arrived;
static atomic_long total;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ready = PTHREAD_COND_INITIALIZER;
static long guarded;
static int queue[64], head, tail;
static _Thread_local long mine;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int initialised;
static void initialise(void) { initialised++; }
static long fib(int n) { int pad[4] = {n, n, n, n}; return n < 2 ? pad[n & 3] : fib(n - 1) + fib(n - 2); }
void *worker(void *argument) {
    long id = (long)argument;
    arrived++;
    while (arrived < N) __builtin_ia32_pause(); // all of them are inside now
    pthread_once(&once, initialise);
    for (int i = 0; i < 2000; i++) {
        total += i;
        mine += id;
        if (i % 20 == 0) { pthread_mutex_lock(&lock); guarded = guarded + id; pthread_mutex_unlock(&lock); }
    }
    char *p = malloc(100);
    snprintf(p, 100, "%ld %ld %ld", id, mine, fib(15));
    return p;
}
void *consumer(void *argument) {
    long sum = 0;
    for (;;) {
        pthread_mutex_lock(&lock);
        while (head == tail) pthread_cond_wait(&ready, &lock);
        int v = queue[head++ & 63];
        pthread_mutex_unlock(&lock);
        if (v < 0) break;
        sum += v;
    }
    *(long *)argument = sum;
    pthread_exit(argument);
}
static void *plain_in_box(void *argument) { return (void *)((long)argument * 3 + fib(10)); }
int main(void) {
    pthread_t t[N];
    for (long i = 0; i < N; i++) if (pthread_create(&t[i], 0, worker, (void *)i)) return 1;
    for (int i = 0; i < N; i++) { void *r; pthread_join(t[i], &r); printf("%s\n", (char *)r); free(r); }
    printf("%ld %ld %d %ld\n", (long)total, guarded, initialised, mine);
    long result = 0;
    pthread_create(&t[0], 0, consumer, &result);
    for (int i = 0; i <= 500; i++) {
        pthread_mutex_lock(&lock);
        if (tail - head == 64) { i--; pthread_mutex_unlock(&lock); continue; }
        queue[tail++ & 63] = i < 500 ? i : -1;
        pthread_cond_signal(&ready);
        pthread_mutex_unlock(&lock);
    }
    void *r;
    pthread_join(t[0], &r);
    printf("%ld %d\n", result, r == &result);
    pthread_create(&t[0], 0, plain_in_box, (void *)5);
    pthread_join(t[0], &r);
    printf("%ld\n", (long)r);
    for (int round = 0; round < 100; round++) { // many short-lived threads: their stacks are given back
        pthread_create(&t[0], 0, worker, 0);
        pthread_join(t[0], &r);
        free(r);
    }
    printf("%d\n", (int)arrived);
    return 0;
}
