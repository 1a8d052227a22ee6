/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * strcoll for the box, and whether strcmp would do until further notice (box/locale.c).
 */
#define _GNU_SOURCE
#include "state.h"
#include <locale.h>
#include <string.h>

int __privbox_collate(const char *a, const char *b)
{
	struct pb_collation now = {
		.runs = __privbox_counters.entries + __privbox_counters.callouts,
	};

	/* No counter, no notice of another thread's setlocale. A locale of the thread's own is not looked into. */
	if (&_nl_msg_cat_cntr && uselocale((locale_t)0) == LC_GLOBAL_LOCALE) {
		now.changes = _nl_msg_cat_cntr;
		const char *name = setlocale(LC_COLLATE, NULL);
		now.plain = name && (!strcmp(name, "C") || !strcmp(name, "POSIX"));
	}
	__privbox_collation = now;
	return strcoll(a, b);
}
