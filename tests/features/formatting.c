// snprintf and its relatives, whose integers and strings stay in the box; strcoll before and after changes of locale.
#define _GNU_SOURCE
#include <limits.h>
#include <locale.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int through_list(char *to, size_t size, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(to, size, format, ap);
	va_end(ap);
	return n;
}

static int through_vsprintf(char *to, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsprintf(to, format, ap);
	va_end(ap);
	return n;
}

static void show(const char *what, int n, const char *text)
{
	printf("%s: %d [%s]\n", what, n, text);
}

static void formats(void)
{
	char to[200], small[6];

	show("plain", snprintf(to, sizeof to, "nothing"), to);
	show("ints", snprintf(to, sizeof to, "%d %i %u %x %X %o", INT_MIN, INT_MAX, UINT_MAX, 0xbeef, 0xBEEF, 8), to);
	show("long", snprintf(to, sizeof to, "%ld %lld %zu %jd %lx", LONG_MIN, LLONG_MAX, SIZE_MAX, (intmax_t)-1,
			      ULONG_MAX), to);
	show("short", snprintf(to, sizeof to, "%hd %hhd %hu %hhx", 70000, 300, 70000, 300), to);
	show("flags", snprintf(to, sizeof to, "%+d|% d|%05d|%-5d|%#x|%#o|%+05d|%#08x", 5, 5, -5, 5, 255, 8, 5, 255), to);
	show("precision", snprintf(to, sizeof to, "%.3d|%8.3d|%-8.3d|%.0d|%08.3d", 5, -5, 5, 0, 5), to);
	show("stars", snprintf(to, sizeof to, "%*d|%-*d|%*d|%.*d|%.*s", 6, 1, 6, 2, -6, 3, 4, 4, -1, "all"), to);
	show("strings", snprintf(to, sizeof to, "%s|%10s|%-10s|%.2s|%c%c%%", "a", "bc", "def", "ghij", 'k', 'l'), to);
	show("many", snprintf(to, sizeof to, "%d%d%d%d%d%d%d%d%d%s", 1, 2, 3, 4, 5, 6, 7, 8, 9, "ten"), to);
	show("cut", snprintf(small, sizeof small, "%s-%d", "abcdef", 12345), small);
	show("none", snprintf(NULL, 0, "%d %s", 123, "four"), "");
	show("floats", snprintf(to, sizeof to, "%d %.3f %g %s %Lg", 1, 2.5, 1e100, "x", (long double)0.125), to);
	show("rest", snprintf(to, sizeof to, "%2$s %1$d", 7, "seven"), to);
	show("pointer", snprintf(to, sizeof to, "%s %p", "null", NULL), to);
	show("wide field", snprintf(to, sizeof to, "%5000d", 1), "");
	show("sprintf", sprintf(to, "%s/%03u", "name", 7u), to);
	show("list", through_list(to, sizeof to, "%lu %s %c %.1f", 1ul << 40, "s", 'c', 0.5), to);
	show("vsprintf", through_vsprintf(to, "%x-%x", 0xabcu, 0xdefu), to);
}

static int sign(int x)
{
	return (x > 0) - (x < 0);
}

static void order(const char *when)
{
	static const char *const words[] = { "abc", "abd", "ABC", "Abc", "", "a-b", "ab", "\303\244", "z" };

	printf("%s:", when);
	for (size_t i = 0; i < 9; i++)
		for (size_t j = 0; j < 9; j++)
			printf("%d", 1 + sign(strcoll(words[i], words[j])));
	printf(" and");
	/* No call out between them. */
	int sum = 0;
	for (int round = 0; round < 3; round++)
		for (size_t i = 0; i < 9; i++)
			for (size_t j = 0; j < 9; j++)
				sum = (sum * 3 + 1 + sign(strcoll(words[i], words[j]))) % 1000003;
	printf(" %d\n", sum);
}

int main(void)
{
	formats();
	order("at first");
	/* Whichever of them the machine has. */
	printf("%d\n", setlocale(LC_COLLATE, "en_US.UTF-8") || setlocale(LC_ALL, "C.UTF-8"));
	order("after setlocale");
	setlocale(LC_ALL, "C");
	order("back");
	locale_t other = newlocale(LC_COLLATE_MASK, "en_US.UTF-8", (locale_t)0);
	if (!other)
		other = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	locale_t old = uselocale(other);
	order("the thread's own");
	uselocale(old);
	freelocale(other);
	order("the end");
	return 0;
}
