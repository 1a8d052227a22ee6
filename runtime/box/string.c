/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * String functions of the box. Those that depend on the locale are called out.
 * The hottest are in assembly: memory.S, scan.S. Pointers walk byte by byte, so the compiler masks the start only (contract, rule 6).
 */
#include "library.h"

void *memcpy(void *, const void *, size_t);
size_t strlen(const char *);
int memcmp(const void *, const void *, size_t);

BOX void *mempcpy(void *to, const void *from, size_t n)
{
	return (char *)memcpy(to, from, n) + n;
}

BOX void *__mempcpy(void *to, const void *from, size_t n)
{
	return (char *)memcpy(to, from, n) + n;
}

BOX void *memrchr(const void *s, int c, size_t n)
{
	const unsigned char *p = s;

	while (n--)
		if (p[n] == (unsigned char)c)
			return (void *)(p + n);
	return NULL;
}

BOX void *rawmemchr(const void *s, int c)
{
	const unsigned char *p = s;

	while (*p != (unsigned char)c)
		p++;
	return (void *)p;
}

BOX void *memccpy(void *restrict to, const void *restrict from, int c, size_t n)
{
	unsigned char *d = to;
	const unsigned char *s = from;

	for (; n; n--, s++)
		if ((*d++ = *s) == (unsigned char)c)
			return d;
	return NULL;
}

BOX void *memmem(const void *in, size_t n, const void *what, size_t m)
{
	const char *p = in;

	for (; n >= m; n--, p++)
		if (!memcmp(p, what, m))
			return (void *)p;
	return NULL;
}

BOX size_t strnlen(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && s[i])
		i++;
	return i;
}

BOX int strncmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++)
		if (!*a || *a != *b)
			return (unsigned char)*a - (unsigned char)*b;
	return 0;
}

BOX char *strrchr(const char *s, int c)
{
	const char *last = NULL;

	do
		if (*s == (char)c)
			last = s;
	while (*s++);
	return (char *)last;
}

BOX char *stpcpy(char *restrict to, const char *restrict from)
{
	size_t n = strlen(from);

	memcpy(to, from, n + 1);
	return to + n;
}

BOX char *strcpy(char *restrict to, const char *restrict from)
{
	return memcpy(to, from, strlen(from) + 1);
}

BOX char *stpncpy(char *restrict to, const char *restrict from, size_t n)
{
	for (; n && *from; n--)
		*to++ = *from++;
	for (char *rest = to; n; n--)
		*rest++ = 0;
	return to;
}

BOX char *strncpy(char *restrict to, const char *restrict from, size_t n)
{
	char *d = to;

	for (; n && *from; n--)
		*d++ = *from++;
	for (; n; n--)
		*d++ = 0;
	return to;
}

BOX char *strcat(char *restrict to, const char *restrict from)
{
	memcpy(to + strlen(to), from, strlen(from) + 1);
	return to;
}

BOX char *strncat(char *restrict to, const char *restrict from, size_t n)
{
	char *d = to + strlen(to);

	for (; n && *from; n--)
		*d++ = *from++;
	*d = 0;
	return to;
}

static inline int is_in(char c, const char *set)
{
	for (; *set; set++)
		if (*set == c)
			return 1;
	return 0;
}

BOX size_t strspn(const char *s, const char *set)
{
	size_t n = 0;

	while (s[n] && is_in(s[n], set))
		n++;
	return n;
}

BOX size_t strcspn(const char *s, const char *set)
{
	size_t n = 0;

	while (s[n] && !is_in(s[n], set))
		n++;
	return n;
}

BOX char *strpbrk(const char *s, const char *set)
{
	while (*s && !is_in(*s, set))
		s++;
	return *s ? (char *)s : NULL;
}

BOX char *strstr(const char *s, const char *what)
{
	for (;; s++) {
		size_t i = 0;

		while (what[i] && s[i] == what[i])
			i++;
		if (!what[i])
			return (char *)s;
		if (!s[i])
			return NULL;
	}
}
