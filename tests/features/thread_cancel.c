// Cancellation, cleanup handlers, thread-specific data, detached threads and pthread_exit from deep in the box.
// privbox: -fprivbox-fn=main -fprivbox-fn=sleeper -fprivbox-fn=leaver
// flags: -pthread
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>
static pthread_key_t key;
static int cleaned, destroyed;
static sem_t started;
static void clean(void *p) { cleaned += *(int *)p; }
static void destroy(void *p) { destroyed += (int)(long)p; }
void *sleeper(void *p) {
    (void)p;
    int value = 5;
    pthread_cleanup_push(clean, &value);
    sem_post(&started);
    for (;;) usleep(1000);
    pthread_cleanup_pop(0);
    return 0;
}
__attribute__((noinline)) static int deep(int n) { if (n == 0) pthread_exit((void *)77); return deep(n - 1) + 1; }
void *leaver(void *p) {
    int value = 100;
    pthread_setspecific(key, p);
    pthread_cleanup_push(clean, &value);
    deep(30);
    pthread_cleanup_pop(1);
    return 0;
}
int main(void) {
    pthread_key_create(&key, destroy);
    sem_init(&started, 0, 0);
    pthread_t t;
    void *r;
    for (int i = 0; i < 5; i++) {
        pthread_create(&t, 0, sleeper, 0);
        sem_wait(&started);
        pthread_cancel(t);
        pthread_join(t, &r);
        printf("%d %d\n", r == PTHREAD_CANCELED, cleaned);
    }
    for (long i = 1; i < 4; i++) {
        pthread_create(&t, 0, leaver, (void *)i);
        pthread_join(t, &r);
        printf("%ld %d %d\n", (long)r, cleaned, destroyed);
    }
    return 0;
}
