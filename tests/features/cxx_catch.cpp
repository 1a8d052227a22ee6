// catch clauses in the box: by type, base class, pointer, reference and value, catch (...), the order of clauses, rethrowing, nesting.
// link: static static-pie bfd
#include <cstdio>
#include <exception>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>
#define NOINLINE __attribute__((noinline))
struct Guard { const char *name; ~Guard() { std::printf("~%s %d\n", name, std::uncaught_exceptions()); } };
struct Left { virtual ~Left() = default; int l = 1; };
struct Right { virtual ~Right() = default; int r = 2; };
struct Top : virtual Right { int t = 3; };
struct Bottom : Left, Top { int b = 4; };
struct Two : Left, Right { };
struct Other : Left { };
struct Twice : Two, Other { };                 // Left is ambiguous
struct Private : private Right { int p = 5; };
namespace { struct Hidden { int h; }; }
struct Counted {
    static int alive;
    int v;
    Counted(int v) : v(v) { alive++; }
    Counted(const Counted &o) : v(o.v + 100) { alive++; }
    ~Counted() { alive--; }
};
int Counted::alive = 0;
enum Colour { red, green };
using Function = int (*)(int);
using Member = int Left::*;
NOINLINE int twice(int x) { return 2 * x; }
static Bottom bottom;
NOINLINE void raise(int n)
{
    Guard g{"raise"};
    switch (n) {
    case 0: throw 1;
    case 1: throw 2L;
    case 2: throw Bottom();
    case 3: throw &bottom;
    case 4: throw static_cast<const Bottom *>(&bottom);
    case 5: throw Private();
    case 6: throw std::out_of_range("range");
    case 7: throw std::bad_alloc();
    case 8: throw Hidden{7};
    case 9: throw Counted(3);
    case 10: throw green;
    case 11: throw "text";
    case 12: throw std::string("a string that is too long to be kept where it is");
    case 13: throw std::make_unique<int>(9);
    case 14: throw static_cast<Function>(twice);
    case 15: throw nullptr;
    case 16: throw static_cast<Member>(&Left::l);
    case 17: throw Twice();
    case 18: throw 1.5f;
    case 19: { std::vector<int> v(3); v.at(5) = 1; break; }
    case 20: { std::string s("abc"); s.substr(9); break; }
    case 21: { std::vector<int> v; v.reserve(v.max_size() + 1); break; }
    case 22: throw static_cast<void *>(&bottom);
    case 23: throw 'c';
    default: std::printf("nothing thrown\n");
    }
}
NOINLINE int by_type(int n)
{
    Guard g{"by_type"};
    try {
        Guard inner{"try"};
        raise(n);
        return -1;
    } catch (int i) { return 100 + i; }
    catch (long l) { return 200 + int(l); }
    catch (Right &r) { return 300 + r.r; }
    catch (Right *r) { return 400 + (r ? r->r : 50); }
    catch (const Left *l) { return 500 + (l ? l->l : 50); }
    catch (Colour c) { return 600 + c; }
    catch (const std::logic_error &e) { std::printf("%s\n", e.what()); return 700; }
    catch (const std::exception &e) { std::printf("%s\n", e.what()); return 800; }
    catch (Hidden h) { return 900 + h.h; }
    catch (Counted c) { return 1000 + c.v + 1000 * Counted::alive; }
    catch (const char *s) { std::printf("%s\n", s); return 1100; }
    catch (const std::string &s) { std::printf("%s\n", s.c_str()); return 1200; }
    catch (std::unique_ptr<int> &p) { return 1300 + *p; }
    catch (Function f) { return 1400 + (f ? f(1) : 9); }
    catch (Member m) { return 1500 + bottom.*m; }
    catch (void *p) { return 1600 + (p == &bottom); }
    catch (...) { return 9999; }
}
NOINLINE int some_only(int n)                   // the others go on
{
    try { return by_type(n) >= 0 ? (raise(n), 1) : 2; }
    catch (const std::exception &) { return 3; }
    catch (const Right *) { return 4; }
    catch (float f) { return int(f * 2); }
}
NOINLINE int all(int n)
{
    try { return some_only(n); } catch (...) { std::printf("all: %d\n", std::uncaught_exceptions()); }
    return 5;
}
NOINLINE int again(int n, int depth)
{
    Guard g{"again"};
    try { if (depth == 0) raise(n); else return again(n, depth - 1) + 1; }
    catch (const std::exception &e) { std::printf("depth %d: %s\n", depth, e.what()); throw; }
    catch (...) { std::printf("depth %d\n", depth); throw; }
    return 0;
}
NOINLINE int translate(int n)
{
    try { raise(n); }
    catch (const std::exception &e) {
        try { throw std::runtime_error(std::string("again: ") + e.what()); }
        catch (const std::runtime_error &inner) { std::printf("%s / %s\n", inner.what(), e.what()); }
        std::printf("%s\n", e.what());
        throw std::logic_error(e.what());
    }
    catch (int) { throw; }
    return 0;
}
NOINLINE void in_handler(int n)
{
    try { throw 1; }
    catch (int) {
        try { throw 2; } catch (int two) {
            try { raise(n); } catch (...) { std::printf("three %d\n", two); }
        }
        if (n > 3) throw;
        if (n > 1) throw n;
    }
}
NOINLINE Guard *slicing()
{
    Bottom thrown;
    thrown.r = 77;
    try { throw thrown; } catch (Right r) { std::printf("%d\n", r.r); }
    try { throw thrown; } catch (Right &r) { r.r = 78; try { throw; } catch (Bottom &b) { std::printf("%d %d\n", b.r, dynamic_cast<Bottom *>(&r) == &b); } }
    return nullptr;
}
int main()
{
    for (int n = 0; n < 25; n++) {
        std::printf("-- %d: %d\n", n, by_type(n));
        std::printf("== %d\n", all(n));
    }
    for (int n : {0, 6, 12, 19}) {
        try { again(n, 3); } catch (const std::exception &e) { std::printf("%s\n", e.what()); } catch (...) { std::printf("other\n"); }
        try { translate(n); } catch (const std::exception &e) { std::printf("%s\n", e.what()); } catch (...) { std::printf("other\n"); }
    }
    for (int n = 0; n < 6; n++)
        try { in_handler(n); std::printf("fine\n"); } catch (int i) { std::printf("left with %d\n", i); }
    slicing();
    std::printf("%d alive, %d uncaught\n", Counted::alive, std::uncaught_exceptions());
}
