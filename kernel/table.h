/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PRIVBOX_TABLE_H
#define PRIVBOX_TABLE_H

#include "privbox.h"

/* Fills in mask, slots, user and n_pages of a process that has an image and a base. EINVAL: a clone is no function start. */
int pb_table_build(struct pb_process *process, u64 map, u64 n_map);
void pb_table_free(struct pb_process *process);

#endif
