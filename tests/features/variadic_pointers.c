// Variadic functions through pointers, of the box and of libc, in tables and struct members.
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
static int sum(const char *f, ...) {
    va_list l;
    va_start(l, f);
    int n = 0;
    for (; *f; f++) n += *f == 'd' ? (int)va_arg(l, double) : va_arg(l, int);
    va_end(l);
    return n;
}
static int product(const char *f, ...) {
    va_list l;
    va_start(l, f);
    int n = 1;
    for (; *f; f++) n *= *f == 'd' ? (int)va_arg(l, double) : va_arg(l, int);
    va_end(l);
    return n;
}
typedef int (*variadic)(const char *, ...);
struct sink { variadic log; char text[64]; };
static int into(char *buffer, unsigned long size, const char *f, ...) {
    va_list l;
    va_start(l, f);
    int n = vsnprintf(buffer, size, f, l);
    va_end(l);
    return n;
}
int main(void) {
    variadic table[] = {sum, product, printf};
    for (volatile int i = 0; i < 2; i++) printf("%d\n", table[i]("iidi", 2, 3, 4.5, 5));
    printf("%d\n", table[2]("%d %d %.1f %d\n", 2, 3, 4.5, 5));
    struct sink s = {product, ""};
    printf("%d\n", s.log("ddd", 2.0, 3.0, 7.0));
    int (*print)(char *, unsigned long, const char *, ...) = snprintf;
    for (int i = 0; i < 2; i++) {
        int n = print(s.text, sizeof s.text, "%s-%d-%g", "abc", i, i + 0.5);
        printf("%d %s\n", n, s.text);
        print = into;
    }
    return 0;
}
