/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Kernel mode: what the module has to be told of this executable (docs/kernel-abi.md, BIND).
 */
#define _GNU_SOURCE
#include "kernel.h"
#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE 4096

extern char __privbox_landing[] PB_HIDDEN;

struct found {
	uintptr_t bias;
	const ElfW(Phdr) *headers;
	size_t n;
};

/* The first object is the executable. */
static int executable(struct dl_phdr_info *info, size_t size, void *to)
{
	(void)size;
	*(struct found *)to = (struct found){ info->dlpi_addr, info->dlpi_phdr, info->dlpi_phnum };
	return 1;
}

/* The manifest (docs/image-format.md), or NULL. */
static const char *manifest(const struct found *exe)
{
	for (size_t i = 0; i < exe->n; i++) {
		const ElfW(Phdr) *h = &exe->headers[i];
		const char *at = (const char *)(exe->bias + h->p_vaddr), *end = at + h->p_memsz;

		if (h->p_type != PT_NOTE)
			continue;
		while ((size_t)(end - at) >= sizeof(ElfW(Nhdr))) {
			const ElfW(Nhdr) *n = (const void *)at;
			const char *name = at + sizeof *n, *data = name + ((n->n_namesz + 3) & ~3u);

			if (n->n_namesz == 8 && n->n_type == 1 && n->n_descsz == 168 && !memcmp(name, "Privbox", 8))
				return data;
			at = data + ((n->n_descsz + 3) & ~3u);
		}
	}
	return NULL;
}

static uint32_t word32(const char *at)
{
	uint32_t w;

	memcpy(&w, at, sizeof w);
	return w;
}

static uint64_t word64(const char *at)
{
	uint64_t w;

	memcpy(&w, at, sizeof w);
	return w;
}

static void sift(struct privbox_function *f, size_t at, size_t n)
{
	for (size_t child; (child = 2 * at + 1) < n; at = child) {
		if (child + 1 < n && f[child + 1].start > f[child].start)
			child++;
		if (f[at].start >= f[child].start)
			break;
		struct privbox_function moved = f[at];
		f[at] = f[child];
		f[child] = moved;
	}
}

/* In place, without malloc: this runs before the program's constructors. Linkers leave the table sorted mostly. */
static void sort(struct privbox_function *f, size_t n)
{
	size_t sorted = 1;

	while (sorted < n && f[sorted - 1].start <= f[sorted].start)
		sorted++;
	if (sorted >= n)
		return;
	for (size_t i = n / 2; i-- > 0;)
		sift(f, i, n);
	for (size_t last = n; last-- > 1;) {
		struct privbox_function moved = f[0];
		f[0] = f[last];
		f[last] = moved;
		sift(f, 0, last);
	}
}

/* Fills `bind`; its tables lie in pages of their own and stay. NULL, or why not. */
const char *__privbox_kernel_describe(struct privbox_bind *bind)
{
	struct found exe = { 0 };
	uintptr_t box = (uintptr_t)__privbox_box_start;

	dl_iterate_phdr(executable, &exe);
	const char *m = manifest(&exe);
	if (!m || !word64(m + 24))
		return "this executable has no manifest; link it with privbox-cc";
	uint64_t start = word64(m + 24);
	const char *table = (const char *)(exe.bias + word64(m + 72));
	size_t n = (word64(m + 80) - word64(m + 72)) / 8, maps = (size_t)(__privbox_map_end - __privbox_map_start) / 2;
	size_t bytes = n * sizeof(struct privbox_function) + exe.n * sizeof(struct privbox_segment) +
		maps * sizeof(struct privbox_map);
	struct privbox_function *functions = mmap(NULL, (bytes + PAGE - 1) & -PAGE, PROT_READ | PROT_WRITE,
						  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (functions == MAP_FAILED)
		return "no memory for the table of functions";
	for (size_t i = 0; i < n; i++, table += 8)
		functions[i] = (struct privbox_function){
			(uintptr_t)table + (uintptr_t)(intptr_t)(int32_t)word32(table) - box, word32(table + 4)
		};
	sort(functions, n);

	struct privbox_segment *segments = (struct privbox_segment *)(functions + n);
	size_t loads = 0;
	for (size_t i = 0; i < exe.n; i++)
		if (exe.headers[i].p_type == PT_LOAD)
			segments[loads++] = (struct privbox_segment){
				(int64_t)(exe.headers[i].p_vaddr - start), exe.headers[i].p_memsz,
				exe.headers[i].p_flags, 0
			};

	struct privbox_map *map = (struct privbox_map *)(segments + loads);
	size_t filled = 0;
	for (size_t i = 0; i < maps; i++)
		if (__privbox_map_start[2 * i] && __privbox_map_start[2 * i + 1])
			map[filled++] = (struct privbox_map){ __privbox_map_start[2 * i], __privbox_map_start[2 * i + 1] };

	intptr_t unsafe_sp;
	__asm__("movq $__privbox_unsafe_sp@tpoff, %0" : "=r"(unsafe_sp));
	*bind = (struct privbox_bind){
		.size = sizeof *bind,
		.abi = PRIVBOX_ABI,
		.manifest_version = word32(m),
		.gate_version = word32(m + 4),
		.level = word32(m + 8),
		.strength = word32(m + 12),
		.features = word64(m + 16),
		.base = box,
		.text_start = word64(m + 32) - start,
		.text_end = word64(m + 40) - start,
		.tables_start = word64(m + 48) - start,
		.tables_end = word64(m + 56) - start,
		.box_end = word64(m + 64) - start,
		.functions = (uintptr_t)functions,
		.n_functions = n,
		.segments = (uintptr_t)segments,
		.n_segments = loads,
		.landing = (uintptr_t)__privbox_landing,
		.unsafe_sp = unsafe_sp,
		.map = (uintptr_t)map,
		.n_map = filled,
	};
	return NULL;
}
