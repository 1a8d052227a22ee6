// Vectors to and from foreign code: call-outs with 32-byte arguments and results, more than eight, through pointers, variadic.
// flags: -march=x86-64-v3
// only-cpu: v3
// with-plain: with/vectors_plain.c
#include <stdio.h>
#include "with/vectors_plain.h"
static v8 own(v8 a, v8 b) { return a - b; }
static v8 (*const both[])(v8, v8) = {foreign_add, own};
// An alignment that the box's va area does not have: this function is called out.
__attribute__((noinline)) static int variadic(v8 a, v8 b) { return foreign_variadic(3, a, b, a); }
int main(void) {
    volatile int one = 1;
    v8 a = {1, 2, 3, 4, 5, 6, 7, one}, b = a * 10;
    for (volatile int i = 0; i < 2; i++) { v8 r = both[i](a, b); for (int j = 0; j < 8; j++) printf("%d ", r[j]); }
    v8 r = foreign_many(a, b, a, b, a, b, a, b, a, b);
    for (int j = 0; j < 8; j++) printf("%d ", r[j]);
    struct two t = foreign_struct((struct two){a, b});
    printf("%d %d\n", t.a[1], t.b[1]);
    printf("%d\n", variadic(a, b));
    printf("%d\n", foreign_callback(own, a, b)[3]);
    v4 s = foreign_small((v4){one, 2, 3, 4}, 5, (v4){6, 7, 8, 9});
    printf("%d %d\n", s[0], s[3]);
    return 0;
}
