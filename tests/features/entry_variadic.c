// A variadic function that an entry glob matches: it enters the box or stays normal code, the result is native's.
// privbox: -fprivbox-fn=e_*
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
struct s8 { int a, b; };
struct s40 { long v[5]; };
int e_variadic(const char *types, ...) {
    va_list l;
    va_start(l, types);
    int s = 0;
    for (; *types; types++) switch (*types) {
        case 'i': s = (s & 0xffff) * 3 + va_arg(l, int); break;
        case 'd': s = (s & 0xffff) * 3 + (int)va_arg(l, double); break;
        case 'L': s = (s & 0xffff) * 3 + (int)va_arg(l, long double); break;
        case 's': s = (s & 0xffff) * 3 + va_arg(l, struct s8).b; break;
        case 'S': s = (s & 0xffff) * 3 + (int)va_arg(l, struct s40).v[2]; break;
        case 'p': s = (s & 0xffff) * 3 + (int)strlen(va_arg(l, char *)); break;
    }
    va_end(l);
    return s;
}
int e_caller(int n) { return e_variadic("ii", n, 2) + 1; }
int main(void) {
    struct s40 c = {{1, 2, 3, 4, 5}};
    printf("%d %d\n", e_variadic("ididp", 1, 2.5, 3, 4.5, "text"), e_variadic("iiiiiiiddddddddddLsS", 1, 2, 3, 4, 5, 6, 7, 1., 2., 3., 4., 5., 6., 7., 8., 9., 10., 11.L, (struct s8){1, 2}, c));
    int (*volatile g)(const char *, ...) = e_variadic;
    printf("%d %d\n", g("iLi", 1, 2.0L, 3), e_caller(7));
    return 0;
}
