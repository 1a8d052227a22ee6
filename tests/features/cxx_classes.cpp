// Classes, virtual calls and bases, RTTI, templates, lambdas, statics and thread-locals with constructors, placement new.
// flags: -fno-exceptions
// link: static static-pie no-pie bfd
#include <cstdio>
#include <new>
#include <typeinfo>
#include <cstring>
struct Shape { virtual ~Shape() {} virtual double area() const = 0; virtual const char *name() const { return "shape"; } };
struct Square : Shape { double s; explicit Square(double v) : s(v) {} double area() const override { return s * s; } const char *name() const override { return "square"; } };
struct Named { virtual int tag() { return 7; } int n = 3; };
struct Both : Square, virtual Named { Both() : Square(3) {} double area() const override { return s + n; } int tag() override { return n * 2; } };
template <typename T, int N> struct Stack { T v[N]; int top = 0; void push(T x) { v[top++] = x; } T pop() { return v[--top]; } };
template <typename F> static int apply(int n, F f) { int s = 0; for (int i = 0; i < n; i++) s += f(i); return s; }
static int counter;
struct Counted { Counted() { counter++; } Counted(const Counted &) { counter += 10; } ~Counted() { counter += 100; } };
static Counted global;
static int &once() { static int value = (counter++, 41); return ++value; }
thread_local int perThread = 5;
struct Dynamic { int v; Dynamic() : v(counter + 1000) {} ~Dynamic() {} };
thread_local Dynamic dynamicThread;
static Counted pass(Counted c) { return c; }
struct Vec { double x, y; Vec operator+(const Vec &o) const { return {x + o.x, y + o.y}; } bool operator<(const Vec &o) const { return x < o.x; } };
int main()
{
    std::printf("%d\n", counter);
    Shape *shapes[] = {new Square(2), new Both};
    for (Shape *s : shapes) {
        std::printf("%s %.1f %d %d\n", s->name(), s->area(), typeid(*s) == typeid(Both), dynamic_cast<Named *>(s) ? dynamic_cast<Named *>(s)->tag() : -1);
        delete s;
    }
    Stack<Vec, 4> st;
    st.push({1, 2}); st.push({3, 4});
    Vec v = st.pop() + st.pop();
    int k = 3;
    std::printf("%.1f %.1f %d\n", v.x, v.y, apply(5, [&](int i) { return i * k++; }));
    { Counted c = pass(Counted()); }
    std::printf("%d %d %d %d %d\n", counter, once(), once(), ++perThread, dynamicThread.v);
    int (Both::*member)() = &Both::tag;
    Both b;
    std::printf("%d %zu\n", (b.*member)(), std::strlen(typeid(b).name()));
    alignas(16) char room[sizeof(Square)];
    Shape *placed = new (room) Square(5);
    std::printf("%.1f\n", placed->area());
    placed->~Shape();
    return 0;
}
