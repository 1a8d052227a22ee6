/* Called by Rust in the box, and calls Rust back: a direct call and one through a pointer. */
#include <stdint.h>
#include <stdlib.h>

uint64_t rust_step(uint64_t state, uint32_t n);

uint64_t c_sum(const uint64_t *values, size_t count, uint64_t (*map)(uint64_t))
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += map(rust_step(values[i], (uint32_t)i));
	return sum;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

void c_sort(uint32_t *values, size_t count)
{
	qsort(values, count, sizeof *values, compare);
}
