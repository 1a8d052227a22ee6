#include "cxx_foreign.h"
#include <cstdarg>
#include <cstdio>
#include <stdexcept>
static int check(int n) { if (n == -2) throw std::out_of_range("foreign"); if (n < 0) throw Custom(-n); return n; }
int Foreign::call(int n) { return check(n) + 40; }
Big Foreign::big(Big b, int n) { b.w[2] += check(n); return b; }
int foreign_simple(int n) { return check(n); }
int foreign_many(int a, int b, int c, int d, int e, int f, int g, int h, int n, int i, int j) { return check(n) + a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i + 10 * j; }
Big foreign_aggregate(Big b, int n) { b.w[7] += check(n); b.w[3] *= 5; return b; }
double foreign_variadic(int n, ...)
{
    va_list ap;
    va_start(ap, n);
    double sum = va_arg(ap, int);
    sum += va_arg(ap, double); sum += va_arg(ap, int); sum += va_arg(ap, double);
    for (int i = 0; i < 4; i++) sum = 2 * sum + va_arg(ap, int);
    sum += double(va_arg(ap, long));
    va_end(ap);
    return sum + check(n);
}
long double foreign_wide(long double x, int n) { return x * check(n); }
Wide foreign_complex(long double x, int n) { Wide w; __real__ w = x + check(n); __imag__ w = 1; return w; }
double foreign_doubles(double a, double b, double c, double d, double e, double f, double g, double h, double i, double n) { return a + b + c + d + e + f + g + h + 100 * i + check(int(n)); }
int foreign_back(int (*f)(int), int n) { struct G { ~G() { std::printf("~back\n"); } } g; return f(n); }
int foreign_catches(int (*f)(int), int n) { try { return foreign_back(f, n); } catch (const Custom &c) { return 1000 + c.n; } }
int foreign_translates(int (*f)(int), int n) { try { return foreign_back(f, n - 2); } catch (const Custom &c) { try { throw; } catch (Custom &) { throw std::out_of_range("anew"); } } }
int foreign_uses(Foreign &f, int n) { Big b{}; b.w[2] = 5; return f.call(n) + int(f.big(b, n).w[2]); }
long double foreign_wide_back(long double (*f)(long double, Big, int), int n) { Big b{}; b.w[0] = 3; return f(1.5L, b, n); }
int (*foreign_pointer(int))(int) { return foreign_simple; }
long double (*foreign_wide_pointer(int))(long double, int) { return foreign_wide; }
Big (*foreign_aggregate_pointer(int))(Big, int) { return foreign_aggregate; }
double (*foreign_variadic_pointer(int))(int, ...) { return foreign_variadic; }
Foreign *foreign_object(int) { static Foreign f; return &f; }
