/* zlib: deflate at levels 1, 6 and 9, inflate, CRC-32 and Adler-32 of prose-like text. */
#include "workload.h"

#include <string.h>

#include "zlib.h"

enum { size = 1 << 20 };

static unsigned char text[size], back[size], packed[size + (size >> 2)];

/* An arena that is emptied before each stream: allocation stays in the box. */
static _Alignas(16) unsigned char arena[1 << 20];
static size_t used;

static void *allocate(void *opaque, unsigned items, unsigned item)
{
	size_t want = ((size_t)items * item + 15) & ~(size_t)15;

	(void)opaque;
	if (want > sizeof(arena) - used)
		return NULL;
	used += want;
	return arena + used - want;
}

static void release(void *opaque, void *address)
{
	(void)opaque;
	(void)address;
}

static size_t compress_text(int level)
{
	z_stream stream = { .zalloc = allocate, .zfree = release };

	used = 0;
	if (deflateInit(&stream, level) != Z_OK)
		fail("deflateInit");
	stream.next_in = text;
	stream.avail_in = size;
	stream.next_out = packed;
	stream.avail_out = sizeof(packed);
	if (deflate(&stream, Z_FINISH) != Z_STREAM_END)
		fail("deflate");
	deflateEnd(&stream);
	return stream.total_out;
}

static void decompress_text(size_t n)
{
	z_stream stream = { .zalloc = allocate, .zfree = release };

	used = 0;
	if (inflateInit(&stream) != Z_OK)
		fail("inflateInit");
	stream.next_in = packed;
	stream.avail_in = (unsigned)n;
	stream.next_out = back;
	stream.avail_out = size;
	if (inflate(&stream, Z_FINISH) != Z_STREAM_END || stream.total_out != size)
		fail("inflate");
	inflateEnd(&stream);
}

uint64_t workload(unsigned rounds)
{
	static const int levels[] = { 6, 1, 9 };
	uint64_t sum = 0;

	make_text(text, size, 9);
	for (unsigned round = 0; round < rounds / 4; round++) {
		size_t n = compress_text(levels[round % 3]);

		sum = checksum_add(sum, n);
		for (int i = 0; i < 4; i++)
			decompress_text(n);
		if (memcmp(text, back, size) != 0)
			fail("zlib: the text did not come back");
		sum = checksum_add(sum, crc32(0, packed, (unsigned)n));
		sum = checksum_add(sum, adler32(1, back, size));
		text[round * 977 % size] ^= 1;
	}
	return sum;
}
