/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The C half of the box library (its functions renamed box_NAME) against libc and the compiler's own
 * library, on random and on awkward values. Results must be equal to the bit, except in NaNs.
 */
#define _GNU_SOURCE
#include <complex.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef __int128 i128;
typedef unsigned __int128 u128;

#define OURS(type, name, ...)                                                                       \
	extern type name(__VA_ARGS__);                                                              \
	extern type box_##name(__VA_ARGS__)
/* In assembly: already under a name of its own. */
#define ASSEMBLY(type, name, ...)                                                                   \
	extern type name(__VA_ARGS__);                                                              \
	extern type box_##name(__VA_ARGS__) __asm__(#name ".privbox")
ASSEMBLY(void *, memchr, const void *, int, size_t);
ASSEMBLY(int, strcmp, const char *, const char *);
ASSEMBLY(char *, strchr, const char *, int);
ASSEMBLY(char *, strchrnul, const char *, int);
OURS(void *, memrchr, const void *, int, size_t);
OURS(void *, memmem, const void *, size_t, const void *, size_t);
OURS(void *, memccpy, void *, const void *, int, size_t);
OURS(int, strncmp, const char *, const char *, size_t);
OURS(char *, strrchr, const char *, int);
OURS(char *, strcpy, char *, const char *);
OURS(char *, stpcpy, char *, const char *);
OURS(char *, strncpy, char *, const char *, size_t);
OURS(char *, stpncpy, char *, const char *, size_t);
OURS(char *, strcat, char *, const char *);
OURS(char *, strncat, char *, const char *, size_t);
OURS(char *, strpbrk, const char *, const char *);
OURS(char *, strstr, const char *, const char *);
OURS(size_t, strspn, const char *, const char *);
OURS(size_t, strcspn, const char *, const char *);
OURS(size_t, strnlen, const char *, size_t);
OURS(int, snprintf, char *, size_t, const char *, ...);
OURS(int, sprintf, char *, const char *, ...);
OURS(u128, __udivti3, u128, u128);
OURS(u128, __umodti3, u128, u128);
OURS(i128, __divti3, i128, i128);
OURS(i128, __modti3, i128, i128);
extern i128 box___muloti4(i128, i128, int *), box___multi3(i128, i128);
OURS(double, floor, double);
OURS(double, ceil, double);
OURS(double, trunc, double);
OURS(double, rint, double);
OURS(double, nearbyint, double);
OURS(double, round, double);
OURS(double, roundeven, double);
OURS(float, floorf, float);
OURS(float, ceilf, float);
OURS(float, truncf, float);
OURS(float, rintf, float);
OURS(float, nearbyintf, float);
OURS(float, roundf, float);
OURS(float, roundevenf, float);
OURS(double, fmod, double, double);
OURS(float, fmodf, float, float);
OURS(double, fmin, double, double);
OURS(double, fmax, double, double);
OURS(float, fminf, float, float);
OURS(float, fmaxf, float, float);
OURS(double, __powidf2, double, int);
OURS(double _Complex, __muldc3, double, double, double, double);
OURS(float _Complex, __mulsc3, float, float, float, float);
OURS(double, __floattidf, i128);
OURS(float, __floattisf, i128);
OURS(double, __floatuntidf, u128);
OURS(float, __floatuntisf, u128);
OURS(i128, __fixdfti, double);
OURS(u128, __fixunsdfti, double);
OURS(i128, __fixsfti, float);
OURS(u128, __fixunssfti, float);

/* What the library calls, which is assembly in the box. */
void *box_memcpy(void *a, const void *b, size_t n) { return memcpy(a, b, n); }
size_t box_strlen(const char *s) { return strlen(s); }
int box_memcmp(const void *a, const void *b, size_t n) { return memcmp(a, b, n); }
int *box___errno_location(void) { return &errno; }
void *box_memset(void *to, int c, size_t n) { return memset(to, c, n); }
char *calls_strchrnul(const char *s, int c) __asm__("box_strchrnul");
char *calls_strchrnul(const char *s, int c) { return strchrnul(s, c); }
/* What it calls out. */
int box___privbox_vsnprintf(char *to, size_t n, const char *format, va_list ap) { return vsnprintf(to, n, format, ap); }
int box___privbox_vsprintf(char *to, const char *format, va_list ap) { return vsprintf(to, format, ap); }

static uint64_t state = 88172645463325252u;
static uint64_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static double some_double(void)
{
	static const double odd[] = { 0, -0.0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 1e308, -1e308, 5e-324,
		-5e-324, 1e-310, 0x1p52, 0x1p53, 0x1p52 + 0.5, 0.49999999999999994,
		4503599627370495.5, INFINITY, -INFINITY, NAN, 0x1p127, -0x1p127, 0x1p128, 0x1p63 };
	uint64_t u = next(), e = 1013 + next() % 140;
	double d;

	if (next() % 4 == 0)
		return odd[next() % (sizeof odd / sizeof *odd)];
	if (next() % 2)
		u = (u & ~(UINT64_C(0x7ff) << 52)) | e << 52;
	memcpy(&d, &u, 8);
	return d;
}

static float some_float(void)
{
	uint32_t u = (uint32_t)next(), e = 123 + (uint32_t)(next() % 40);
	float f;

	if (next() % 4 == 0)
		return (float)some_double();
	if (next() % 2)
		u = (u & ~(UINT32_C(0xff) << 23)) | e << 23;
	memcpy(&f, &u, 4);
	return f;
}

static u128 some_wide(void)
{
	u128 a = ((u128)next() << 64 | next()) >> next() % 128;

	if (next() % 16 == 0)
		a = (u128)1 << next() % 128;
	return next() % 8 ? a : ~a;
}

static void some_string(char *to, unsigned limit)
{
	unsigned n = next() % limit;

	for (unsigned i = 0; i < n; i++)
		to[i] = "abc\xff"[next() % 4];
	to[n] = 0;
}

static int failures;
static void check(int ok, const char *what)
{
	if (!ok && failures++ < 20)
		printf("differs: %s\n", what);
}
static int same(double a, double b) { return (a != a && b != b) || !memcmp(&a, &b, 8); }
static int samef(float a, float b) { return (a != a && b != b) || !memcmp(&a, &b, 4); }
static int sign(int x) { return (x > 0) - (x < 0); }

#define SAME(name, ...) check(same(name(__VA_ARGS__), box_##name(__VA_ARGS__)), #name)
#define SAMEF(name, ...) check(samef(name(__VA_ARGS__), box_##name(__VA_ARGS__)), #name)
#define EQUAL(name, ...) check(name(__VA_ARGS__) == box_##name(__VA_ARGS__), #name)

static void rounding(double x, float f, double y, float g)
{
	SAME(floor, x);
	SAME(ceil, x);
	SAME(trunc, x);
	SAME(rint, x);
	SAME(nearbyint, x);
	SAME(round, x);
	SAME(roundeven, x);
	SAMEF(floorf, f);
	SAMEF(ceilf, f);
	SAMEF(truncf, f);
	SAMEF(rintf, f);
	SAMEF(nearbyintf, f);
	SAMEF(roundf, f);
	SAMEF(roundevenf, f);
	SAME(fmin, x, y);
	SAME(fmax, x, y);
	SAMEF(fminf, f, g);
	SAMEF(fmaxf, f, g);
	SAME(fmod, x, y);
	SAMEF(fmodf, f, g);
}

static void products(double x, double y, float f, float g)
{
	double a = some_double(), b = some_double();
	float c = some_float(), d = some_float();
	double _Complex p = __muldc3(x, y, a, b), q = box___muldc3(x, y, a, b);
	float _Complex r = __mulsc3(f, g, c, d), s = box___mulsc3(f, g, c, d);

	check(same(creal(p), creal(q)) && same(cimag(p), cimag(q)), "__muldc3");
	check(samef(crealf(r), crealf(s)) && samef(cimagf(r), cimagf(s)), "__mulsc3");
	int power = (int)(next() % 50) - 25;
	SAME(__powidf2, x, power);
}

static void wide(double x, float f)
{
	u128 u = some_wide(), v = some_wide();
	i128 product;
	int overflow = __builtin_mul_overflow((i128)u, (i128)v, &product), is = 0;

	check(box___muloti4((i128)u, (i128)v, &is) == product && is == overflow, "__muloti4");
	check(box___multi3((i128)u, (i128)v) == product, "__multi3");
	if (v) {
		EQUAL(__udivti3, u, v);
		EQUAL(__umodti3, u, v);
		if ((i128)v != -1) {
			EQUAL(__divti3, (i128)u, (i128)v);
			EQUAL(__modti3, (i128)u, (i128)v);
		}
	}
	SAME(__floattidf, (i128)u);
	SAME(__floatuntidf, u);
	SAMEF(__floattisf, (i128)u);
	SAMEF(__floatuntisf, u);
	if (fabs(x) < 0x1p127)
		EQUAL(__fixdfti, x);
	if (x >= 0 && x < 0x1p128)
		EQUAL(__fixunsdfti, x);
	if (fabsf(f) < 0x1p127f)
		EQUAL(__fixsfti, f);
	if (f >= 0 && f < INFINITY)
		EQUAL(__fixunssfti, f);
}

static void strings(void)
{
	char a[64], b[64], ours[200], theirs[200];
	size_t n = next() % 24;
	int c = "abc\xff\0"[next() % 5];

	some_string(a, 20);
	some_string(b, 5);
	check(sign(strcmp(a, b)) == sign(box_strcmp(a, b)), "strcmp");
	check(sign(strncmp(a, b, n)) == sign(box_strncmp(a, b, n)), "strncmp");
	EQUAL(strchr, a, c);
	EQUAL(strrchr, a, c);
	EQUAL(strchrnul, a, c);
	EQUAL(memchr, a, c, 20);
	EQUAL(memrchr, a, c, 20);
	EQUAL(strspn, a, b);
	EQUAL(strcspn, a, b);
	EQUAL(strpbrk, a, b);
	EQUAL(strstr, a, b);
	EQUAL(memmem, a, 20, b, strlen(b));
	EQUAL(strnlen, a, n);
	memset(ours, 7, sizeof ours);
	memset(theirs, 7, sizeof theirs);
	strcpy(theirs, a);
	strcat(theirs, b);
	strncat(theirs, a, n);
	box_strcpy(ours, a);
	box_strcat(ours, b);
	box_strncat(ours, a, n);
	strncpy(theirs + 80, a, n);
	box_strncpy(ours + 80, a, n);
	check(stpncpy(theirs + 110, b, n) - theirs == box_stpncpy(ours + 110, b, n) - ours, "stpncpy");
	check(stpcpy(theirs + 140, a) - theirs == box_stpcpy(ours + 140, a) - ours, "stpcpy");
	char *t = memccpy(theirs + 170, a, c, 20), *o = box_memccpy(ours + 170, a, c, 20);
	check((t ? t - theirs : 0) == (o ? o - ours : 0), "memccpy");
	check(!memcmp(ours, theirs, sizeof ours), "strings written");
}

/* What reads 16 bytes at a time, where the strings end with their page. */
static void at_page_end(char *pages, size_t page)
{
	char a[100], b[100];
	size_t n, m, part;

	some_string(a, 90);
	memcpy(b, a, sizeof b);
	n = strlen(a);
	if (n && next() % 4)
		b[next() % n] = "abc\xff\0"[next() % 5];
	m = strlen(b);
	/* One on the left side of the page that is missing, at its end or shortly before, the other anywhere. */
	char *x = pages + page - n - 1 - (next() % 4 ? 0 : next() % 40);
	char *y = pages + 2 * page + (next() % 2 ? page - m - 1 : next() % (page - 100));
	int c = "abc\xff\0"[next() % 5];

	part = next() % (n + 2);
	memcpy(x, a, n + 1);
	memcpy(y, b, m + 1);
	check(sign(strcmp(x, y)) == sign(box_strcmp(x, y)), "strcmp at a page's end");
	check(sign(strcmp(y, x)) == sign(box_strcmp(y, x)), "strcmp at a page's end");
	EQUAL(strchr, x, c);
	EQUAL(strchrnul, x, c);
	EQUAL(memchr, x, c, n + 1);
	EQUAL(memchr, x, c, part);
	EQUAL(memchr, x, 0, SIZE_MAX);
	EQUAL(strchr, y, c);
	EQUAL(memchr, y, c, m + 1);
}

/* Formats of box_snprintf's own and of libc's, mixed. */
static void formats(void)
{
	static const char *const lengths[] = { "", "", "hh", "h", "l", "ll", "j", "z", "t", "L", "q" };
	char format[200], ours[300], theirs[300], word[40];
	size_t at = 0, size = next() % 3 ? sizeof ours : next() % 60;
	uint64_t values[6];
	int parts = 1 + (int)(next() % 3);

	some_string(word, 30);
	for (int i = 0; i < 6; i++)
		values[i] = next() >> next() % 64;
	for (int part = 0; part < parts; part++) {
		at += (size_t)sprintf(format + at, "%.*s%%", (int)(next() % 4), "<a>");
		for (int flags = next() % 4; flags > 0; flags--)
			format[at++] = "-+ #0'"[next() % 50 ? next() % 5 : 5];
		if (next() % 3 == 0)
			at += (size_t)sprintf(format + at, "%d", (int)(next() % 30));
		if (next() % 3 == 0)
			at += (size_t)sprintf(format + at, next() % 3 ? ".%d" : ".", (int)(next() % 30));
		at += (size_t)sprintf(format + at, "%s", lengths[next() % 11]);
		format[at++] = "diuxXodiuxXocp%"[next() % 15];
	}
	format[at] = 0;
	memset(ours, 7, sizeof ours);
	memset(theirs, 7, sizeof theirs);
	int t = snprintf(theirs, size, format, values[0], values[1], values[2]);
	int o = box_snprintf(ours, size, format, values[0], values[1], values[2]);
	check(t == o && !memcmp(ours, theirs, sizeof ours), format);

	int width = (int)(next() % 60) - 30, precision = (int)(next() % 40) - 5;
	t = snprintf(theirs, size, "%*s|%-7.*s|%.3s|%*.*d|%c%%", width, word, precision, word, word, width, precision,
		     (int)values[3], (int)values[4]);
	o = box_snprintf(ours, size, "%*s|%-7.*s|%.3s|%*.*d|%c%%", width, word, precision, word, word, width,
			 precision, (int)values[3], (int)values[4]);
	check(t == o && !memcmp(ours, theirs, sizeof ours), "strings in snprintf");
	t = sprintf(theirs, "%s %.3f %u", word, 1.5, (unsigned)values[5]);
	o = box_sprintf(ours, "%s %.3f %u", word, 1.5, (unsigned)values[5]);
	check(t == o && !strcmp(ours, theirs), "sprintf with a number for libc");
}

int main(void)
{
	/* One page, one that is not there, one page. */
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED || mprotect(pages + page, page, PROT_NONE) || mprotect(pages + 3 * page, page, PROT_NONE))
		return 2;
	for (int i = 0; i < 500000; i++) {
		double x = some_double(), y = some_double();
		float f = some_float(), g = some_float();

		rounding(x, f, y, g);
		products(x, y, f, g);
		wide(x, f);
		strings();
		at_page_end(pages, page);
		formats();
	}
	printf("%d differences\n", failures);
	return failures != 0;
}
