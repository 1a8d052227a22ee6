// The C++ library's containers, strings, algorithms, functions and streams; its own code is called out.
// link: static bfd
#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <sstream>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>
static std::map<std::string, int> table = {{"one", 1}, {"two", 2}, {"three", 3}};
static std::string join(const std::vector<std::string> &v) { std::string s; for (const auto &x : v) { if (!s.empty()) s += ", "; s += x; } return s; }
int main()
{
    std::vector<int> v(100);
    std::iota(v.begin(), v.end(), 1);
    std::sort(v.begin(), v.end(), [](int a, int b) { return a % 7 != b % 7 ? a % 7 < b % 7 : a < b; });
    std::cout << v[0] << ' ' << v[50] << ' ' << std::accumulate(v.begin(), v.end(), 0) << '\n';
    std::unordered_map<int, std::string> names;
    for (int i = 0; i < 50; i++) names[i * i] = std::to_string(i);
    std::vector<std::string> words;
    for (auto &[key, value] : table) words.push_back(key + "=" + std::to_string(value));
    std::cout << join(words) << ' ' << names.at(49) << ' ' << names.size() << '\n';
    std::function<int(int)> f = [n = 3](int x) { return x * n; };
    std::optional<int> o = f(5);
    std::variant<int, std::string> var = std::string("text");
    auto p = std::make_unique<std::vector<int>>(3, 7);
    auto q = std::make_shared<std::string>("shared");
    auto r = q;
    std::ostringstream s;
    s << *o << ' ' << std::get<std::string>(var) << ' ' << p->size() << ' ' << *r << ' ' << q.use_count();
    std::cout << s.str() << std::endl;
    return 0;
}
