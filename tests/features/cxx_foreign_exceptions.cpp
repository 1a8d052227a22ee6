// Exceptions that are no C++ ones: catch (...) and catch (abi::__foreign_exception &), cleanups, rethrowing; who deletes them.
// privbox: -fprivbox-fn=main -fprivbox-fn=entered
#include <cstdio>
#include <cstdlib>
#include <cxxabi.h>
#include <exception>
#include <initializer_list>
#include <unwind.h>
#define NOINLINE __attribute__((noinline))
struct Guard { const char *name; ~Guard() { std::printf("~%s\n", name); } };
struct Other { _Unwind_Exception header; int n; };
static void deleted(_Unwind_Reason_Code code, _Unwind_Exception *e) { std::printf("deleted %d: %d\n", reinterpret_cast<Other *>(e)->n, int(code)); std::free(e); }
NOINLINE void raise(int n)
{
    Guard g{"raise"};
    if (n < 0) throw n;
    auto *e = static_cast<Other *>(std::aligned_alloc(alignof(Other), sizeof(Other)));
    *e = Other();
    e->header.exception_class = 0x5052495642582b00;
    e->header.exception_cleanup = deleted;
    e->n = n;
    _Unwind_RaiseException(&e->header);
    std::printf("not caught\n");
}
NOINLINE int typed(int n) { Guard g{"typed"}; try { raise(n); } catch (int i) { return i; } catch (const std::exception &) { return 100; } return 0; }
NOINLINE int any(int n) { try { return typed(n); } catch (...) { std::printf("any %d\n", std::uncaught_exceptions()); if (n > 5) throw; return 1; } }
NOINLINE int foreign(int n) { try { return any(n); } catch (abi::__foreign_exception &) { std::printf("foreign\n"); return 2; } }
extern "C" NOINLINE int entered(int n) { Guard g{"entered"}; return any(n); }
static int compare(const void *, const void *) { return entered(7); }
int main()
{
    for (int n : {-3, 1, 6}) std::printf("%d\n", foreign(n));
    int two[2] = {1, 2};
    try { std::qsort(two, 2, sizeof(int), compare); } catch (...) { std::printf("out of qsort: %d\n", std::current_exception() == nullptr); }
}
