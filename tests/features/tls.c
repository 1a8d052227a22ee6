// _Thread_local of every kind: initialised, zero, static in a function, extern, address taken, arrays, aggregates.
// flags: -pthread
// with: with/tls_other.c
// link: static static-pie no-pie bfd
#include <pthread.h>
#include <stdio.h>
_Thread_local int counter = 5;
static _Thread_local long zero[1000];
static _Thread_local struct { char name[16]; double d; } record = {"main", 1.5};
extern _Thread_local int elsewhere;
static __thread int *pointer;
int next(void);
int *elsewhere_address(void);
static int local(void) { static _Thread_local int n = 10; return n++; }
static void *work(void *argument) {
    long id = (long)argument;
    pointer = &counter;
    for (int i = 0; i < 100; i++) { *pointer += (int)id; zero[(i * 37) % 1000] += i; local(); next(); elsewhere++; }
    record.d += id;
    record.name[0] = (char)('A' + id);
    *elsewhere_address() += 1000;
    long sum = 0;
    for (int i = 0; i < 1000; i++) sum += zero[i] * i;
    return (void *)(sum + counter + local() * 7 + next() * 3 + elsewhere + (long)record.d + record.name[0]);
}
int main(void) {
    printf("%d %ld %s %g %d %d\n", counter, zero[5], record.name, record.d, elsewhere, local());
    for (long i = 0; i < 3; i++) {
        pthread_t t;
        void *result;
        pthread_create(&t, 0, work, (void *)i);
        pthread_join(t, &result);
        printf("%ld\n", (long)result);
    }
    printf("%ld\n", (long)work((void *)1));
    printf("%d %ld %s %g %d %d\n", counter, zero[37], record.name, record.d, elsewhere, local());
    return 0;
}
