/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Integer functions that the compiler calls by itself.
 */
#include "library.h"

/* (high:low) / by, where high < by: schoolbook, two digits of 32 bits. */
static inline uint64_t divide_2by1(uint64_t high, uint64_t low, uint64_t by, uint64_t *rest)
{
	int shift = __builtin_clzll(by);
	uint64_t quotient = 0;

	by <<= shift;
	if (shift)
		high = high << shift | low >> (64 - shift);
	low <<= shift;
	uint64_t top = by >> 32, bottom = by & UINT32_MAX;
	for (int digit = 1; digit >= 0; digit--) {
		uint64_t next = digit ? low >> 32 : low & UINT32_MAX;
		uint64_t q = high / top, r = high % top;

		while (q >> 32 || q * bottom > (r << 32 | next)) {
			q--;
			r += top;
			if (r >> 32)
				break;
		}
		high = (high << 32 | next) - q * by;
		quotient = quotient << 32 | q;
	}
	*rest = high >> shift;
	return quotient;
}

static inline u128 divide(u128 a, u128 b, u128 *rest)
{
	uint64_t a1 = (uint64_t)(a >> 64), a0 = (uint64_t)a;
	uint64_t b1 = (uint64_t)(b >> 64), b0 = (uint64_t)b;
	uint64_t r;

	if (b > a) {
		*rest = a;
		return 0;
	}
	if (!b1) {
		if (!b0)
			__builtin_trap();
		uint64_t high = a1 / b0;
		uint64_t low = divide_2by1(a1 % b0, a0, b0, &r);
		*rest = r;
		return (u128)high << 64 | low;
	}
	/* At most 64 bits: one bit at a time. */
	int shift = __builtin_clzll(b1) - __builtin_clzll(a1);
	uint64_t quotient = 0;
	b <<= shift;
	for (; shift >= 0; shift--, b >>= 1) {
		quotient <<= 1;
		if (a >= b) {
			a -= b;
			quotient |= 1;
		}
	}
	*rest = a;
	return quotient;
}

BOX u128 __udivti3(u128 a, u128 b)
{
	u128 rest;

	return divide(a, b, &rest);
}

BOX u128 __umodti3(u128 a, u128 b)
{
	u128 rest;

	divide(a, b, &rest);
	return rest;
}

BOX u128 __udivmodti4(u128 a, u128 b, u128 *rest)
{
	u128 r, q = divide(a, b, &r);

	if (rest)
		*rest = r;
	return q;
}

static inline u128 magnitude(i128 a)
{
	return a < 0 ? -(u128)a : (u128)a;
}

BOX i128 __divti3(i128 a, i128 b)
{
	u128 rest, q = divide(magnitude(a), magnitude(b), &rest);

	return (i128)((a ^ b) < 0 ? -q : q);
}

BOX i128 __modti3(i128 a, i128 b)
{
	u128 rest;

	divide(magnitude(a), magnitude(b), &rest);
	return (i128)(a < 0 ? -rest : rest);
}

BOX i128 __divmodti4(i128 a, i128 b, i128 *to)
{
	u128 rest, q = divide(magnitude(a), magnitude(b), &rest);

	*to = (i128)(a < 0 ? -rest : rest);
	return (i128)((a ^ b) < 0 ? -q : q);
}

BOX i128 __multi3(i128 a, i128 b)
{
	uint64_t al = (uint64_t)a, ah = (uint64_t)(a >> 64), bl = (uint64_t)b, bh = (uint64_t)(b >> 64);

	return (i128)((u128)al * bl + ((u128)(al * bh + ah * bl) << 64));
}

BOX i128 __muloti4(i128 a, i128 b, int *overflow)
{
	i128 r = (i128)((u128)a * (u128)b);
	i128 lowest = (i128)((u128)1 << 127);

	*overflow = 0;
	if (a == 0 || b == 0)
		return r;
	if ((a == -1 && b == lowest) || (b == -1 && a == lowest)) {
		*overflow = 1;
		return r;
	}
	u128 rest, q = divide(magnitude(r), magnitude(b), &rest);
	*overflow = rest != 0 || q != magnitude(a) || ((r < 0) != ((a < 0) != (b < 0)));
	return r;
}

BOX int64_t __mulodi4(int64_t a, int64_t b, int *overflow)
{
	int64_t r;

	*overflow = __builtin_mul_overflow(a, b, &r);
	return r;
}

BOX int32_t __mulosi4(int32_t a, int32_t b, int *overflow)
{
	int32_t r;

	*overflow = __builtin_mul_overflow(a, b, &r);
	return r;
}

BOX int __popcountdi2(uint64_t a) { return __builtin_popcountll(a); }
BOX int __popcountsi2(uint32_t a) { return __builtin_popcount(a); }
BOX int __popcountti2(u128 a)
{
	return __builtin_popcountll((uint64_t)a) + __builtin_popcountll((uint64_t)(a >> 64));
}
BOX int __paritydi2(uint64_t a) { return __builtin_parityll(a); }
BOX int __paritysi2(uint32_t a) { return __builtin_parity(a); }
BOX int __parityti2(u128 a) { return __builtin_parityll((uint64_t)a ^ (uint64_t)(a >> 64)); }
BOX int __clzdi2(uint64_t a) { return __builtin_clzll(a); }
BOX int __clzsi2(uint32_t a) { return __builtin_clz(a); }
BOX int __clzti2(u128 a)
{
	uint64_t high = (uint64_t)(a >> 64);

	return high ? __builtin_clzll(high) : 64 + __builtin_clzll((uint64_t)a);
}
BOX int __ctzdi2(uint64_t a) { return __builtin_ctzll(a); }
BOX int __ctzsi2(uint32_t a) { return __builtin_ctz(a); }
BOX int __ctzti2(u128 a)
{
	uint64_t low = (uint64_t)a;

	return low ? __builtin_ctzll(low) : 64 + __builtin_ctzll((uint64_t)(a >> 64));
}
BOX int __ffsdi2(uint64_t a) { return a ? __builtin_ctzll(a) + 1 : 0; }
BOX int __ffsti2(u128 a)
{
	uint64_t low = (uint64_t)a, high = (uint64_t)(a >> 64);

	return low ? __builtin_ctzll(low) + 1 : high ? __builtin_ctzll(high) + 65 : 0;
}
BOX uint64_t __bswapdi2(uint64_t a) { return __builtin_bswap64(a); }
BOX uint32_t __bswapsi2(uint32_t a) { return __builtin_bswap32(a); }
