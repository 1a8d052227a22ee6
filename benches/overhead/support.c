/* What several workloads share; see workload.h. */
#include "workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void fail(const char *what)
{
	fprintf(stderr, "workload: %s\n", what);
	exit(1);
}

void make_text(unsigned char *data, size_t size, uint64_t seed)
{
	enum { words = 512, longest = 10 };
	char vocabulary[words][longest];
	size_t lengths[words];
	size_t at = 0;

	for (int i = 0; i < words; i++) {
		lengths[i] = 2 + random_next(&seed) % (longest - 2);
		for (size_t j = 0; j < lengths[i]; j++)
			vocabulary[i][j] = "etaoinshrdlucmfwypvbgkqjxz"[(random_next(&seed) & random_next(&seed)) % 26];
	}
	while (at < size) {
		uint32_t r = random_next(&seed);
		/* The product of two uniform numbers prefers the front of the vocabulary. */
		size_t word = ((r & 0xffff) * (r >> 16) >> 23) % words;
		size_t n = lengths[word];

		if (n > size - at)
			n = size - at;
		memcpy(data + at, vocabulary[word], n);
		at += n;
		if (at < size)
			data[at++] = r % 13 == 0 ? '\n' : r % 7 == 0 ? (unsigned char)('0' + r % 10) : ' ';
	}
}
