// Classes and bits of a long double: isinf and its like, signs, unions, values that live in x87 registers across calls.
// flags: -lm
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#define NOINLINE __attribute__((noinline))

union bits {
    long double value;
    struct {
        uint64_t mantissa;
        uint16_t top;
    } part;
    uint64_t words[2];
};

NOINLINE static long double make(uint16_t top, uint64_t mantissa) {
    union bits b;
    memset(&b, 0, sizeof(b));
    b.part.mantissa = mantissa;
    b.part.top = top;
    return b.value;
}

NOINLINE static unsigned classes(long double v) {
    return (unsigned)!!isinf(v) | (unsigned)!!isnan(v) << 1 | (unsigned)!!isfinite(v) << 2 | (unsigned)!!isnormal(v) << 3 |
           (unsigned)!!signbit(v) << 4 | (unsigned)(__builtin_isinf_sign(v) + 1) << 5;
}

// Every single class, and pairs that differ by the sign.
NOINLINE static unsigned each(long double v) {
    unsigned result = 0;
    result |= (unsigned)__builtin_isfpclass(v, 0x004) << 2;
    result |= (unsigned)__builtin_isfpclass(v, 0x008) << 3;
    result |= (unsigned)__builtin_isfpclass(v, 0x010) << 4;
    result |= (unsigned)__builtin_isfpclass(v, 0x020) << 5;
    result |= (unsigned)__builtin_isfpclass(v, 0x040) << 6;
    result |= (unsigned)__builtin_isfpclass(v, 0x080) << 7;
    result |= (unsigned)__builtin_isfpclass(v, 0x100) << 8;
    result |= (unsigned)__builtin_isfpclass(v, 0x200) << 9;
    result |= (unsigned)__builtin_isfpclass(v, 0x003) << 10;
    result |= (unsigned)__builtin_isfpclass(v, 0x090) << 11;
    result |= (unsigned)__builtin_isfpclass(v, 0x264) << 12;
    result |= (unsigned)__builtin_isfpclass(v, 0x1f8) << 13;
    return result;
}

NOINLINE static unsigned quiet(long double v) {
    return (unsigned)__builtin_isfpclass(v, 0x001) | (unsigned)__builtin_isfpclass(v, 0x002) << 1;
}

// glibc's macros compare the magnitude with infinity.
NOINLINE static unsigned compared(long double v) {
    long double a = fabsl(v);
    return (unsigned)(a == INFINITY) | (unsigned)(a != INFINITY) << 1 | (unsigned)(a < INFINITY) << 2 |
           (unsigned)!(a < INFINITY) << 3 | (unsigned)(a >= INFINITY) << 4 | (unsigned)!(a >= INFINITY) << 5 |
           (unsigned)__builtin_islessgreater(a, INFINITY) << 6 | (unsigned)!__builtin_islessgreater(a, INFINITY) << 7 |
           (unsigned)(v == -INFINITY) << 8;
}

static char text[64];
NOINLINE static int print_to(char *to, size_t size, long double v, int human) {
    char local[500];
    int n = human ? snprintf(local, sizeof(local), "%.17Lg", v) : snprintf(local, sizeof(local), "%.3Lf", v);
    if (n < (int)size) memcpy(to, local, (size_t)n + 1);
    return n;
}

// The value comes in memory, lives in a register, and one path calls with it.
NOINLINE static int lives(const int *which, long double v) {
    if (*which == 2) return print_to(text, sizeof(text), v, 1);
    char buffer[5 * 1024];
    int n = print_to(buffer, sizeof(buffer), v + 1, 0);
    memcpy(text, buffer, 20);
    return n;
}

NOINLINE static void words(long double v) {
    union bits b;
    memset(&b, 0, sizeof(b));
    b.value = v;
    printf("%016llx %04llx", (unsigned long long)b.words[0], (unsigned long long)b.words[1]);
}

int main(void) {
    static const struct {
        uint16_t top;
        uint64_t mantissa;
    } cases[] = {
        {0, 0},
        {0, 1},
        {0, 0x7fffffffffffffff},
        {1, 0x8000000000000000},
        {0x3fff, 0x8000000000000000},
        {0x7ffe, 0xffffffffffffffff},
        {0x7fff, 0x8000000000000000},
        {0x7fff, 0xc000000000000000},
        {0x7fff, 0xffffffffffffffff},
        // No numbers since the 80387: pseudo-denormal, unnormal, pseudo-infinity, pseudo-NaN.
        {0, 0x8000000000000000},
        {1, 0x4000000000000000},
        {0x7fff, 0},
        {0x7fff, 1},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (unsigned sign = 0; sign < 2; sign++) {
            long double v = make((uint16_t)(cases[i].top | sign << 15), cases[i].mantissa);
            printf("%u%c %02x %04x %u ", i, sign ? '-' : '+', classes(v), each(v), i < 9 ? quiet(v) : 9);
            if (i < 9) printf("%03x ", compared(v));
            words(v);
            printf("\n");
        }
    }
    for (int which = 1; which < 3; which++) {
        int n = lives(&which, 2.5L * which);
        printf("%d %s\n", n, text);
    }
    return 0;
}
