/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Between the files of kernel mode; "state.h" has what the rest of the runtime uses.
 */
#ifndef PRIVBOX_KERNEL_H
#define PRIVBOX_KERNEL_H
#include "state.h"
#include "../../kernel/privbox_uapi.h"

PB_HIDDEN const char *__privbox_kernel_describe(struct privbox_bind *bind);

#endif
