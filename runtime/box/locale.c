/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * strcoll in the box: strcmp while the thread collates as the C locale does, else a call out. What was
 * found out once (entry/collate.c) holds until the thread runs normal code again, where it could choose
 * another locale, or any thread calls setlocale, which glibc counts.
 */
#include "../entry/state.h"
#include "library.h"

int strcmp(const char *, const char *);

BOX int strcoll(const char *a, const char *b)
{
	const struct pb_collation *known = &__privbox_collation;

	if (known->plain && known->runs == __privbox_counters.entries + __privbox_counters.callouts &&
	    known->changes == _nl_msg_cat_cntr)
		return strcmp(a, b);
	return __privbox_collate(a, b);
}
