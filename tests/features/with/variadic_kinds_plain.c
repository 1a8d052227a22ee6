#include "variadic_kinds.h"
#define READ \
    va_list ap; \
    va_start(ap, what); \
    long s = read_kinds(what, ap); \
    va_end(ap); \
    return s
long read_outside(const char *what, ...) { READ; }
long read_outside_late(int a, int b, int c, int d, int e, int f, long g, const char *what, ...)
{ (void)a, (void)b, (void)c, (void)d, (void)e, (void)f, (void)g; READ; }
long read_outside_odd(int a, int b, int c, int d, int e, int f, const char *what, ...)
{ (void)a, (void)b, (void)c, (void)d, (void)e, (void)f; READ; }
