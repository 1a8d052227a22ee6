#include "cxx_units.h"
namespace { struct Hidden : Shape { int side(int n) const override { if (n == 2) throw Failed("hidden"); return Shape::side(n) * 2; } }; }
int other_measure(const Shape &s, int n)
{
    Note note("measure");
    try { return s.area() + s.side(n); } catch (const std::out_of_range &) { throw Failed("no side " + std::to_string(n)); }
}
int other_calls(int (*f)(int), int n) { try { Note note("calls"); return f(n); } catch (const Failed &e) { std::printf("%s\n", e.what()); return -1; } }
int shared_elsewhere(int n) { try { return shared<int>(n); } catch (const Failed &) { return n; } }
int (*other_address())(int) { return &shared<int>; }
std::unique_ptr<Shape> other_shape() { return std::make_unique<Hidden>(); }
