/* Reads variadic arguments of many kinds; compiled once in the box and once outside. */
#include <stdarg.h>
typedef struct { _Alignas(16) long a; long b; } two_aligned;
typedef struct { _Alignas(16) long a; } one_aligned;
typedef struct { _Alignas(16) long a[2], b; } memory_aligned;
typedef struct { _Alignas(16) double d; float f; } double_aligned;
typedef struct { _Alignas(16) float a, b; } floats_aligned;
typedef struct { __int128 v; } wrapped;
typedef struct { float x, y, z; } three_floats;
typedef struct { double d; long l; } mixed;
typedef struct { long double l; } wrapped_long;
typedef struct { long double l; int i; } long_and_int;
typedef int four __attribute__((vector_size(16)));

static long read_kinds(const char *what, va_list ap)
{
    long s = 0;

    for (; *what; what++) {
        s *= 3;
        switch (*what) {
        case 'i': s += va_arg(ap, int); break;
        case 'l': s += va_arg(ap, long); break;
        case 'd': s += (long)va_arg(ap, double); break;
        case 'A': { two_aligned x = va_arg(ap, two_aligned); s += x.a * 7 + x.b; break; }
        case 'B': { one_aligned x = va_arg(ap, one_aligned); s += x.a * 7; break; }
        case 'C': { memory_aligned x = va_arg(ap, memory_aligned); s += x.a[0] * 7 + x.a[1] + x.b; break; }
        case 'D': { double_aligned x = va_arg(ap, double_aligned); s += (long)x.d * 7 + (long)x.f; break; }
        case 'E': { floats_aligned x = va_arg(ap, floats_aligned); s += (long)x.a * 7 + (long)x.b; break; }
        case 'F': { wrapped x = va_arg(ap, wrapped); s += (long)x.v * 7 + (long)(x.v >> 64); break; }
        case 'G': { __int128 x = va_arg(ap, __int128); s += (long)x * 7 + (long)(x >> 64); break; }
        case 'H': { _BitInt(128) x = va_arg(ap, _BitInt(128)); s += (long)x * 7 + (long)(x >> 64); break; }
        case 'I': { _BitInt(100) x = va_arg(ap, _BitInt(100)); s += (long)x * 7 + (long)(x >> 64); break; }
        case 'J': { three_floats x = va_arg(ap, three_floats); s += (long)(x.x + 2 * x.y + 4 * x.z); break; }
        case 'K': { mixed x = va_arg(ap, mixed); s += (long)x.d * 7 + x.l; break; }
        case 'L': s += (long)va_arg(ap, long double); break;
        case 'M': { wrapped_long x = va_arg(ap, wrapped_long); s += (long)x.l; break; }
        case 'N': { long_and_int x = va_arg(ap, long_and_int); s += (long)x.l * 7 + x.i; break; }
        case 'O': { _Complex double x = va_arg(ap, _Complex double); s += (long)__real__ x * 7 + (long)__imag__ x; break; }
        case 'P': { _Complex float x = va_arg(ap, _Complex float); s += (long)__real__ x * 7 + (long)__imag__ x; break; }
        case 'Q': { _Complex long double x = va_arg(ap, _Complex long double); s += (long)__real__ x * 7 + (long)__imag__ x; break; }
        case 'R': { four x = va_arg(ap, four); s += x[0] + x[3] * 5; break; }
        case 'S': s += *va_arg(ap, char *); break;
        }
    }
    return s;
}
long read_outside(const char *what, ...);
/* Named arguments that use up registers, and an odd number of words on the stack. */
long read_outside_late(int a, int b, int c, int d, int e, int f, long g, const char *what, ...);
long read_outside_odd(int a, int b, int c, int d, int e, int f, const char *what, ...);
