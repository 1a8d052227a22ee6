// Two units of C++ that define the same inline and virtual functions, each with a clone, and throw through each other.
// with: with/cxx_units_other.cpp
// link: static bfd
#include "with/cxx_units.h"
struct Main : Shape { int area() const override { return Shape::area() + 1000; } };
static int attempt(const Shape &s, int n)
{
    try { Note note("attempt"); return other_measure(s, n); }
    catch (const Failed &f) { std::printf("Failed %s\n", f.what()); return -1; }
}
static int local(int n) { if (n > 4) throw Failed("local " + std::to_string(n)); return n; }
int main()
{
    Main m;
    auto other = other_shape();
    Shape plain;
    for (int n = 0; n < 6; n++) {
        std::printf("%d %d %d\n", attempt(m, n), attempt(*other, n), attempt(plain, n));
        std::printf("%d\n", other_calls(local, n));
        std::printf("%d\n", shared<int>(n) == shared_elsewhere(n));
    }
    std::printf("%d\n", other_address() == &shared<int>);
}
