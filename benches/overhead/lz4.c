/* lz4: fast and high compression and decompression of prose-like text. */
#include "workload.h"

#include <string.h>

#include "lz4.h"
#include "lz4hc.h"

enum { size = 1 << 20 };

static char text[size], back[size], packed[LZ4_COMPRESSBOUND(size)];

static _Alignas(16) char fast_state[1 << 15], high_state[1 << 19];

uint64_t workload(unsigned rounds)
{
	uint64_t sum = 0;

	if ((size_t)LZ4_sizeofState() > sizeof(fast_state) || (size_t)LZ4_sizeofStateHC() > sizeof(high_state))
		fail("lz4: the states are too small");
	make_text((unsigned char *)text, size, 8);
	for (unsigned round = 0; round < rounds / 3; round++) {
		int n = LZ4_compress_HC_extStateHC(high_state, text, packed, size, sizeof(packed), 4);

		sum = checksum_add(sum, (uint64_t)n);
		for (int i = 0; i < 6; i++) {
			if (n <= 0 || LZ4_decompress_safe(packed, back, n, size) != size)
				fail("lz4: the text did not come back");
			n = LZ4_compress_fast_extState(fast_state, text, packed, size, sizeof(packed), 1);
			sum = checksum_add(sum, (uint64_t)n);
		}
		text[round * 977 % size] ^= 1;
	}
	return checksum_bytes(sum, back, size);
}
