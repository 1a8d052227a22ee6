/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Floating-point arithmetic that the compiler calls by itself: remainders, powers, complex
 * products, conversions of 128-bit integers. Complex quotients are called out: their last bits
 * depend on the library's algorithm.
 */
#include "library.h"

static inline uint64_t bits(double x)
{
	uint64_t u;
	__builtin_memcpy(&u, &x, 8);
	return u;
}
static inline double number(uint64_t u)
{
	double x;
	__builtin_memcpy(&x, &u, 8);
	return x;
}

#define FRACTION ((UINT64_C(1) << 52) - 1)
#define IMPLICIT (UINT64_C(1) << 52)
#define INFINITE (UINT64_C(0x7ff) << 52)

/* x modulo y for |x| >= |y| > 0, both finite; bits without sign. Exact: bit by bit. */
static inline uint64_t remainder_bits(uint64_t x, uint64_t y)
{
	int ex = (int)(x >> 52), ey = (int)(y >> 52);
	uint64_t mx = x & FRACTION, my = y & FRACTION;

	if (ex)
		mx |= IMPLICIT;
	else
		ex = 1;
	if (ey)
		my |= IMPLICIT;
	else
		ey = 1;
	/* Subnormal divisors are brought up, so that the loop has one form. */
	while (!(my & IMPLICIT)) {
		my <<= 1;
		ey--;
	}
	while (!(mx & IMPLICIT)) {
		mx <<= 1;
		ex--;
	}
	for (; ex > ey; ex--) {
		if (mx >= my)
			mx -= my;
		mx <<= 1;
	}
	if (mx >= my)
		mx -= my;
	if (!mx)
		return 0;
	while (!(mx & IMPLICIT)) {
		mx <<= 1;
		ex--;
	}
	if (ex > 0)
		return (mx & FRACTION) | (uint64_t)ex << 52;
	return mx >> (1 - ex);
}

static int *domain_error(void)
{
	extern int *__errno_location(void);

	return __errno_location();
}

BOX double fmod(double x, double y)
{
	uint64_t ux = bits(x), sign = ux & ~(UINT64_MAX >> 1), ax = ux ^ sign;
	uint64_t ay = bits(y) & (UINT64_MAX >> 1);

	if (ax > INFINITE || ay > INFINITE)
		return x + y;
	if (ax == INFINITE || !ay) {
		*domain_error() = 33;	/* EDOM */
		return (x * y) / (x * y);
	}
	if (ax < ay)
		return x;
	return number(remainder_bits(ax, ay) | sign);
}

/* Exact in double, and a float's remainder is a float. */
BOX float fmodf(float x, float y) { return (float)fmod(x, y); }

BOX double __powidf2(double x, int m)
{
	unsigned n = m < 0 ? -(unsigned)m : (unsigned)m;
	double y = n & 1 ? x : 1;

	while (n >>= 1) {
		x *= x;
		if (n & 1)
			y *= x;
	}
	return m < 0 ? 1 / y : y;
}

BOX float __powisf2(float x, int m)
{
	unsigned n = m < 0 ? -(unsigned)m : (unsigned)m;
	float y = n & 1 ? x : 1;

	while (n >>= 1) {
		x *= x;
		if (n & 1)
			y *= x;
	}
	return m < 0 ? 1 / y : y;
}

/* C17, annex G.5.1: a product of which both parts are NaN is repaired if it should be infinite. */
#define COMPLEX_PRODUCT(name, type)                                                                \
	BOX type _Complex name(type a, type b, type c, type d)                                     \
	{                                                                                          \
		type ac = a * c, bd = b * d, ad = a * d, bc = b * c;                               \
		type x = ac - bd, y = ad + bc;                                                     \
                                                                                                   \
		if (x != x && y != y) {                                                            \
			int again = 0;                                                             \
			if (__builtin_isinf(a) || __builtin_isinf(b)) {                            \
				a = (type)__builtin_copysign(__builtin_isinf(a) ? 1 : 0, a);       \
				b = (type)__builtin_copysign(__builtin_isinf(b) ? 1 : 0, b);       \
				c = c != c ? (type)__builtin_copysign(0, c) : c;                   \
				d = d != d ? (type)__builtin_copysign(0, d) : d;                   \
				again = 1;                                                         \
			}                                                                          \
			if (__builtin_isinf(c) || __builtin_isinf(d)) {                            \
				c = (type)__builtin_copysign(__builtin_isinf(c) ? 1 : 0, c);       \
				d = (type)__builtin_copysign(__builtin_isinf(d) ? 1 : 0, d);       \
				a = a != a ? (type)__builtin_copysign(0, a) : a;                   \
				b = b != b ? (type)__builtin_copysign(0, b) : b;                   \
				again = 1;                                                         \
			}                                                                          \
			if (!again && (__builtin_isinf(ac) || __builtin_isinf(bd) ||               \
				       __builtin_isinf(ad) || __builtin_isinf(bc))) {              \
				a = a != a ? (type)__builtin_copysign(0, a) : a;                   \
				b = b != b ? (type)__builtin_copysign(0, b) : b;                   \
				c = c != c ? (type)__builtin_copysign(0, c) : c;                   \
				d = d != d ? (type)__builtin_copysign(0, d) : d;                   \
				again = 1;                                                         \
			}                                                                          \
			if (again) {                                                               \
				x = (type)__builtin_inf() * (a * c - b * d);                       \
				y = (type)__builtin_inf() * (a * d + b * c);                       \
			}                                                                          \
		}                                                                                  \
		return __builtin_complex(x, y);                                                    \
	}
COMPLEX_PRODUCT(__muldc3, double)
COMPLEX_PRODUCT(__mulsc3, float)

/* 128-bit integers to floating point, rounded to nearest, ties to even: `digits` of the format. */
static inline uint64_t round_digits(u128 a, int digits, int *exponent)
{
	uint64_t high = (uint64_t)(a >> 64);
	int length = high ? 128 - __builtin_clzll(high) : 64 - __builtin_clzll((uint64_t)a);

	*exponent = 0;
	if (length <= digits)
		return (uint64_t)a;
	int shift = length - digits;
	u128 rest = a & (((u128)1 << shift) - 1), half = (u128)1 << (shift - 1);
	uint64_t m = (uint64_t)(a >> shift);
	m += rest > half || (rest == half && (m & 1));
	*exponent = shift;
	return m;
}

static inline double to_double(u128 a)
{
	int e;

	if (!a)
		return 0;
	double m = (double)(int64_t)round_digits(a, 53, &e);
	return m * number((uint64_t)(1023 + e) << 52);
}
static inline float to_float(u128 a)
{
	int e;

	if (!a)
		return 0;
	/* Exact in double; only the last step may overflow to infinity. */
	double m = (double)(int64_t)round_digits(a, 24, &e);
	return (float)(m * number((uint64_t)(1023 + e) << 52));
}
BOX double __floatuntidf(u128 a) { return to_double(a); }
BOX float __floatuntisf(u128 a) { return to_float(a); }
BOX double __floattidf(i128 a) { return a < 0 ? -to_double(-(u128)a) : to_double((u128)a); }
BOX float __floattisf(i128 a) { return a < 0 ? -to_float(-(u128)a) : to_float((u128)a); }

/* The whole part of |x| < 2^128. */
static inline u128 whole(double x)
{
	int e = (int)(bits(x) >> 52 & 0x7ff) - 1075;
	uint64_t m = (bits(x) & FRACTION) | IMPLICIT;

	if (e < -52)
		return 0;
	return e < 0 ? m >> -e : (u128)m << (e & 127);
}
static inline i128 to_signed(double x)
{
	u128 top = (u128)1 << 127;

	if (!(x < 0x1p127 && x > -0x1p127))
		return x > 0 ? (i128)(top - 1) : (i128)top;
	return x < 0 ? (i128)-whole(x) : (i128)whole(x);
}
static inline u128 to_unsigned(double x)
{
	if (!(x > 0))
		return 0;
	return x < 0x1p128 ? whole(x) : ~(u128)0;
}
BOX i128 __fixdfti(double x) { return to_signed(x); }
BOX i128 __fixsfti(float x) { return to_signed((double)x); }
BOX u128 __fixunsdfti(double x) { return to_unsigned(x); }
BOX u128 __fixunssfti(float x) { return to_unsigned((double)x); }
