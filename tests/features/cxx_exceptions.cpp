// Exceptions pass through box functions that neither catch nor clean up; what does runs outside and may enter again.
// privbox: -fprivbox-fn=boxed*
// link: static static-pie bfd
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>
struct Guard { const char *name; ~Guard() { std::printf("~%s\n", name); } };
__attribute__((noinline)) int check(int n) { if (n > 2) throw std::runtime_error("too big"); return n; }
extern "C" {
__attribute__((noinline)) int boxed_inner(int n) { return check(n) * 2; }
__attribute__((noinline)) int boxed(int n) { volatile int local = boxed_inner(n); return local + 1; }
__attribute__((noinline)) int boxed_guarded(int n) { Guard g{"guarded"}; return boxed(n) + 1; }
__attribute__((noinline)) int boxed_deep(int n) { return n == 0 ? boxed_guarded(5) : boxed_deep(n - 1) + 1; }
}
__attribute__((noinline)) int rethrow(int n)
{
    try { return boxed_deep(n); } catch (const std::runtime_error &e) { throw std::logic_error(std::string("again: ") + e.what()); }
}
extern "C" __attribute__((noinline)) int boxed_rethrow(int n) { return rethrow(n) + 1; }
int main()
{
    for (int i = 0; i < 5; i++) {
        try { std::printf("%d\n", boxed_guarded(i)); } catch (const std::exception &e) { std::printf("caught %s\n", e.what()); }
    }
    try { boxed_rethrow(4); } catch (const std::logic_error &e) { std::printf("%s\n", e.what()); }
    try { std::vector<int> v; v.at(boxed(1)) = 1; } catch (const std::out_of_range &) { std::printf("range\n"); }
    int caught = 0;
    for (int i = 0; i < 20000; i++) { try { boxed(i % 4); } catch (...) { caught++; } }
    std::printf("%d %d\n", caught, boxed(2));
}
