/* Included twice: with bodies under NAME, or as declarations. */
#ifndef SIGNATURES_RARE_TYPES
#define SIGNATURES_RARE_TYPES
struct over { _Alignas(32) long x[4]; };
struct over16 { _Alignas(16) long a; long b; };
struct wide { __int128 v; long l; };
struct mixed { double d; long l; };
union either { double d; long l; };
struct tail { int i; float f; char c; };
typedef int four __attribute__((vector_size(16)));
typedef _Float16 halves __attribute__((vector_size(8)));
#endif
#ifdef DECLARED
#define BODY(...) ;
#else
#define BODY(...) { __VA_ARGS__ }
#endif
SCOPE struct over NAME(over)(int i, struct over a, int j, struct over b)
BODY(for (int k = 0; k < 4; k++) a.x[k] = a.x[k] * i + b.x[3 - k] * j * 10; return a;)
SCOPE struct over16 NAME(over16)(int i, struct over16 a, int j, int k, int l, int m, struct over16 b, int n, struct over16 c)
BODY(return (struct over16){a.a + b.a * i + c.a * n * 100, a.b + b.b * j + c.b * k + l * m};)
SCOPE struct wide NAME(wide)(int i, struct wide a, __int128 b, int j)
BODY(a.v = a.v * i + b; a.l += j; return a;)
SCOPE struct mixed NAME(mixed)(struct mixed a, int i, struct mixed b, int j, struct mixed c, struct mixed d, double x, struct mixed e)
BODY(return (struct mixed){a.d + b.d * 2 + c.d * 3 + d.d * 5 + e.d * 7 + x, a.l + b.l * i + c.l * j + d.l * 11 + e.l * 13};)
SCOPE _Float16 NAME(half)(_Float16 a, int i, _Float16 b, _Float16 c)
BODY(return (_Float16)(a + b * (_Float16)i + c);)
SCOPE _BitInt(128) NAME(bits)(int i, _BitInt(128) a, int j, _BitInt(128) b, _BitInt(128) c, int k, _BitInt(128) d)
BODY(return a * i + b * j + c * 5 + d * k;)
SCOPE _BitInt(200) NAME(more_bits)(int i, _BitInt(200) a, int j, _BitInt(200) b)
BODY(return a * i + b * j;)
SCOPE _Complex double NAME(complex)(_Complex double a, int i, _Complex double b, int j)
BODY(return a * (double)i + b * (double)j;)
SCOPE _Complex long double NAME(long_complex)(int i, _Complex long double a, int j)
BODY(return a * (long double)i + (long double)j;)
SCOPE four NAME(vector)(four a, int i, four b, int j, four c, four d, four e, four f, four g, four h, four k)
BODY(return a + b * i + c * j + d * 3 + e * 4 + f * 5 + g * 6 + h * 7 + k * 8;)
SCOPE halves NAME(halves)(halves a, int i, halves b)
BODY(return a + b * (_Float16)i;)
SCOPE union either NAME(either)(union either a, int i, union either b)
BODY(a.d += b.d * i; return a;)
SCOPE struct tail NAME(tail)(struct tail a, int i, struct tail b, float f, struct tail c)
BODY(return (struct tail){a.i + b.i * i + c.i, a.f + b.f * f + c.f, (char)(a.c + b.c + c.c)};)
#undef BODY
