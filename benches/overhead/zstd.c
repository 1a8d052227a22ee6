/* zstd: levels 1, 3 and 9 and decompression of prose-like text, with one context of each kind. */
#include "workload.h"

#include <string.h>

#define ZSTD_STATIC_LINKING_ONLY /* the contexts in memory of ours */
#include "zstd.h"

enum { size = 1 << 20 };

static unsigned char text[size], back[size], packed[size + (size >> 4)];

/* Room for the contexts: given to zstd, so that its allocations do not leave the box. */
static _Alignas(64) unsigned char compress_space[32 << 20], decompress_space[1 << 20];

uint64_t workload(unsigned rounds)
{
	static const int levels[] = { 1, 3, 9, 3 };
	ZSTD_CCtx *cctx = ZSTD_initStaticCCtx(compress_space, sizeof(compress_space));
	ZSTD_DCtx *dctx = ZSTD_initStaticDCtx(decompress_space, sizeof(decompress_space));
	uint64_t sum = 0;

	if (!cctx || !dctx)
		fail("zstd: the static contexts are too small");
	make_text(text, size, 7);
	for (unsigned round = 0; round < rounds / 2; round++) {
		size_t n = ZSTD_compressCCtx(cctx, packed, sizeof(packed), text, size, levels[round % 4]);

		if (ZSTD_isError(n))
			fail(ZSTD_getErrorName(n));
		sum = checksum_add(sum, n);
		for (int i = 0; i < 4; i++) {
			n = ZSTD_decompressDCtx(dctx, back, size, packed, n);
			if (n != size || memcmp(text, back, 4096) != 0)
				fail("zstd: the text did not come back");
			if (i < 3)
				n = ZSTD_compressCCtx(cctx, packed, sizeof(packed), text, size, 1);
		}
		sum = checksum_add(sum, back[random_next(&sum) % size]);
		text[round * 977 % size] ^= 1;
	}
	return checksum_bytes(sum, back, size);
}
