// Exceptions across the border of the box: out of foreign functions, called by name, through pointers and as virtual functions, with every
// kind of signature; out of the box through its entries, several times deep; foreign code that catches and throws anew.
// with-plain: with/cxx_foreign.cpp
// privbox: -fprivbox-fn=main -fprivbox-fn=entered*
// link: static bfd
#include "with/cxx_foreign.h"
#include <cfenv>
#include <cstdio>
#include <functional>
#include <stdexcept>
#include <string>
#define NOINLINE __attribute__((noinline))
struct Guard { const char *name; ~Guard() { std::printf("~%s\n", name); } };
struct Mine : Foreign { int call(int n) override { Guard g{"Mine"}; return Foreign::call(n) + 1; } Big big(Big b, int n) override { Guard g{"Mine big"}; return Foreign::big(b, n); } };
NOINLINE int attempt(const char *what, const std::function<double()> &f)
{
    try { Guard g{"attempt"}; std::printf("%s: %g\n", what, f()); return 0; }
    catch (const Custom &c) { std::printf("%s: Custom %d\n", what, c.n); return c.n; }
    catch (const std::exception &e) { std::printf("%s: %s\n", what, e.what()); return -1; }
}
extern "C" {
NOINLINE int entered(int n) { Guard g{"entered"}; return n <= 0 ? foreign_simple(n) : foreign_back(entered, n - 1) + 1; }
NOINLINE int entered_catches(int n) { Guard g{"entered_catches"}; try { return foreign_back(entered, n); } catch (const Custom &c) { throw Custom(c.n * 2); } }
NOINLINE long double entered_wide(long double x, Big b, int n) { Guard g{"entered_wide"}; return x + foreign_wide(x, n) + b.w[0]; }
}
static int compare(const void *a, const void *b) { int x = *(const int *)a, y = *(const int *)b; if (x == 13 || y == 13) throw Custom(13); return x - y; }
int main()
{
    std::feclearexcept(FE_ALL_EXCEPT);
    Big big{};
    for (int i = 0; i < 8; i++) big.w[i] = i;
    for (int n : {1, -1, -2}) {
        attempt("simple", [=] { return foreign_simple(n); });
        attempt("many", [=] { return foreign_many(1, 2, 3, 4, 5, 6, 7, 8, n, 10, 11); });
        attempt("aggregate", [=] { return foreign_aggregate(big, n).w[7]; });
        attempt("variadic", [=] { return foreign_variadic(n, 1, 2.5, 3, 4.5, 5, 6, 7, 8, 9L); });
        attempt("long double", [=] { return double(foreign_wide(2.0L, n)); });
        attempt("complex", [=] { return double(__real__ foreign_complex(2.0L, n)); });
        attempt("doubles", [=] { return foreign_doubles(1, 2, 3, 4, 5, 6, 7, 8, 9, n); });
        attempt("invalid", [] { return double(std::fetestexcept(FE_INVALID)); });
        attempt("pointer", [=] { return foreign_pointer(0)(n); });
        attempt("long double pointer", [=] { return double(foreign_wide_pointer(0)(3.0L, n)); });
        attempt("aggregate pointer", [=] { return foreign_aggregate_pointer(0)(big, n).w[3]; });
        attempt("variadic pointer", [=] { return foreign_variadic_pointer(0)(n, 1, 2.5, 3, 4.5, 5, 6, 7, 8, 9L); });
        attempt("virtual", [=] { return foreign_object(0)->call(n); });
        attempt("virtual big", [=] { return foreign_object(0)->big(big, n).w[2]; });
        attempt("overridden", [=] { Mine m; Foreign *f = &m; return f->call(n) + f->big(big, n).w[1]; });
        attempt("called back", [=] { Mine m; return foreign_uses(m, n); });
        attempt("member", [=] { auto p = &Foreign::call; return (foreign_object(0)->*p)(n); });
        attempt("entered", [=] { return entered(n + 3); });
        attempt("entered_catches", [=] { return entered_catches(n + 2); });
        attempt("entered_wide", [=] { return double(foreign_wide_back(entered_wide, n)); });
        attempt("caught outside", [=] { return foreign_catches(entered, n + 1); });
        attempt("thrown anew", [=] { return foreign_translates(entered, n + 1); });
    }
    int numbers[] = {5, 3, 13, 9, 1};
    attempt("qsort", [&] { std::qsort(numbers, 5, sizeof(int), compare); return numbers[0]; });
    int sum = 0;
    for (int i = 0; i < 3000; i++) try { sum += foreign_back(entered, i % 4 - 1); } catch (const Custom &c) { sum += c.n; }
    std::printf("%d\n", sum);
}
