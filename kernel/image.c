// SPDX-License-Identifier: GPL-2.0
/*
 * The verified bytes. Text and tables are copied out of the process, the copy is hashed as docs/image-format.md says,
 * and only if the digest is trusted the copy may run: nobody can write to it any more. Processes with the
 * same digest share one copy. The gate's bytes are the module's own (contract, rule 15).
 */
#include <linux/bsearch.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <crypto/sha2.h>
#include <asm/cpufeature.h>
#include <asm/text-patching.h>

#include "privbox.h"

#define CONTEXT "privbox-image-1"
#define MAX_TEXT (256UL << 20)
#define MAX_FUNCTIONS (1UL << 22)
#define MAX_SEGMENTS 1024UL
#define FLAGS_R 4
#define FLAGS_X 1
#define FLAGS_ALL 7

enum { LEVEL_MASK, LEVEL_PKS, LEVEL_SPAP };
enum { STRENGTH_ARCHITECTURAL, STRENGTH_TRANSIENT };

static LIST_HEAD(images);
static DEFINE_MUTEX(lock);
static struct page *gate_pages[PB_GATE_PAGES];

/* By bit of the manifest's set. The same numbers as in the verifier's features.rs. */
static const u16 cpu_features[] = {
	X86_FEATURE_XMM3, X86_FEATURE_SSSE3, X86_FEATURE_XMM4_1, X86_FEATURE_XMM4_2, X86_FEATURE_POPCNT,
	X86_FEATURE_AES, X86_FEATURE_PCLMULQDQ, X86_FEATURE_AVX, X86_FEATURE_F16C, X86_FEATURE_FMA,
	X86_FEATURE_AVX2, X86_FEATURE_BMI1, X86_FEATURE_BMI2, X86_FEATURE_ABM, X86_FEATURE_MOVBE,
	X86_FEATURE_ADX, X86_FEATURE_RDTSCP, X86_FEATURE_CX16, X86_FEATURE_SHA_NI, X86_FEATURE_RDRAND,
	X86_FEATURE_RDSEED, X86_FEATURE_CLFLUSHOPT, X86_FEATURE_CLWB, X86_FEATURE_3DNOWPREFETCH,
	X86_FEATURE_GFNI, X86_FEATURE_VAES, X86_FEATURE_VPCLMULQDQ,
};

/* A BIND in progress. */
struct reading {
	const struct privbox_bind *bind;
	struct pb_image *image;
	struct sha256_state hash;
};

static void hash_u32(struct reading *reading, u32 number)
{
	__le32 bytes = cpu_to_le32(number);

	sha256_update(&reading->hash, (const u8 *)&bytes, sizeof(bytes));
}

static void hash_u64(struct reading *reading, u64 number)
{
	__le64 bytes = cpu_to_le64(number);

	sha256_update(&reading->hash, (const u8 *)&bytes, sizeof(bytes));
}

/* What level, strength and features need of machine and administrator. */
static int check_wanted(const struct privbox_bind *bind)
{
	u64 flags = pb_cpu_flags();
	unsigned int i;

	if (bind->manifest_version != PB_MANIFEST_VERSION || bind->gate_version != PB_GATE_VERSION)
		return -EPROTO;
	if (bind->level > LEVEL_SPAP || bind->strength > STRENGTH_TRANSIENT ||
	    bind->features >> ARRAY_SIZE(cpu_features))
		return -EINVAL;
	if (bind->level == LEVEL_PKS || (bind->level == LEVEL_SPAP && !(flags & PRIVBOX_INFO_ALLOW_SPAP)))
		return -EOPNOTSUPP;
	if (bind->strength != STRENGTH_TRANSIENT && (flags & PRIVBOX_INFO_TRANSIENT))
		return -EOPNOTSUPP;
	/* Contract, rule 3: without BMI1, tzcnt runs as bsf, and the proof is about another instruction. */
	for (i = 0; i < ARRAY_SIZE(cpu_features); i++)
		if (bind->features & BIT_ULL(i) && !boot_cpu_has(cpu_features[i]))
			return -EOPNOTSUPP;
	return 0;
}

static int check_layout(const struct privbox_bind *bind)
{
	if (bind->box_end > PB_GATE_SIZE + MAX_TEXT || bind->n_functions > MAX_FUNCTIONS ||
	    bind->n_segments > MAX_SEGMENTS)
		return -E2BIG;
	if (bind->base & ~PAGE_MASK || bind->box_end & ~PAGE_MASK || bind->text_start != PB_GATE_SIZE ||
	    bind->text_end < bind->text_start || bind->tables_start < bind->text_end ||
	    bind->tables_end < bind->tables_start || bind->box_end < bind->tables_end ||
	    bind->box_end == PB_GATE_SIZE || !bind->n_functions || !bind->n_segments)
		return -EINVAL;
	return 0;
}

/* Copied as a whole first: another thread may be writing to it. In pieces: it may be 64 MiB. */
static void *copy_array(u64 from, u64 n, size_t size)
{
	size_t left = n * size, piece;
	void *array = kvmalloc_array(n, size, GFP_KERNEL_ACCOUNT);
	char *to = array;

	if (!array)
		return ERR_PTR(-ENOMEM);
	for (; left; left -= piece, from += piece, to += piece) {
		int error = 0;

		piece = min_t(size_t, left, SZ_1M);
		if (copy_from_user(to, u64_to_user_ptr(from), piece))
			error = -EFAULT;
		else if (fatal_signal_pending(current))
			error = -EINTR;
		if (error) {
			kvfree(array);
			return ERR_PTR(error);
		}
		cond_resched();
	}
	return array;
}

static int read_functions(struct reading *reading)
{
	const struct privbox_bind *bind = reading->bind;
	struct pb_image *image = reading->image;
	struct privbox_function *functions;
	u64 behind = bind->text_start;
	int error = -EINVAL;
	u32 i;

	image->starts = kvmalloc_array(bind->n_functions, sizeof(*image->starts), GFP_KERNEL_ACCOUNT);
	if (!image->starts)
		return -ENOMEM;
	functions = copy_array(bind->functions, bind->n_functions, sizeof(*functions));
	if (IS_ERR(functions))
		return PTR_ERR(functions);
	hash_u64(reading, bind->n_functions);
	for (i = 0; i < bind->n_functions; i++) {
		const struct privbox_function *f = &functions[i];

		/* Contract, rule 1. `behind` is at most text_end, so that nothing wraps. */
		if (f->start < behind || f->start >= bind->text_end || f->start % 16 || !f->size ||
		    f->size > bind->text_end - f->start)
			goto out;
		behind = f->start + f->size;
		hash_u64(reading, f->start);
		hash_u64(reading, f->size);
		image->starts[i] = f->start;
		if (i % 4096 == 0)
			cond_resched();
	}
	image->n_starts = bind->n_functions;
	error = 0;
out:
	kvfree(functions);
	return error;
}

/*
 * Contract, rule 8: with the base, all segments lie in [64 KiB, 2^47 - 4096), so that what is relative to RIP
 * cannot reach the kernel; one of them is the box.
 */
static int read_segments(struct reading *reading)
{
	const struct privbox_bind *bind = reading->bind;
	struct privbox_segment *segments;
	bool box = false;
	s64 behind = S64_MIN;
	int error;
	u32 i;

	segments = copy_array(bind->segments, bind->n_segments, sizeof(*segments));
	if (IS_ERR(segments))
		return PTR_ERR(segments);
	hash_u64(reading, bind->n_segments);
	for (i = 0; i < bind->n_segments; i++) {
		const struct privbox_segment *s = &segments[i];
		u64 start = bind->base + s->start;

		error = -EADDRNOTAVAIL;
		if (start < PB_LOWEST || start >= PB_HIGHEST || s->size > PB_HIGHEST - start)
			goto out;
		/* The distance from the base must be the true one. */
		if (s->start < 0 ? start >= bind->base : start < bind->base)
			goto out;
		error = -EINVAL;
		if (s->start < behind || s->flags & ~FLAGS_ALL || s->reserved)
			goto out;
		if (!s->start) {
			if (s->size != bind->box_end || s->flags != (FLAGS_R | FLAGS_X))
				goto out;
			box = true;
		}
		behind = s->start + (s64)s->size;
		hash_u64(reading, s->start);
		hash_u64(reading, s->size);
		hash_u32(reading, s->flags);
	}
	error = box ? 0 : -EINVAL;
out:
	kvfree(segments);
	return error;
}

static int read_text(struct reading *reading)
{
	struct pb_image *image = reading->image;
	u64 from = reading->bind->base + PB_GATE_SIZE;
	unsigned long n = (image->size - PB_GATE_SIZE) >> PAGE_SHIFT;
	unsigned long i;

	/* access_ok() of copy_from_user() keeps this in the low half: the box segment's span was checked. */
	image->pages = kvcalloc(n, sizeof(*image->pages), GFP_KERNEL_ACCOUNT);
	if (!image->pages)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		struct page *page = alloc_page(GFP_KERNEL_ACCOUNT);

		if (!page)
			return -ENOMEM;
		image->pages[i] = page;
		if (copy_from_user(page_address(page), u64_to_user_ptr(from + i * PAGE_SIZE), PAGE_SIZE))
			return -EFAULT;
		sha256_update(&reading->hash, page_address(page), PAGE_SIZE);
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

/* The byte string of docs/image-format.md, in its order. */
static int read_image(struct reading *reading)
{
	const struct privbox_bind *bind = reading->bind;
	int error;

	sha256_init(&reading->hash);
	sha256_update(&reading->hash, CONTEXT, sizeof(CONTEXT) - 1);
	hash_u32(reading, bind->manifest_version);
	hash_u32(reading, bind->gate_version);
	hash_u32(reading, bind->level);
	hash_u32(reading, bind->strength);
	hash_u64(reading, bind->features);
	hash_u64(reading, bind->text_start);
	hash_u64(reading, bind->text_end);
	hash_u64(reading, bind->tables_start);
	hash_u64(reading, bind->tables_end);
	hash_u64(reading, bind->box_end);
	error = read_functions(reading);
	if (!error)
		error = read_segments(reading);
	if (!error)
		error = read_text(reading);
	if (!error)
		sha256_final(&reading->hash, reading->image->digest);
	return error;
}

static void free_image(struct pb_image *image)
{
	unsigned long n = (image->size - PB_GATE_SIZE) >> PAGE_SHIFT;
	unsigned long i;

	if (image->pages)
		for (i = 0; i < n && image->pages[i]; i++)
			__free_page(image->pages[i]);
	kvfree(image->pages);
	kvfree(image->starts);
	kfree(image);
}

/* The copy that others use already, or this one. */
static struct pb_image *share(struct pb_image *image)
{
	struct pb_image *other;

	mutex_lock(&lock);
	list_for_each_entry(other, &images, list) {
		if (!memcmp(other->digest, image->digest, sizeof(image->digest))) {
			kref_get(&other->ref);
			mutex_unlock(&lock);
			free_image(image);
			return other;
		}
	}
	list_add(&image->list, &images);
	mutex_unlock(&lock);
	return image;
}

int pb_image_check(const struct privbox_bind *bind)
{
	return check_wanted(bind) ?: check_layout(bind);
}

struct pb_image *pb_image_get(struct privbox_bind *bind)
{
	struct reading reading = { .bind = bind };
	unsigned long n_pages = (bind->box_end + bind->n_functions * sizeof(u32)) >> PAGE_SHIFT;
	struct pb_image *image;
	struct pb_user *user;
	int error;

	image = kzalloc(sizeof(*image), GFP_KERNEL_ACCOUNT);
	if (!image)
		return ERR_PTR(-ENOMEM);
	kref_init(&image->ref);
	image->size = bind->box_end;
	image->level = bind->level;
	image->strength = bind->strength;
	reading.image = image;
	/* Only while it may turn out to be anything; later there is one copy per digest, and an administrator said so. */
	user = pb_user_charge(0, n_pages);
	if (IS_ERR(user)) {
		error = PTR_ERR(user);
	} else {
		error = read_image(&reading);
		pb_user_uncharge(user, 0, n_pages);
	}
	if (!error) {
		memcpy(bind->digest, image->digest, sizeof(bind->digest));
		error = pb_trusted(image->digest) ? 0 : -EKEYREJECTED;
	}
	if (error) {
		free_image(image);
		return ERR_PTR(error);
	}
	return share(image);
}

static void last_put(struct kref *ref)
{
	struct pb_image *image = container_of(ref, struct pb_image, ref);

	list_del(&image->list);
	mutex_unlock(&lock);
	free_image(image);
}

void pb_image_put(struct pb_image *image)
{
	kref_put_mutex(&image->ref, last_put, &lock);
}

static int compare_starts(const void *key, const void *element)
{
	unsigned long offset = *(const unsigned long *)key;
	u32 start = *(const u32 *)element;

	return offset < start ? -1 : offset > start;
}

bool pb_image_starts(const struct pb_image *image, unsigned long offset)
{
	return bsearch(&offset, image->starts, image->n_starts, sizeof(*image->starts), compare_starts);
}

struct page *pb_gate_page(unsigned int i)
{
	return gate_pages[i];
}

int __init pb_image_init(void)
{
	size_t size = pb_gate_bytes_end - pb_gate_bytes;
	unsigned int i;

	if (WARN_ON(size > PB_GATE_SIZE))
		return -EINVAL;
	for (i = 0; i < PB_GATE_PAGES; i++) {
		size_t at = i * PAGE_SIZE;

		gate_pages[i] = alloc_page(GFP_KERNEL);
		if (!gate_pages[i]) {
			pb_image_exit();
			return -ENOMEM;
		}
		memset(page_address(gate_pages[i]), INT3_INSN_OPCODE, PAGE_SIZE);
		if (at < size)
			memcpy(page_address(gate_pages[i]), pb_gate_bytes + at, min(size - at, PAGE_SIZE));
	}
	return 0;
}

void pb_image_exit(void)
{
	unsigned int i;

	for (i = 0; i < PB_GATE_PAGES; i++)
		if (gate_pages[i])
			__free_page(gate_pages[i]);
	memset(gate_pages, 0, sizeof(gate_pages));
}
