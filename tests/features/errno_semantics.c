// errno: set by failing calls from the box, kept by successful ones, per thread, seen on both sides.
// privbox: -fprivbox-fn=main -fprivbox-fn=thread
// flags: -pthread
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
void *thread(void *p) { errno = 5; close(-1); int e = errno; (void)p; return (void *)(long)e; }
#define SHOW(call) do { errno = 0; long r = (long)(call); int e = errno; printf("%ld %s\n", r, strerror(e)); } while (0)
int main(void) {
    char buffer[16];
    struct stat st;
    SHOW(open("/nonexistent/file", O_RDONLY));
    SHOW(read(-1, buffer, 16));
    SHOW(write(-1, buffer, 16));
    SHOW(close(1000));
    SHOW(lseek(0, -1, 99));
    SHOW(stat("/nonexistent", &st));
    SHOW(socket(9999, 0, 0));
    SHOW(mkdir("/proc/x", 0700));
    SHOW(dup2(-1, 5));
    SHOW(chdir("/nonexistent"));
    SHOW(strtol("99999999999999999999", 0, 10) == 0x7fffffffffffffff);
    SHOW(write(1, (void *)1, 1));
    SHOW(access("/", R_OK));
    errno = 77;
    if (getpid() < 0) return 1;
    printf("%d\n", errno);
    errno = 33;
    pthread_t t;
    void *r;
    pthread_create(&t, 0, thread, 0);
    pthread_join(t, &r);
    printf("%ld %d\n", (long)r, errno);
    int *p = &errno;
    *p = 12;
    printf("%d %d\n", errno, p == &errno);
    errno = ENOENT;
    perror("to standard error");
    return 0;
}
