/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * libc's formatting, for formats that the box leaves to it (box/printf.c).
 */
#include "state.h"
#include <stdio.h>

int __privbox_vsnprintf(char *to, size_t size, const char *format, va_list ap)
{
	return vsnprintf(to, size, format, ap);
}

int __privbox_vsprintf(char *to, const char *format, va_list ap)
{
	return vsprintf(to, format, ap);
}
