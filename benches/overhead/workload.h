/* What every workload of the overhead benchmark offers and may use. */
#ifndef WORKLOAD_H
#define WORKLOAD_H

#include <stddef.h>
#include <stdint.h>

/*
 * The measured function, put into a box by `-fprivbox-fn=workload`. `rounds` scales its run time: 100
 * takes one to two seconds natively on a 4 GHz machine. Returns a checksum of everything it computed, which
 * must be the same in every variant. Exits with a message when the library fails.
 */
uint64_t workload(unsigned rounds);

/* A fixed pseudo-random sequence (xorshift64*), so that every run computes the same. */
static inline uint32_t random_next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (uint32_t)((*state * 0x2545f4914f6cdd1du) >> 32);
}

/* FNV-1a over 8-byte steps: cheap beside the work that it checks. */
static inline uint64_t checksum_add(uint64_t sum, uint64_t value)
{
	return (sum ^ value) * 0x100000001b3u;
}

static inline uint64_t checksum_bytes(uint64_t sum, const void *data, size_t size)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < size; i++)
		sum = (sum ^ bytes[i]) * 0x100000001b3u;
	return sum;
}

/*
 * Fills `data` with text-like bytes: words of a small vocabulary with skewed frequencies, some digits,
 * line breaks. It compresses like prose (about 3:1).
 */
void make_text(unsigned char *data, size_t size, uint64_t seed);

/* Prints a message and exits with status 1. */
_Noreturn void fail(const char *what);

#endif
