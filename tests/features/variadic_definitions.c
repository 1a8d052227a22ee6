// Variadic functions in the box: every type, va_copy, a second va_start, lists passed on and stored.
// link: static no-pie
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
struct s1 { char c; };
struct s3 { char c[3]; };
struct s12 { int a; double b; };
struct s16 { double a, b; };
struct s24 { long a, b, c; };
struct sl { long double x; int y; };
struct __attribute__((aligned(32))) s32 { char c[32]; };
static long walk(const char *types, va_list list) {
    long sum = 0;
    for (const char *t = types; *t; t++) switch (*t) {
        case 'i': sum = sum * 3 + va_arg(list, int); break;
        case 'u': sum = sum * 3 + va_arg(list, unsigned); break;
        case 'l': sum = sum * 3 + va_arg(list, long); break;
        case 'd': sum = sum * 3 + (long)(va_arg(list, double) * 8); break;
        case 'L': sum = sum * 3 + (long)(va_arg(list, long double) * 8); break;
        case 'x': sum = sum * 3 + (long)(va_arg(list, __int128) >> 3); break;
        case 'p': sum = sum * 3 + (long)strlen(va_arg(list, char *)); break;
        case '1': sum = sum * 3 + va_arg(list, struct s1).c; break;
        case '3': sum = sum * 3 + va_arg(list, struct s3).c[2]; break;
        case '2': { struct s12 v = va_arg(list, struct s12); sum = sum * 3 + v.a + (long)v.b; break; }
        case '6': { struct s16 v = va_arg(list, struct s16); sum = sum * 3 + (long)(v.a * v.b); break; }
        case '4': { struct s24 v = va_arg(list, struct s24); sum = sum * 3 + v.a + v.b + v.c; break; }
        case 'X': { struct sl v = va_arg(list, struct sl); sum = sum * 3 + (long)v.x + v.y; break; }
        case 'A': { struct s32 v = va_arg(list, struct s32); sum = sum * 3 + v.c[0] + v.c[31]; break; }
    }
    return sum;
}
static long all(const char *types, ...) {
    va_list list;
    va_start(list, types);
    long sum = walk(types, list);
    va_end(list);
    return sum;
}
static long twice(int n, ...) {
    va_list list, copy;
    va_start(list, n);
    long sum = 0;
    for (int i = 0; i < n; i++) {
        if (i == n / 2) va_copy(copy, list);
        sum += va_arg(list, int);
    }
    for (int i = n / 2; i < n; i++) sum = sum * 2 + va_arg(copy, int);
    va_end(copy);
    va_end(list);
    va_start(list, n);
    if (n) sum += va_arg(list, int) * 1000;
    va_end(list);
    return sum;
}
static int print(const char *format, ...) {
    char text[200];
    va_list list;
    va_start(list, format);
    int length = vsnprintf(text, sizeof text, format, list);
    va_end(list);
    printf("[%s]", text);
    va_start(list, format);
    vprintf(format, list);
    va_end(list);
    return length;
}
// More named parameters than registers, integers and doubles.
static double named(int a, double b, int c, double d, int e, int f, int g, double h, int i, double j, double k, double l,
                    double m, double n, double o, int p, ...) {
    va_list list;
    va_start(list, p);
    double sum = a + b + c + d + e + f + g + h + i + j + k + l + m + n + o + p;
    sum = sum * 2 + va_arg(list, int);
    sum = sum * 2 + va_arg(list, double);
    sum = sum * 2 + (double)va_arg(list, long double);
    va_end(list);
    return sum;
}
static long take(va_list *list) { return va_arg(*list, long); }
static long pointers(int n, ...) {
    va_list list;
    va_start(list, n);
    long sum = 0;
    while (n--) sum = sum * 5 + take(&list);
    va_end(list);
    return sum;
}
static struct s24 returned(int n, ...) {
    va_list list;
    va_start(list, n);
    struct s24 r = {va_arg(list, long), n, 3};
    r.c = va_arg(list, struct s24).b;
    va_end(list);
    return r;
}
static long recursive(int n, ...) {
    va_list list;
    va_start(list, n);
    int next = va_arg(list, int);
    double d = va_arg(list, double);
    long below = n > 0 ? recursive(n - 1, next + 1, d / 2) : 0;
    va_end(list);
    return below + next + (long)(d * 4);
}
// A variadic argument aligned to 32 bytes does not travel in the box, so this function is called out.
__attribute__((noinline)) static void aligned(void) {
    struct s32 wide = {{5}};
    wide.c[31] = 7;
    printf("%ld\n", all("iAi", 1, wide, 2));
}
int main(void) {
    struct s24 s = {1, 2, 3};
    printf("%ld\n", all("iuldLxp", -1, 4000000000u, -5L, 2.5, -1.25L, (__int128)-800, "twelve chars"));
    printf("%ld\n", all("132643", (struct s1){'q'}, (struct s3){"abc"}, (struct s12){3, 4.5}, (struct s16){1.5, 4}, s,
                        (struct s3){"xyz"}));
    printf("%ld\n", all("XiXd", (struct sl){2.5L, 3}, 4, (struct sl){6.5L, 7}, 8.5));
    aligned();
    printf("%ld\n", all("iiiiiiiiii", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
    printf("%ld\n", all("dddddddddddd", 1., 2., 3., 4., 5., 6., 7., 8., 9., 10., 11., 12.));
    printf("%ld\n", all("ixixixi", 1, (__int128)1000, 2, (__int128)2000, 3, (__int128)3000, 4));
    printf("%ld\n", all(""));
    printf("%ld %ld\n", twice(6, 1, 2, 3, 4, 5, 6), twice(0));
    int n = print("%d %s %.3f %Lg %c|%lld\n", 7, "seven", 7.5, 7.25L, '7', 77777777777LL);
    printf("%d\n", n);
    printf("%.2f\n", named(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18.5, 19.5L));
    printf("%ld\n", pointers(7, 1L, 2L, 3L, 4L, 5L, 6L, 7L));
    struct s24 r = returned(2, 9L, s);
    printf("%ld %ld %ld\n", r.a, r.b, r.c);
    printf("%ld\n", recursive(20, 3, 64.0));
    return 0;
}
