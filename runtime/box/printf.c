/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * snprintf and its relatives, as far as they depend on neither locale nor floating point: %d %i %u %x %X %o
 * %c %s %% with flags, widths, precisions and length modifiers. Whatever else a format holds, it is called
 * out as a whole, from the start; so are results that libc answers with an error.
 */
#define _GNU_SOURCE
#include "../entry/state.h"
#include "library.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Wider fields are libc's: sums stay small. */
#define WIDEST 4096

struct output {
	char *to;
	size_t room;	/* without the final zero */
	size_t length;	/* of everything, written or not */
};

struct field {
	unsigned left : 1, plus : 1, space : 1, alternative : 1, zeros : 1;
	int width;
	int precision;	/* -1: none */
};

static void put(struct output *out, const char *from, size_t n)
{
	if (out->length < out->room) {
		size_t fits = out->room - out->length;

		memcpy(out->to + out->length, from, n < fits ? n : fits);
	}
	out->length += n;
}

static void fill(struct output *out, char with, int n)
{
	if (n <= 0)
		return;
	if (out->length < out->room) {
		size_t fits = out->room - out->length;

		memset(out->to + out->length, with, (size_t)n < fits ? (size_t)n : fits);
	}
	out->length += (size_t)n;
}

/* A decimal number at *at, which moves behind it; -1 if it is too large. */
static int number(const char **at)
{
	int n = 0;

	for (; **at >= '0' && **at <= '9'; ++*at)
		if ((n = 10 * n + (**at - '0')) > WIDEST)
			return -1;
	return n;
}

static void text(struct output *out, const struct field *field, const char *s, size_t n)
{
	int pad = field->width > (int)n ? field->width - (int)n : 0;

	if (!field->left)
		fill(out, ' ', pad);
	put(out, s, n);
	if (field->left)
		fill(out, ' ', pad);
}

static void integer(struct output *out, const struct field *field, uint64_t value, char sign, char kind)
{
	char digits[24], prefix[2];
	char *at = digits + sizeof(digits);
	const char *names = kind == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	int length, zeros, before = 0, pad;
	uint64_t rest = value;

	switch (kind) {
	case 'x':
	case 'X':
		for (; rest; rest >>= 4)
			*--at = names[rest & 15];
		break;
	case 'o':
		for (; rest; rest >>= 3)
			*--at = (char)('0' + (rest & 7));
		break;
	default:
		for (; rest; rest /= 10)
			*--at = (char)('0' + rest % 10);
	}
	length = (int)(digits + sizeof(digits) - at);
	/* Zero has a digit unless the precision is zero. */
	zeros = (field->precision < 0 ? 1 : field->precision) - length;
	if (zeros < 0)
		zeros = 0;
	if (field->alternative && kind == 'o' && !zeros && (value || !field->precision))
		zeros = 1;
	if (sign)
		prefix[before++] = sign;
	if (field->alternative && value && (kind == 'x' || kind == 'X')) {
		prefix[before++] = '0';
		prefix[before++] = kind;
	}
	pad = field->width - before - zeros - length;
	if (field->zeros && !field->left && field->precision < 0 && pad > 0) {
		zeros += pad;
		pad = 0;
	}
	if (!field->left)
		fill(out, ' ', pad);
	put(out, prefix, (size_t)before);
	fill(out, '0', zeros);
	put(out, at, (size_t)length);
	if (field->left)
		fill(out, ' ', pad);
}

/* A 64-bit argument of the length that was named, extended. */
static int64_t extended(int64_t value, int bits, int is_signed)
{
	int shift = 64 - bits;

	return is_signed ? (int64_t)((uint64_t)value << shift) >> shift
			 : (int64_t)((uint64_t)value << shift >> shift);
}

/* One conversion behind its `%`; NULL if it is libc's. */
static const char *convert(struct output *out, const char *at, va_list ap)
{
	struct field field = { .precision = -1 };
	int bits = 32;

	for (;; at++) {
		if (*at == '-')
			field.left = 1;
		else if (*at == '+')
			field.plus = 1;
		else if (*at == ' ')
			field.space = 1;
		else if (*at == '#')
			field.alternative = 1;
		else if (*at == '0')
			field.zeros = 1;
		else
			break;
	}
	if (*at == '*') {
		field.width = va_arg(ap, int);
		if (field.width < -WIDEST || field.width > WIDEST)
			return NULL;
		if (field.width < 0) {
			field.left = 1;
			field.width = -field.width;
		}
		at++;
	} else if ((field.width = number(&at)) < 0) {
		return NULL;
	}
	if (*at == '.') {
		at++;
		if (*at == '*') {
			field.precision = va_arg(ap, int);
			if (field.precision > WIDEST)
				return NULL;
			if (field.precision < 0)
				field.precision = -1;
			at++;
		} else if ((field.precision = number(&at)) < 0) {
			return NULL;
		}
	}
	switch (*at) {
	case 'h':
		bits = 16;
		if (*++at == 'h') {
			bits = 8;
			at++;
		}
		break;
	case 'l':
		bits = 64;
		if (*++at == 'l')
			at++;
		break;
	case 'j':
	case 'z':
	case 't':
		bits = 64;
		at++;
		break;
	}
	switch (*at) {
	case 'd':
	case 'i': {
		int64_t value = bits == 64 ? va_arg(ap, int64_t) : extended(va_arg(ap, int), bits, 1);

		integer(out, &field, value < 0 ? -(uint64_t)value : (uint64_t)value,
			value < 0 ? '-' : field.plus ? '+' : field.space ? ' ' : 0, 'd');
		return at + 1;
	}
	case 'u':
	case 'x':
	case 'X':
	case 'o':
		integer(out, &field,
			bits == 64 ? va_arg(ap, uint64_t) : (uint64_t)extended(va_arg(ap, int), bits, 0), 0, *at);
		return at + 1;
	case 'c': {
		if (bits != 32 || field.zeros)
			return NULL;
		char c = (char)va_arg(ap, int);

		text(out, &field, &c, 1);
		return at + 1;
	}
	case 's': {
		if (bits != 32 || field.zeros)
			return NULL;
		const char *s = va_arg(ap, const char *);

		if (!s)
			return NULL;
		size_t n = field.precision < 0 ? strlen(s) : strnlen(s, (size_t)field.precision);
		if (n > INT_MAX)
			return NULL;
		text(out, &field, s, n);
		return at + 1;
	}
	}
	return NULL;
}

/* The length of the whole result; -1 if it is libc's. */
static int format_all(char *to, size_t size, const char *format, va_list ap)
{
	struct output out = { .to = to, .room = size ? size - 1 : 0 };
	const char *at = format;

	for (;;) {
		const char *next = strchrnul(at, '%');

		put(&out, at, (size_t)(next - at));
		if (!*next)
			break;
		if (next[1] == '%') {
			put(&out, next, 1);
			at = next + 2;
			continue;
		}
		at = convert(&out, next + 1, ap);
		if (!at || out.length > INT_MAX)
			return -1;
	}
	if (out.length > INT_MAX)
		return -1;
	if (size)
		to[out.length < size ? out.length : size - 1] = 0;
	return (int)out.length;
}

BOX int vsnprintf(char *restrict to, size_t size, const char *restrict format, va_list ap)
{
	va_list again;
	int length;

	va_copy(again, ap);
	length = size > INT_MAX ? -1 : format_all(to, size, format, again);
	va_end(again);
	return length < 0 ? __privbox_vsnprintf(to, size, format, ap) : length;
}

BOX int snprintf(char *restrict to, size_t size, const char *restrict format, ...)
{
	va_list ap;
	int length;

	va_start(ap, format);
	length = vsnprintf(to, size, format, ap);
	va_end(ap);
	return length;
}

BOX int vsprintf(char *restrict to, const char *restrict format, va_list ap)
{
	va_list again;
	int length;

	va_copy(again, ap);
	length = format_all(to, (size_t)INT_MAX + 1, format, again);
	va_end(again);
	return length < 0 ? __privbox_vsprintf(to, format, ap) : length;
}

BOX int sprintf(char *restrict to, const char *restrict format, ...)
{
	va_list ap;
	int length;

	va_start(ap, format);
	length = vsprintf(to, format, ap);
	va_end(ap);
	return length;
}
