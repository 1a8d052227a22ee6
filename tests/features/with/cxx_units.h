// What both units of cxx_units.cpp define.
#pragma once
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>
struct Note { std::string text; explicit Note(const char *t) : text(t) {} ~Note() { std::printf("~%s\n", text.c_str()); } };
struct Failed : std::runtime_error { using runtime_error::runtime_error; };
struct Shape {
    virtual ~Shape() = default;
    virtual int area() const { return int(sides.size()); }
    virtual int side(int n) const { Note note("side"); return sides.at(std::size_t(n)); }
    std::vector<int> sides = {1, 2, 3};
};
template <typename T> __attribute__((noinline)) T shared(T n) { static T calls; if (n > 5) throw Failed("shared"); return ++calls * 0 + n; }
int other_measure(const Shape &s, int n);
int other_calls(int (*f)(int), int n);
int shared_elsewhere(int n);
int (*other_address())(int);
std::unique_ptr<Shape> other_shape();
