// fork in the box: both sides go on in it; wait, pipes, exit status; vfork and exec; a child of a child.
// exit: 0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
static int shared = 5;
static int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
static int spawn(int depth) {
    int local[4] = {1, 2, 3, depth};
    pid_t pid = fork();
    if (pid == 0) {
        local[0] += 10;
        shared += depth;
        if (depth > 0) { int s = spawn(depth - 1); _exit(s + local[0] + 1); }
        _exit(local[0] + local[3] + fib(5) + shared);
    }
    int status;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) + (local[0] == 1) : -1;
}
int main(void) {
    fflush(stdout);
    printf("%d\n", spawn(0));
    printf("%d\n", spawn(3));
    int p[2];
    if (pipe(p)) return 1;
    fflush(stdout);
    if (fork() == 0) {
        char text[32];
        int n = snprintf(text, sizeof text, "child says %d", fib(12));
        if (write(p[1], text, n) != n) _exit(1);
        exit(3); // atexit handlers and buffers of the child
    }
    char text[32] = {0};
    ssize_t n = read(p[0], text, sizeof text - 1);
    int status;
    wait(&status);
    printf("%zd %s %d %d\n", n, text, WEXITSTATUS(status), shared);
    fflush(stdout);
    pid_t pid = vfork();
    if (pid == 0) { execl("/bin/echo", "echo", "executed", (char *)0); _exit(9); }
    waitpid(pid, &status, 0);
    printf("%d\n", WEXITSTATUS(status));
    fflush(stdout);
    printf("%d\n", WEXITSTATUS(system("exit 5")));
    if (fork() == 0) abort();
    wait(&status);
    printf("%d %d\n", WIFSIGNALED(status), WTERMSIG(status));
    return 0;
}
