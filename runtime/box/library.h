/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The C half of the library in the box: compiled by the wrapper with -fprivbox-runtime, which keeps
 * only the clones. Names are listed in provided.txt.
 */
#ifndef PRIVBOX_LIBRARY_H
#define PRIVBOX_LIBRARY_H
#include <stddef.h>
#include <stdint.h>

/* A loop in strlen must not become a call of strlen. */
#define BOX __attribute__((no_builtin, visibility("default")))

typedef __int128 i128;
typedef unsigned __int128 u128;
#endif
