/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The default allocator of Rust programs with a box. libc's malloc is outside of it: every allocation would be a
 * call-out. This is mimalloc, compiled like the standard library into both halves, which share its state;
 * only the four functions below are visible (driver/src/rust/sysroot.rs).
 */
#include "src/static.c"

/* mimalloc aligns every block of at least 16 bytes to 16, and smaller ones to 8. */
static inline bool simple(size_t size, size_t align)
{
	return align <= 8 || (align <= 16 && size >= 16);
}

void *__privbox_rust_alloc(size_t size, size_t align)
{
	return simple(size, align) ? mi_malloc(size) : mi_malloc_aligned(size, align);
}

void *__privbox_rust_alloc_zeroed(size_t size, size_t align)
{
	return simple(size, align) ? mi_zalloc(size) : mi_zalloc_aligned(size, align);
}

void *__privbox_rust_realloc(void *block, size_t old, size_t align, size_t size)
{
	(void)old;
	return simple(size, align) ? mi_realloc(block, size) : mi_realloc_aligned(block, size, align);
}

void __privbox_rust_dealloc(void *block, size_t size, size_t align)
{
	(void)size;
	(void)align;
	mi_free(block);
}
