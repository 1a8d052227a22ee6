// Call-outs with any signature: stack arguments, aggregates of every class, long double, __int128, complex.
// with-plain: with/foreign.c
// link: static static-pie no-pie bfd
#include <stdio.h>
#include "with/foreign_calls.h"
int main(void) {
    volatile int one = 1;
    printf("%ld\n", foreign_ints(one, 2, 3, 4, 5, 6, 7, 8, 9));
    printf("%.2f\n", foreign_doubles(one, 2, 3, 4, 5, 6, 7, 8, 9, 10.5));
    printf("%.2f\n", foreign_mixed(one, 2.5, 3, 4.5f, 5, 6.5, 7, 8.5f, 9, 10.5, 11, 12.5, 13, 14.5, 15.5));
    struct small s = foreign_small((struct small){one, 5});
    printf("%d %d\n", s.a, s.b);
    struct mixed m = foreign_mixed_struct((struct mixed){2.5, 7}, s);
    printf("%.2f %ld\n", m.d, m.l);
    struct floats f = foreign_floats((struct floats){1.5f, 2.5f, one});
    printf("%.2f %.2f %.2f\n", f.x, f.y, f.z);
    struct big b = foreign_big((struct big){{1, 2, 3, 4, 5, 6, one}}, 3);
    for (int i = 0; i < 7; i++) printf("%ld ", b.v[i]);
    struct x87 x = foreign_x87((struct x87){1.5L});
    printf("\n%.3Lf\n", x.v);
    printf("%.3Lf\n", foreign_long_double(1.5L, one + 1, 2.25L));
    __int128 big = foreign_int128((__int128)1 << 70, 3, one, 5);
    printf("%llx %llx\n", (unsigned long long)(big >> 64), (unsigned long long)big);
    _Complex double c = foreign_complex(1.0 + 2.0i, 3.0f - 1.0if);
    printf("%.2f %.2f\n", __real__ c, __imag__ c);
    _Complex long double cl = foreign_complex_x87(1.5L + 2.5Li);
    printf("%.2Lf %.2Lf\n", __real__ cl, __imag__ cl);
    return 0;
}
