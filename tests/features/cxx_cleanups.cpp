// Destructors on the way of an exception: order, members and bases of half-made objects, arrays, temporaries, function try blocks, initialisers.
#include <cstdio>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>
#define NOINLINE __attribute__((noinline))
struct Loud {
    static int made, left;
    int n;
    Loud(int n) : n(n) { if (made == left) throw std::runtime_error("no more"); made++; std::printf("+%d\n", n); }
    Loud(const Loud &o) : Loud(o.n + 10) {}
    ~Loud() { made--; std::printf("-%d\n", n); }
};
int Loud::made = 0, Loud::left = 0;
struct Base { Loud b{1}; virtual ~Base() { std::printf("~Base\n"); } };
struct Whole : Base { Loud a{2}, c{3}; std::string s = "a text that lies on the heap, not in the object"; Loud d{4}; ~Whole() { std::printf("~Whole\n"); } };
struct Array { Loud three[3]{5, 6, 7}; };
struct Delegating { Loud x; Delegating(int) : x(8) {} Delegating() : Delegating(1) { throw 3; } ~Delegating() { std::printf("~Delegating\n"); } };
struct Tries {
    Loud x;
    Tries(int n) try : x(n) { if (n == 9) throw n; } catch (int i) { std::printf("caught %d in the constructor\n", i); } catch (const std::exception &) { throw 1.5; }
    ~Tries() noexcept(false) {}
};
struct Throws { ~Throws() noexcept(false) { if (!std::uncaught_exceptions()) throw std::logic_error("from a destructor"); std::printf("quiet\n"); } };
struct Placed {
    static void *operator new(std::size_t n) { std::printf("new\n"); return ::operator new(n); }
    static void operator delete(void *p) { std::printf("delete\n"); ::operator delete(p); }
    Placed() { throw 4; }
};
NOINLINE int takes(Loud a, Loud b, int) { return a.n + b.n; }
NOINLINE Loud makes(int n) { Loud local(n); Loud other(n + 1); return other; }
NOINLINE int function_try(int n) try { Loud l(20); if (n) throw n; return 1; } catch (int i) { return i; } catch (...) { std::printf("no Loud\n"); return -1; }
template <typename F> NOINLINE void attempt(const char *what, F f)
{
    for (Loud::left = 0; Loud::left < 6; Loud::left++) {
        std::printf("%s with %d\n", what, Loud::left);
        try { f(); std::printf("done\n"); break; }
        catch (const std::exception &e) { std::printf("%s\n", e.what()); }
        catch (int i) { std::printf("int %d\n", i); }
        catch (double d) { std::printf("double %g\n", d); }
        if (Loud::made) std::printf("left over: %d\n", Loud::made);
    }
    Loud::made = 0;
}
NOINLINE void loop(int n)
{
    for (int i = 0; i < n; i++) {
        Loud l(i);
        try { Loud m(i + 50); if (i % 3 == 1) continue; if (i == 5) break; if (i % 3 == 2) throw i; } catch (int) { std::printf("loop\n"); }
        if (i == 6) throw 6;
    }
}
NOINLINE int cleanup_only(int n) { std::string s(std::size_t(n), 'x'); std::vector<std::string> v(3, s); return n > 40 ? int(v.at(std::size_t(n)).size()) : int(v[1].size()); }
static Loud &global() { static Loud once(30); return once; }
int main()
{
    attempt("whole", [] { Whole w; });
    attempt("array", [] { Array a; Loud l(1); });
    attempt("new array", [] { std::unique_ptr<Loud[]> p(new Loud[3]{1, 2, 3}); });
    attempt("delegating", [] { Delegating d; });
    attempt("arguments", [] { std::printf("%d\n", takes(1, makes(2), takes(3, 4, 5))); });
    attempt("tries", [] { Tries t(2); });
    attempt("tries 9", [] { try { Tries t(9); } catch (int i) { std::printf("rethrown %d\n", i); } });
    attempt("placed", [] { delete new Placed; });
    attempt("static", [] { std::printf("%d\n", global().n); });
    attempt("vector", [] { std::vector<Loud> v; v.reserve(2); v.emplace_back(1); v.emplace_back(2); });
    attempt("loop", [] { loop(9); });
    attempt("function try", [] { std::printf("%d %d\n", function_try(0), function_try(7)); });
    try { Throws t; } catch (const std::logic_error &e) { std::printf("%s\n", e.what()); }
    try { Throws t; throw 1; } catch (int) { std::printf("int\n"); }
    int sum = 0;
    for (int i = 0; i < 100; i++) try { sum += cleanup_only(i); } catch (const std::out_of_range &) { sum += 1000; }
    std::printf("%d\n", sum);
}
