// zlib: raw, zlib and gzip streams at several levels and strategies, tiny buffers, dictionaries, errors.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "zlib.h"
#include "data.h"
static unsigned char in[DATA_SIZE], out[DATA_SIZE * 2], back[DATA_SIZE];
static size_t deflated(int level, int bits, int memory, int strategy, size_t chunk, const char *dictionary) {
    z_stream z;
    memset(&z, 0, sizeof z);
    if (deflateInit2(&z, level, Z_DEFLATED, bits, memory, strategy) != Z_OK) return 0;
    if (dictionary) deflateSetDictionary(&z, (const Bytef *)dictionary, (uInt)strlen(dictionary));
    z.next_in = in;
    z.next_out = out;
    size_t left = DATA_SIZE;
    int r;
    do {
        size_t n = left < chunk ? left : chunk;
        z.avail_in += (uInt)n;
        left -= n;
        z.avail_out = (uInt)chunk;
        r = deflate(&z, left ? (left / chunk % 16 == 5 ? Z_SYNC_FLUSH : Z_NO_FLUSH) : Z_FINISH);
        if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR) return 0;
    } while (r != Z_STREAM_END);
    size_t size = z.total_out;
    deflateEnd(&z);
    return size;
}
static int inflated(size_t size, int bits, size_t chunk, const char *dictionary) {
    z_stream z;
    memset(&z, 0, sizeof z);
    if (inflateInit2(&z, bits) != Z_OK) return -100;
    if (dictionary && bits < 0) inflateSetDictionary(&z, (const Bytef *)dictionary, (uInt)strlen(dictionary));
    z.next_in = out;
    z.next_out = back;
    int r = Z_OK;
    size_t left = size;
    while (r == Z_OK || r == Z_BUF_ERROR) {
        size_t n = left < chunk ? left : chunk;
        if (z.avail_in == 0) { z.avail_in = (uInt)n; left -= n; }
        size_t room = DATA_SIZE - z.total_out;
        z.avail_out = (uInt)(room < chunk ? room : chunk);
        r = inflate(&z, Z_NO_FLUSH);
        if (r == Z_NEED_DICT) { r = inflateSetDictionary(&z, (const Bytef *)dictionary, (uInt)strlen(dictionary)); }
        if (r == Z_BUF_ERROR && left == 0 && z.avail_in == 0) break;
    }
    inflateEnd(&z);
    return r;
}
int main(void) {
    static const int levels[] = {0, 1, 3, 6, 9};
    for (int kind = 0; kind < DATA_KINDS; kind++) {
        data_fill(in, sizeof in, kind);
        printf("%d %08lx %08lx\n", kind, crc32(0, in, DATA_SIZE), adler32(1, in, DATA_SIZE));
        for (int i = 0; i < 5; i++) {
            static const int bits[] = {15, -15, 31, 9, -12};
            size_t n = deflated(levels[i], bits[i], 9 - i, i % 5, kind == 2 ? 4096 : 65536, i == 3 ? 0 : i == 4 ? "the box gate mask" : 0);
            uint32_t check = data_check(out, n);
            memset(back, 0, sizeof back);
            int r = inflated(n, bits[i], 1000 + 777 * i, i == 4 ? "the box gate mask" : 0);
            printf("  %d: %zu %08x %d %s\n", levels[i], n, check, r, memcmp(in, back, DATA_SIZE) ? "differs" : "same");
        }
        uLongf size = compressBound(DATA_SIZE);
        int r = compress2(out, &size, in, DATA_SIZE, 6);
        uLongf length = DATA_SIZE;
        printf("  %d %lu %d", r, size, uncompress(back, &length, out, size));
        out[size / 2] ^= 0x55;
        length = DATA_SIZE;
        r = uncompress(back, &length, out, size);
        printf(" %s\n", r == Z_OK ? "accepted" : r == Z_DATA_ERROR ? "data error" : r == Z_BUF_ERROR ? "buffer" : "other");
    }
    printf("%s %s\n", zError(Z_DATA_ERROR), zlibVersion());
    return 0;
}
