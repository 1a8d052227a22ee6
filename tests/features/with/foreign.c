// Compiled by plain clang: the code that a box calls out to.
#include "foreign_calls.h"
long foreign_ints(long a, long b, long c, long d, long e, long f, long g, long h, long i) {
    return a + b * 2 + c * 3 + d * 4 + e * 5 + f * 6 + g * 7 + h * 8 + i * 9;
}
double foreign_doubles(double a, double b, double c, double d, double e, double f, double g, double h, double i, double j) {
    return a + b * 2 + c * 3 + d * 4 + e * 5 + f * 6 + g * 7 + h * 8 + i * 9 + j * 10;
}
double foreign_mixed(int a, double b, long c, float d, short e, double f, char g, float h, int i, double j, long k, double l,
                     int m, double n, double o) {
    return a + b * 2 + c * 3 + d * 4 + e * 5 + f * 6 + g * 7 + h * 8 + i * 9 + j * 10 + k * 11 + l * 12 + m * 13 + n * 14 + o * 15;
}
struct small foreign_small(struct small s) { return (struct small){s.b, s.a + 1}; }
struct mixed foreign_mixed_struct(struct mixed m, struct small s) { return (struct mixed){m.l + s.a, (long)m.d + s.b}; }
struct floats foreign_floats(struct floats f) { return (struct floats){f.z, f.x * 2, f.y + 1}; }
struct big foreign_big(struct big b, int n) {
    for (int i = 0; i < 7; i++) b.v[i] = b.v[i] * n + i;
    return b;
}
struct x87 foreign_x87(struct x87 x) { x.v = x.v * 3; return x; }
long double foreign_long_double(long double a, int b, long double c) { return a * b + c; }
__int128 foreign_int128(__int128 a, __int128 b, int c, __int128 d) { return a * b + c - d; }
_Complex double foreign_complex(_Complex double a, _Complex float b) { return a * b; }
_Complex long double foreign_complex_x87(_Complex long double a) { return a + 1; }
long foreign_sum(int count, ...) {
    va_list list;
    va_start(list, count);
    long sum = 0;
    for (int i = 0; i < count; i++) sum = sum * 3 + va_arg(list, long);
    va_end(list);
    return sum;
}
double foreign_sum_doubles(int count, ...) {
    va_list list;
    va_start(list, count);
    double sum = 0;
    for (int i = 0; i < count; i++) sum = sum * 2 + va_arg(list, double);
    va_end(list);
    return sum;
}
long foreign_vsum(const char *types, va_list list) {
    long sum = 0;
    for (; *types; types++) {
        sum *= 7;
        switch (*types) {
        case 'i': sum += va_arg(list, int); break;
        case 'l': sum += va_arg(list, long); break;
        case 'd': sum += (long)(va_arg(list, double) * 16); break;
        case 'L': sum += (long)(va_arg(list, long double) * 16); break;
        case 'x': sum += (long)va_arg(list, __int128); break;
        case 's': { struct small s = va_arg(list, struct small); sum += s.a * 10 + s.b; break; }
        case 'm': { struct mixed m = va_arg(list, struct mixed); sum += (long)m.d * 10 + m.l; break; }
        case 'b': { struct big b = va_arg(list, struct big); for (int i = 0; i < 7; i++) sum += b.v[i] * i; break; }
        case 'f': { struct floats f = va_arg(list, struct floats); sum += (long)(f.x + f.y * 2 + f.z * 4); break; }
        }
    }
    return sum;
}
long foreign_variadic_mixed(const char *types, ...) {
    va_list list;
    va_start(list, types);
    long sum = foreign_vsum(types, list);
    va_end(list);
    return sum;
}
long foreign_callback(long (*f)(long, void *), long count, void *data) {
    long sum = 0;
    for (long i = 0; i < count; i++) sum += f(i, data);
    return sum;
}
double foreign_callback_many(double (*f)(int, double, int, double, int, double, int, double, int, double, int, double, int),
                             int n) {
    return f(n, 1.5, n + 1, 2.5, n + 2, 3.5, n + 3, 4.5, n + 4, 5.5, n + 5, 6.5, n + 6);
}
struct big foreign_callback_big(struct big (*f)(struct big, int), struct big b) {
    b = f(b, 2);
    return f(b, 3);
}
long foreign_callback_variadic(long (*f)(const char *, ...)) {
    return f("ildLsb", 3, 4L, 2.5, 1.25L, (struct small){7, 8}, (struct big){{1, 2, 3, 4, 5, 6, 7}});
}
