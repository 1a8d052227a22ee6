// Where an exception ends the program, in child processes: noexcept, nobody catches, throwing destructors, exception specifications of C++14.
// flags: -std=c++14 -Wno-deprecated -Wno-exceptions
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#define NOINLINE __attribute__((noinline))
struct Guard { const char *name; ~Guard() { std::printf("~%s\n", name); } };
NOINLINE void toss(int n) { if (n == 1) throw std::runtime_error("one"); if (n == 2) throw 2; if (n == 3) throw "three"; }
NOINLINE void never(int n) noexcept { Guard g{"never"}; toss(n); }
NOINLINE void inside(int n) noexcept { try { toss(n); } catch (int) { std::printf("int inside\n"); } }
struct Bad { ~Bad() { toss(1); } };
struct Worse { ~Worse() noexcept(false) { toss(1); } };
NOINLINE void nothing(int n) throw() { Guard g{"nothing"}; toss(n); }
NOINLINE void only_int(int n) throw(int) { Guard g{"only_int"}; toss(n); }
NOINLINE void some(int n) throw(std::logic_error, const char *, std::bad_exception) { Guard g{"some"}; toss(n); }
NOINLINE int call(void (*f)(int), int n)
{
    try { f(n); return 0; }
    catch (int i) { return i; } catch (const char *s) { std::printf("%s\n", s); return 30; }
    catch (const std::bad_exception &) { return 40; } catch (const std::exception &e) { std::printf("%s\n", e.what()); return 50; }
}
static void ended()
{
    try { if (auto p = std::current_exception()) std::rethrow_exception(p); std::printf("terminate\n"); }
    catch (const std::exception &e) { std::printf("terminate: %s\n", e.what()); }
    catch (...) { std::printf("terminate: ...\n"); }
    std::fflush(stdout);
    _exit(77);
}
template <typename F> void attempt(const char *what, F f)
{
    std::printf("%s: ", what);
    std::fflush(stdout);
    int status = 0;
    pid_t child = fork();
    if (child == 0) { f(); std::fflush(stdout); _exit(0); }
    waitpid(child, &status, 0);
    std::printf("%s: %d\n", what, WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
}
int main()
{
    std::set_terminate(ended);
    for (int n = 0; n < 3; n++) {
        attempt("never", [=] { never(n); });
        attempt("inside", [=] { inside(n); });
        attempt("caught", [=] { std::printf("%d\n", call(toss, n)); });
        attempt("nothing", [=] { std::printf("%d\n", call(nothing, n)); });
        attempt("noexcept pointer", [=] { std::printf("%d\n", call(never, n)); });
    }
    attempt("nobody catches", [] { toss(3); });
    attempt("nobody catches it", [] { try { toss(1); } catch (int) { } });
    attempt("destructor", [] { try { Bad b; } catch (...) { } });
    attempt("unwinding destructor", [] { try { Worse w; toss(2); } catch (...) { } });
    attempt("destructor that may", [] { try { Worse w; } catch (const std::exception &e) { std::printf("%s\n", e.what()); } });
    attempt("nothing to rethrow", [] { throw; });
    attempt("terminate", [] { std::terminate(); });
    for (int n = 0; n < 4; n++) for (int how = 0; how < 5; how++) {
        attempt("specified", [=] {
            static int what;
            what = how;
            if (how) std::set_unexpected([] { std::printf("unexpected\n"); if (what == 1) throw; if (what == 2) throw 5; if (what == 3) throw std::logic_error("logic"); std::exit(9); });
            std::printf("%d %d\n", call(only_int, n), call(some, n));
        });
        attempt("nothing", [=] { if (how) std::set_unexpected([] { throw 1; }); std::printf("%d\n", call(nothing, n)); });
    }
}
