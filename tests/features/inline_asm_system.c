// Inline assembly that asks the system or the CPU: syscall, cpuid, rdtsc, pause, fences, xgetbv-free detection.
// no: strict
// (The raw mmap gives a high address, which strict boxes cannot reach.)
#include <cpuid.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#define NOINLINE __attribute__((noinline))
NOINLINE static long raw3(long n, long a, long b, long c) {
    long r;
    __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return r;
}
NOINLINE static long raw6(long n, long a, long b, long c, long d, long e, long f) {
    long r;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
    return r;
}
NOINLINE static unsigned leaf(unsigned n) {
    unsigned a, b, c, d;
    __asm__ volatile("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(n), "c"(0));
    return d;
}
NOINLINE static unsigned long time_stamp(void) { unsigned a, d; __asm__ volatile("rdtsc" : "=a"(a), "=d"(d)); return (unsigned long)d << 32 | a; }
int main(void) {
    const char text[] = "written by a raw system call\n";
    fflush(stdout);
    printf("%ld\n", raw3(SYS_write, 1, (long)text, sizeof text - 1));
    printf("%d %ld\n", raw3(SYS_getpid, 0, 0, 0) == getpid(), raw3(SYS_close, -1, 0, 0));
    char *p = (char *)raw6(SYS_mmap, 0, 8192, 3, 0x22, -1, 0);
    p[0] = 'm'; p[8191] = 'n';
    printf("%c%c %ld\n", p[0], p[8191], raw3(SYS_munmap, (long)p, 8192, 0));
    printf("%ld\n", raw3(SYS_write, 1, 1, 1));
    unsigned a, b, c, d;
    printf("%d %d\n", (leaf(1) >> 26) & 1, __get_cpuid(1, &a, &b, &c, &d) && (d >> 25 & 1));
    unsigned long t = time_stamp();
    for (int i = 0; i < 10; i++) __asm__ volatile("pause");
    __asm__ volatile("lfence; sfence; mfence" ::: "memory");
    printf("%d %d\n", time_stamp() > t, (int)syscall(SYS_getppid) == getppid());
    return 0;
}
