// Entry functions of every signature, called from normal code directly and through pointers: entering converts them.
// no: strict
// (A normal caller's objects lie on the ordinary stack, which strict boxes cannot reach.)
// privbox: -fprivbox-fn=e_*
// link: static static-pie no-pie bfd
#include <stdio.h>
struct s8 { int a, b; };
struct s16 { long a; double b; };
struct s40 { long v[5]; };
typedef int v4 __attribute__((vector_size(16)));
void e_void(void) { printf("void\n"); }
int e_ints(int a, char b, short c, long d, _Bool e) { return a + b + c + (int)d + e; }
double e_doubles(double a, float b, double c) { return a * b - c; }
long e_many(long a, long b, long c, long d, long e, long f, long g, long h, long i) { return a + b * 2 + c * 3 + d * 4 + e * 5 + f * 6 + g * 7 + h * 8 + i * 9; }
double e_mixed(int a, double b, long c, float d, short e, double f, char g, double h, int i, double j, long k, double l, double m, double n, double o, double p) { return a + b + c + d + e + f + g + h + i + j + k + l + m * 2 + n * 3 + o * 4 + p * 5; }
struct s8 e_s8(struct s8 s, int n) { s.a += n; s.b -= n; return s; }
struct s16 e_s16(struct s16 s) { s.a++; s.b *= 2; return s; }
struct s40 e_s40(struct s40 s, struct s40 t) { for (int i = 0; i < 5; i++) s.v[i] += t.v[4 - i]; return s; }
long double e_x87(long double a, int n, long double b) { return a * n + b; }
__int128 e_wide(__int128 a, int n, __int128 b, __int128 c) { return a * n + b - c; }
_Complex double e_complex(_Complex double a, _Complex float b) { return a * b; }
_Complex long double e_complex_x87(_Complex long double a) { return a * 2; }
v4 e_vector(v4 a, v4 b) { return a * b; }
short e_short(short a, signed char b) { return (short)(a * b); }
unsigned char e_byte(unsigned char a, _Bool b) { return (unsigned char)(a + b); }
signed char e_signed(int a) { return (signed char)a; }
_Bool e_bool(int a) { return a > 3; }
_Float16 e_half(_Float16 a, int n) { return a * (_Float16)n; }
struct over { _Alignas(32) long a[5]; };
struct over e_over(int n, struct over o) { o.a[4] += n + ((unsigned long)&o & 31); return o; }
char *e_pointer(char *p, int (*f)(int)) { *p = (char)f(*p); return p + 1; }
static int upper(int c) { return c - 32; }
static int recurse_out(int n);
int e_recursive(int n) { return n <= 0 ? 0 : recurse_out(n - 1) + n; }
static int recurse_out(int n) { return n <= 0 ? 0 : e_recursive(n - 1) * 2; }
int main(void) {
    volatile int one = 1;
    e_void();
    printf("%d %g %ld %g\n", e_ints(one, 'a', -3, 4, 1), e_doubles(1.5, 2.5f, one), e_many(one, 2, 3, 4, 5, 6, 7, 8, 9), e_mixed(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, one));
    struct s8 a = e_s8((struct s8){one, 2}, 5);
    struct s16 b = e_s16((struct s16){one, 2.5});
    struct s40 c = e_s40((struct s40){{1, 2, 3, 4, one}}, (struct s40){{10, 20, 30, 40, 50}});
    printf("%d %d %ld %g %ld %ld\n", a.a, a.b, b.a, b.b, c.v[0], c.v[4]);
    __int128 w = e_wide((__int128)one << 80, 3, 5, 7);
    _Complex double z = e_complex(1 + 2i, 3.0f - 1.0if);
    _Complex long double zl = e_complex_x87(1.5L + 0.25Li);
    v4 v = e_vector((v4){one, 2, 3, 4}, (v4){5, 6, 7, 8});
    printf("%Lg %lx %lx %g %g %Lg %Lg %d %d\n", e_x87(1.5L, 3, one), (long)(w >> 64), (long)w, __real__ z, __imag__ z, __real__ zl, __imag__ zl, v[0], v[3]);
    printf("%d %d %d %d %g\n", e_short((short)(one * -300), 5), e_byte((unsigned char)(one * 255), 1), e_signed(one * 200), e_bool(one * 7), (double)e_half((_Float16)1.5, one * 3));
    printf("%d %d\n", e_short((short)(one * 300), 127), e_bool(one));
    struct over o = e_over(one, (struct over){{1, 2, 3, 4, 5}});
    printf("%ld %ld\n", o.a[0], o.a[4]);
    char text[] = "abc";
    e_pointer(e_pointer(text, upper), upper);
    printf("%s %d\n", text, e_recursive(20));
    struct s40 (*volatile f)(struct s40, struct s40) = e_s40;
    c = f(c, c);
    printf("%ld\n", c.v[1]);
    return 0;
}
