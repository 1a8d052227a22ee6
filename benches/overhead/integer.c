/* Integer kernels over arrays: a sieve, a matrix product, SHA-256, a quicksort, an edit distance. */
#include "workload.h"

#include <string.h>

static uint64_t sieve(unsigned char *composite, uint32_t n)
{
	uint64_t sum = 0;

	memset(composite, 0, n);
	for (uint32_t i = 2; i < n; i++) {
		if (composite[i])
			continue;
		sum += i;
		for (uint64_t j = (uint64_t)i * i; j < n; j += i)
			composite[j] = 1;
	}
	return sum;
}

enum { side = 160 };

static uint64_t multiply(uint32_t (*a)[side], uint32_t (*b)[side], uint32_t (*c)[side])
{
	uint64_t sum = 0;

	for (int i = 0; i < side; i++)
		for (int j = 0; j < side; j++) {
			uint32_t dot = 0;

			for (int k = 0; k < side; k++)
				dot += a[i][k] * b[k][j];
			c[i][j] = dot;
			sum += dot;
		}
	return sum;
}

static uint32_t rotate(uint32_t x, int n)
{
	return x >> n | x << (32 - n);
}

/* One block of SHA-256; the round constants are made from the fixed sequence: only the work matters. */
static void sha_block(uint32_t state[8], const unsigned char block[64], const uint32_t constants[64])
{
	uint32_t w[64], s[8];

	for (int i = 0; i < 16; i++)
		w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
		       (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
	for (int i = 16; i < 64; i++)
		w[i] = w[i - 16] + w[i - 7] + (rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3) +
		       (rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10);
	memcpy(s, state, sizeof(s));
	for (int i = 0; i < 64; i++) {
		uint32_t t1 = s[7] + (rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25)) +
			      ((s[4] & s[5]) ^ (~s[4] & s[6])) + constants[i] + w[i];
		uint32_t t2 = (rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22)) +
			      ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));

		memmove(s + 1, s, 7 * sizeof(*s));
		s[4] += t1;
		s[0] = t1 + t2;
	}
	for (int i = 0; i < 8; i++)
		state[i] += s[i];
}

static void quicksort(uint32_t *a, long low, long high)
{
	while (low < high) {
		uint32_t pivot = a[low + (high - low) / 2];
		long i = low, j = high;

		while (i <= j) {
			while (a[i] < pivot)
				i++;
			while (a[j] > pivot)
				j--;
			if (i <= j) {
				uint32_t t = a[i];

				a[i++] = a[j];
				a[j--] = t;
			}
		}
		quicksort(a, low, j);
		low = i;
	}
}

static uint32_t edit_distance(const unsigned char *a, const unsigned char *b, uint32_t *row, uint32_t n)
{
	for (uint32_t j = 0; j <= n; j++)
		row[j] = j;
	for (uint32_t i = 1; i <= n; i++) {
		uint32_t diagonal = row[0];

		row[0] = i;
		for (uint32_t j = 1; j <= n; j++) {
			uint32_t best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[n];
}

enum { numbers = 1 << 18, letters = 600 };

static unsigned char composite[numbers];
static uint32_t sorted[numbers], matrices[3][side][side], distances[letters + 1], constants[64];

uint64_t workload(unsigned rounds)
{
	uint64_t seed = 5, sum = 0;
	uint32_t state[8] = { 0 };

	for (int i = 0; i < 64; i++)
		constants[i] = random_next(&seed);
	for (unsigned round = 0; round < rounds; round++) {
		for (int i = 0; i < 2 * side * side; i++)
			matrices[0][0][i] = random_next(&seed);
		for (int i = 0; i < numbers / 4; i++)
			sorted[i] = random_next(&seed);
		sum = checksum_add(sum, sieve(composite, numbers));
		sum = checksum_add(sum, multiply(matrices[0], matrices[1], matrices[2]));
		for (int i = 0; i + 64 <= numbers; i += 64)
			sha_block(state, composite + i, constants);
		sum = checksum_add(sum, state[round % 8]);
		quicksort(sorted, 0, numbers / 4 - 1);
		sum = checksum_add(sum, sorted[1000]);
		sum = checksum_add(sum, edit_distance(composite, (unsigned char *)sorted, distances, letters));
	}
	return sum;
}
