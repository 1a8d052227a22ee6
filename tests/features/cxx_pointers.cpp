// std::exception_ptr, nested exceptions, uncaught_exceptions, exceptions carried to another thread and by futures.
// flags: -pthread
#include <cstdio>
#include <exception>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>
#define NOINLINE __attribute__((noinline))
NOINLINE void raise(int n)
{
    switch (n % 4) {
    case 0: throw std::runtime_error("runtime " + std::to_string(n));
    case 1: throw n;
    case 2: throw std::make_exception_ptr(n);
    default: throw std::string("string");
    }
}
NOINLINE std::exception_ptr keep(int n) { try { raise(n); } catch (...) { return std::current_exception(); } return nullptr; }
NOINLINE const char *name(std::exception_ptr p)
{
    try { if (p) std::rethrow_exception(p); return "none"; }
    catch (const std::exception &e) { std::printf("%s: ", e.what()); return "exception"; }
    catch (int i) { std::printf("%d: ", i); return "int"; }
    catch (std::exception_ptr inner) { std::printf("["); const char *s = name(inner); std::printf("%s]: ", s); return "pointer"; }
    catch (...) { return "other"; }
}
NOINLINE void nest(int depth)
{
    try { if (depth == 0) raise(0); nest(depth - 1); }
    catch (...) { std::throw_with_nested(std::logic_error("level " + std::to_string(depth))); }
}
NOINLINE void unroll(const std::exception &e, int depth)
{
    std::printf("%*s%s\n", depth, "", e.what());
    try { std::rethrow_if_nested(e); } catch (const std::exception &inner) { unroll(inner, depth + 1); }
}
struct Count { ~Count() { std::printf("uncaught: %d\n", std::uncaught_exceptions()); try { Inner i; throw 1; } catch (int) {} std::printf("uncaught: %d\n", std::uncaught_exceptions()); }
               struct Inner { ~Inner() { std::printf("inner: %d\n", std::uncaught_exceptions()); } }; };
int main()
{
    std::vector<std::exception_ptr> kept;
    for (int i = 0; i < 8; i++) kept.push_back(keep(i));
    for (int pass = 0; pass < 2; pass++) for (auto &p : kept) std::printf("%s\n", name(p));
    std::printf("%s\n", name(nullptr));
    try { nest(4); } catch (const std::exception &e) { unroll(e, 0); }
    try { Count c; throw 2; } catch (int i) { std::printf("%d %d\n", i, std::uncaught_exceptions()); }
    std::exception_ptr carried;
    std::thread([&] { try { raise(4); } catch (...) { carried = std::current_exception(); } }).join();
    std::printf("%s\n", name(carried));
    for (int i = 0; i < 4; i++) {
        auto f = std::async(i % 2 ? std::launch::async : std::launch::deferred, [i] { raise(i); return 1; });
        try { std::printf("%d\n", f.get()); } catch (const std::exception &e) { std::printf("future: %s\n", e.what()); } catch (...) { std::printf("future: %s\n", name(std::current_exception())); }
    }
    std::promise<int> broken;
    auto future = broken.get_future();
    { std::promise<int> gone(std::move(broken)); }
    try { future.get(); } catch (const std::future_error &e) { std::printf("%d\n", e.code() == std::future_errc::broken_promise); }
    kept.clear();
}
