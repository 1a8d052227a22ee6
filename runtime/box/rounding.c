/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * floor, ceil, trunc, rint, round and relatives of the box, for CPUs without SSE4.1's `roundsd`.
 * Results are exact, so they equal libm's.
 */
#include "library.h"

#define SIGN64 (UINT64_C(1) << 63)
#define SIGN32 (UINT32_C(1) << 31)

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
static inline uint32_t bitsf(float x)
{
	uint32_t u;
	__builtin_memcpy(&u, &x, 4);
	return u;
}
static inline float numberf(uint32_t u)
{
	float x;
	__builtin_memcpy(&x, &u, 4);
	return x;
}

static inline double toward_zero(double x)
{
	int e = (int)(bits(x) >> 52 & 0x7ff) - 1023;

	if (e >= 52)
		return e == 1024 ? x + x : x;	/* quiets a signalling NaN */
	if (e < 0)
		return number(bits(x) & SIGN64);
	return number(bits(x) & ~((UINT64_C(1) << (52 - e)) - 1));
}
static inline float toward_zerof(float x)
{
	int e = (int)(bitsf(x) >> 23 & 0xff) - 127;

	if (e >= 23)
		return e == 128 ? x + x : x;
	if (e < 0)
		return numberf(bitsf(x) & SIGN32);
	return numberf(bitsf(x) & ~((UINT32_C(1) << (23 - e)) - 1));
}

static inline double with_sign(double magnitude, double sign)
{
	return number((bits(magnitude) & ~SIGN64) | (bits(sign) & SIGN64));
}
static inline float with_signf(float magnitude, float sign)
{
	return numberf((bitsf(magnitude) & ~SIGN32) | (bitsf(sign) & SIGN32));
}

BOX double trunc(double x) { return toward_zero(x); }
BOX float truncf(float x) { return toward_zerof(x); }

BOX double floor(double x)
{
	double t = toward_zero(x);

	return t > x ? t - 1 : t;
}
BOX float floorf(float x)
{
	float t = toward_zerof(x);

	return t > x ? t - 1 : t;
}

BOX double ceil(double x)
{
	double t = toward_zero(x);

	return with_sign(t < x ? t + 1 : t, x);
}
BOX float ceilf(float x)
{
	float t = toward_zerof(x);

	return with_signf(t < x ? t + 1 : t, x);
}

/* In the current rounding mode: adding 2^52 leaves no bits behind the point. */
static inline double current(double x)
{
	const double big = 0x1p52;
	double a = number(bits(x) & ~SIGN64);

	if (!(a < big))
		return a != a ? x + x : x;
	return with_sign(bits(x) & SIGN64 ? -((-a - big) + big) : (a + big) - big, x);
}
static inline float currentf(float x)
{
	const float big = 0x1p23f;
	float a = numberf(bitsf(x) & ~SIGN32);

	if (!(a < big))
		return a != a ? x + x : x;
	return with_signf(bitsf(x) & SIGN32 ? -((-a - big) + big) : (a + big) - big, x);
}

BOX double rint(double x) { return current(x); }
BOX float rintf(float x) { return currentf(x); }
/* As rint: nothing in a box looks at the "inexact" flag that nearbyint must not raise. */
BOX double nearbyint(double x) { return current(x); }
BOX float nearbyintf(float x) { return currentf(x); }

BOX double round(double x)
{
	double t = toward_zero(x), away = number((bits(x) & SIGN64) | bits(1.0));
	double fraction = number(bits(x - t) & ~SIGN64);

	return with_sign(fraction >= 0.5 ? t + away : t, x);
}
BOX float roundf(float x)
{
	float t = toward_zerof(x), away = numberf((bitsf(x) & SIGN32) | bitsf(1.0f));
	float fraction = numberf(bitsf(x - t) & ~SIGN32);

	return with_signf(fraction >= 0.5f ? t + away : t, x);
}

BOX double roundeven(double x)
{
	double t = toward_zero(x), away = number((bits(x) & SIGN64) | bits(1.0));
	double fraction = number(bits(x - t) & ~SIGN64), half = t * 0.5;

	if (fraction > 0.5 || (fraction == 0.5 && toward_zero(half) != half))
		t += away;
	return with_sign(t, x);
}
BOX float roundevenf(float x)
{
	float t = toward_zerof(x), away = numberf((bitsf(x) & SIGN32) | bitsf(1.0f));
	float fraction = numberf(bitsf(x - t) & ~SIGN32), half = t * 0.5f;

	if (fraction > 0.5f || (fraction == 0.5f && toward_zerof(half) != half))
		t += away;
	return with_signf(t, x);
}

/* A quiet NaN loses against a number, a signalling one does not; of equal zeros the second is returned. */
static inline int signals(double a, double b)
{
	const uint64_t quiet = UINT64_C(1) << 51;

	return (a != a && !(bits(a) & quiet)) || (b != b && !(bits(b) & quiet));
}
static inline int signalsf(float a, float b)
{
	const uint32_t quiet = UINT32_C(1) << 22;

	return (a != a && !(bitsf(a) & quiet)) || (b != b && !(bitsf(b) & quiet));
}

#define EXTREME(name, type, how, signalling)                                                       \
	BOX type name(type a, type b)                                                              \
	{                                                                                          \
		if (a == a && b == b)                                                              \
			return a how b ? a : b;                                                    \
		if (signalling(a, b))                                                              \
			return a + b;                                                              \
		return a != a ? b : a;                                                             \
	}
EXTREME(fmin, double, <, signals)
EXTREME(fmax, double, >, signals)
EXTREME(fminf, float, <, signalsf)
EXTREME(fmaxf, float, >, signalsf)
