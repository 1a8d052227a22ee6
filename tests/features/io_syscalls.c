// System-call-heavy code: files, pipes, socket pairs, poll, epoll, eventfd, vectors, mmap, messages, timers.
// flags: -D_GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
static unsigned char block[8192], again[8192];
static void file(void) {
    char name[] = "io-test-XXXXXX";
    int f = mkstemp(name);
    for (int i = 0; i < 8192; i++) block[i] = (unsigned char)(i * 7);
    for (int i = 0; i < 8; i++) if (write(f, block + i * 1024, 1024) != 1024) perror("write");
    struct stat st;
    fstat(f, &st);
    printf("%ld %ld ", (long)st.st_size, (long)lseek(f, 100, SEEK_SET));
    printf("%zd %d ", read(f, again, 1000), memcmp(again, block + 100, 1000));
    printf("%zd %zd ", pread(f, again, 50, 8170), pwrite(f, "abc", 3, 0));
    struct iovec v[3] = {{again, 10}, {again + 100, 20}, {again + 200, 30}};
    lseek(f, 0, SEEK_SET);
    printf("%zd %.3s ", readv(f, v, 3), (char *)again);
    printf("%zd ", pwritev(f, v, 3, 9000));
    unsigned char *m = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0);
    m[5000] = 77;
    msync(m, 8192, MS_SYNC);
    pread(f, again, 1, 5000);
    munmap(m, 8192);
    ftruncate(f, 10);
    fstat(f, &st);
    printf("%d %ld %d %d\n", again[0], (long)st.st_size, fcntl(f, F_GETFL) & O_ACCMODE, close(f));
    printf("%d %d\n", rename(name, "io-test-renamed"), unlink("io-test-renamed"));
}
static void names(void) {
    char dir[] = "io-dir-XXXXXX", text[64] = {0}, path[64];
    if (!mkdtemp(dir) || chdir(dir)) perror("chdir");
    int d = open(".", O_RDONLY | O_DIRECTORY), f = open("a", O_CREAT | O_RDWR, 0600);
    printf("%d %d %d ", d >= 0, (int)write(f, "0123456789", 10), link("a", "b"));
    printf("%d %d %d ", symlink("a", "s"), symlinkat("b", d, "t"), linkat(d, "t", d, "u", AT_SYMLINK_FOLLOW));
    printf("%zd %s %d ", readlinkat(d, "t", text, sizeof text), text, mkdirat(d, "e", 0700));
    printf("%d %d %d ", chmod("a", 0640), chown("a", getuid(), (gid_t)-1), fchownat(d, "s", getuid(), getgid(), AT_SYMLINK_NOFOLLOW));
    struct timespec times[2] = {{1000, 0}, {2000, 5}};
    struct statx x;
    printf("%d %d ", utimensat(d, "a", times, 0), statx(d, "s", 0, STATX_BASIC_STATS, &x));
    printf("%d %o %lld %d ", (int)x.stx_nlink, x.stx_mode & 0777, (long long)x.stx_mtime.tv_sec, (int)x.stx_size);
    printf("%d %d ", statx(d, "none", AT_SYMLINK_NOFOLLOW, STATX_SIZE, &x), errno == ENOENT);
    printf("%d %d %d ", renameat(d, "u", d, "v"), renameat2(d, "v", d, "b", RENAME_EXCHANGE), lchown("s", getuid(), getgid()));
    int m = memfd_create("m", 0), p[2];
    off_t from = 2, to = 1;
    printf("%d %zd ", m >= 0, copy_file_range(f, &from, f, &(off_t){20}, 4, 0));
    from = 2;
    pipe(p);
    printf("%zd %zd ", splice(f, &from, p[1], 0, 5, 0), splice(p[0], 0, m, &to, 5, 0));
    memset(text, 0, sizeof text);
    printf("%zd %s ", pread(m, text, 10, 1), text);
    fsetxattr(f, "user.box", "value", 5, 0);
    memset(text, 0, sizeof text);
    ssize_t n = fgetxattr(f, "user.box", text, sizeof text);
    printf("%d ", (n == 5 && !strcmp(text, "value")) || n == -1);
    for (const char *s = "abstv"; *s; s++) unlink((char[]){*s, 0});
    unlinkat(d, "e", AT_REMOVEDIR);
    chdir("..");
    snprintf(path, sizeof path, "%s/none", dir);
    printf("%d %d %d ", chdir(path), fchdir(d), chdir(".."));
    printf("%d\n", rmdir(dir));
    close(f); close(d); close(m); close(p[0]); close(p[1]);
}
static void pipes(void) {
    int p[2];
    if (pipe2(p, O_NONBLOCK)) return;
    char text[16];
    printf("%zd %d ", read(p[0], text, 16), errno == EAGAIN);
    int total = 0;
    while (write(p[1], block, 4096) == 4096) total++;
    struct pollfd f[2] = {{p[0], POLLIN, 0}, {p[1], POLLOUT, 0}};
    int waiting;
    printf("%d %d %x %x ", total > 0, poll(f, 2, 0), f[0].revents, f[1].revents);
    ioctl(p[0], FIONREAD, &waiting);
    printf("%d\n", waiting == total * 4096);
    close(p[0]); close(p[1]);
}
static void sockets(void) {
    int s[2], e = epoll_create1(0);
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    struct epoll_event ev = {.events = EPOLLIN, .data.u64 = 0x123456789abcull}, got[4];
    epoll_ctl(e, EPOLL_CTL_ADD, s[0], &ev);
    int sum = 0;
    for (int i = 0; i < 500; i++) {
        char out[64], in[64];
        int n = snprintf(out, sizeof out, "message %d", i);
        send(s[1], out, (size_t)n, 0);
        if (epoll_wait(e, got, 4, 1000) != 1 || got[0].data.u64 != ev.data.u64) printf("wrong event\n");
        ssize_t r = recv(s[0], in, sizeof in, 0);
        if (r != n || memcmp(in, out, (size_t)n)) printf("wrong message\n");
        sum += n;
    }
    struct iovec v[2] = {{"head ", 5}, {"tail", 4}};
    char control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8)));
    memset(control, 0, sizeof control);
    struct msghdr m = {.msg_iov = v, .msg_iovlen = 2, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET; c->cmsg_type = SCM_RIGHTS; c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &e, sizeof e);
    printf("%d %zd ", sum, sendmsg(s[1], &m, 0));
    char in[32] = {0};
    struct iovec w = {in, sizeof in};
    struct msghdr r = {.msg_iov = &w, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    printf("%zd %s ", recvmsg(s[0], &r, 0), in);
    int passed;
    memcpy(&passed, CMSG_DATA(CMSG_FIRSTHDR(&r)), sizeof passed);
    printf("%d %d ", passed != e, epoll_wait(passed, got, 4, 0));
    int size = 0;
    socklen_t length = sizeof size;
    setsockopt(s[0], SOL_SOCKET, SO_RCVBUF, &(int){65536}, sizeof(int));
    getsockopt(s[0], SOL_SOCKET, SO_RCVBUF, &size, &length);
    printf("%d %d %zd\n", size >= 65536, shutdown(s[1], SHUT_WR), recv(s[0], in, 1, 0));
    close(s[0]); close(s[1]); close(e); close(passed);
}
static void others(void) {
    int e = eventfd(3, 0);
    unsigned long long v = 4;
    if (write(e, &v, 8) != 8 || read(e, &v, 8) != 8) perror("eventfd");
    fd_set set;
    FD_ZERO(&set);
    FD_SET(e, &set);
    struct timeval none = {0, 1000};
    printf("%llu %d ", v, select(e + 1, &set, 0, 0, &none));
    struct timespec a, b, nap = {0, 1000000};
    clock_gettime(CLOCK_MONOTONIC, &a);
    nanosleep(&nap, 0);
    clock_gettime(CLOCK_MONOTONIC, &b);
    printf("%d %d ", (b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec >= 1000000, time(0) > 1600000000);
    char path[256];
    printf("%d %d %ld\n", getcwd(path, sizeof path) == path, getuid() == geteuid(), sysconf(_SC_PAGESIZE));
    close(e);
}
int main(void) { file(); names(); pipes(); sockets(); others(); return 0; }
