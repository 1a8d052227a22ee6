// Functions that plain clang compiles: calls of them leave the box.
#include <stdarg.h>
struct small { int a, b; };
struct mixed { double d; long l; };
struct floats { float x, y, z; };
struct big { long v[7]; };
struct x87 { long double v; };
long foreign_ints(long, long, long, long, long, long, long, long, long);
double foreign_doubles(double, double, double, double, double, double, double, double, double, double);
double foreign_mixed(int, double, long, float, short, double, char, float, int, double, long, double, int, double, double);
struct small foreign_small(struct small);
struct mixed foreign_mixed_struct(struct mixed, struct small);
struct floats foreign_floats(struct floats);
struct big foreign_big(struct big, int);
struct x87 foreign_x87(struct x87);
long double foreign_long_double(long double, int, long double);
__int128 foreign_int128(__int128, __int128, int, __int128);
_Complex double foreign_complex(_Complex double, _Complex float);
_Complex long double foreign_complex_x87(_Complex long double);
long foreign_sum(int count, ...);
double foreign_sum_doubles(int count, ...);
long foreign_variadic_mixed(const char *types, ...);
long foreign_vsum(const char *types, va_list list);
long foreign_callback(long (*f)(long, void *), long count, void *data);
double foreign_callback_many(double (*f)(int, double, int, double, int, double, int, double, int, double, int, double, int),
                             int n);
struct big foreign_callback_big(struct big (*f)(struct big, int), struct big b);
long foreign_callback_variadic(long (*f)(const char *, ...));
