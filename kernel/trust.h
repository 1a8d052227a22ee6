/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The set of trusted digests, for main.c; what others need of it is in privbox.h.
 */
#ifndef PRIVBOX_TRUST_H
#define PRIVBOX_TRUST_H

#include "privbox.h"

unsigned long pb_trust_count(void);
int pb_trust_add(const u8 digest[PRIVBOX_DIGEST_SIZE]);		/* E2BIG, ENOMEM */
int pb_trust_remove(const u8 digest[PRIVBOX_DIGEST_SIZE]);	/* ENOENT */
/* Copies at most `room` digests; *n is how many there are. */
int pb_trust_list(void __user *to, u64 room, u64 *n);
void pb_trust_exit(void);

#endif
