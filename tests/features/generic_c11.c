// C11 and C23: _Generic, _Static_assert, anonymous members, _Alignas, _Noreturn, statement expressions, typeof, cleanup.
#include <stdalign.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define TYPE(x) _Generic((x), int: "int", long: "long", double: "double", char *: "text", const char *: "constant text", float: "float", default: "other")
#define SQUARE(x) _Generic((x), int: square_int, double: square_double)(x)
#define MAX(a, b) ({ __typeof__(a) x_ = (a); __typeof__(b) y_ = (b); x_ > y_ ? x_ : y_; })
static int square_int(int x) { return x * x; }
static double square_double(double x) { return x * x; }
_Static_assert(sizeof(long) == 8, "LP64");
static int released;
static void release(char **p) { released++; free(*p); }
__attribute__((noinline)) static int scoped(int n) {
    for (int i = 0; i < n; i++) {
        __attribute__((cleanup(release))) char *p = malloc(10);
        strcpy(p, "scoped");
        if (i == 3) return p[1];
        if (i == 1) continue;
        p[0] = 'S';
    }
    return -1;
}
struct aligned { char c; alignas(64) int v; };
__attribute__((noinline)) static int on_stack(int n) { alignas(64) int v[5]; alignas(32) char c; c = (char)n; v[0] = n; return (int)(((unsigned long)v & 63) + ((unsigned long)&c & 31)) + v[0] + c; }
_Noreturn static void leave(int n) { printf("leaving\n"); exit(n); }
static int nested_expr(int n) { return ({ int s = 0; for (int i = 0; i < n; i++) { if (i == 7) break; s += i; } s; }) + MAX(n, 5); }
int main(void) {
    long l = 5;
    char text[] = "x";
    printf("%s %s %s %s %s %s\n", TYPE(1), TYPE(l), TYPE(1.0), TYPE(text), TYPE(1.0f), TYPE(&l));
    printf("%d %g %d\n", SQUARE(7), SQUARE(1.5), MAX(3, 9));
    printf("%d %d %d\n", scoped(2), scoped(10), released);
    struct aligned a = {1, 2};
    printf("%d %zu %d\n", (int)((unsigned long)&a.v & 63), sizeof a, on_stack(4));
    printf("%d %s\n", nested_expr(10), __func__);
    bool b = l;
    b += 5;
    printf("%d %d\n", b, __builtin_choose_expr(1, 4, 5));
    int n = 0;
    if (b) leave(n);
    return 1;
}
