// lz4: fast, accelerated, high compression, streams, dictionaries, frames, partial and corrupt input.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lz4.h"
#include "lz4frame.h"
#include "lz4hc.h"
#include "data.h"
static unsigned char in[DATA_SIZE], out[DATA_SIZE * 2], back[DATA_SIZE];
static void round_trip(const char *what, int n) {
    memset(back, 0, sizeof back);
    int m = LZ4_decompress_safe((char *)out, (char *)back, n, sizeof back);
    printf("  %s: %d %08x %d %s\n", what, n, data_check(out, (size_t)n), m, memcmp(in, back, DATA_SIZE) ? "differs" : "same");
}
static void stream(void) {
    LZ4_stream_t *s = LZ4_createStream();
    LZ4_streamDecode_t *d = LZ4_createStreamDecode();
    LZ4_setStreamDecode(d, 0, 0);
    uint32_t h = 0;
    for (int at = 0; at < DATA_SIZE; at += 9000) {
        int n = DATA_SIZE - at < 9000 ? DATA_SIZE - at : 9000;
        int c = LZ4_compress_fast_continue(s, (char *)in + at, (char *)out, n, sizeof out, 1 + at % 3);
        h = h * 31 + data_check(out, (size_t)c);
        if (LZ4_decompress_safe_continue(d, (char *)out, (char *)back + at, c, n) != n) printf("  stream fails at %d\n", at);
    }
    printf("  stream %08x %s\n", h, memcmp(in, back, DATA_SIZE) ? "differs" : "same");
    LZ4_freeStream(s);
    LZ4_freeStreamDecode(d);
}
static void frame(int level) {
    LZ4F_preferences_t p;
    memset(&p, 0, sizeof p);
    p.compressionLevel = level;
    p.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
    p.frameInfo.blockMode = level & 1 ? LZ4F_blockIndependent : LZ4F_blockLinked;
    size_t n = LZ4F_compressFrame(out, sizeof out, in, DATA_SIZE, &p);
    printf("  frame %zu %08x ", n, data_check(out, n));
    LZ4F_dctx *d;
    LZ4F_createDecompressionContext(&d, LZ4F_VERSION);
    size_t from = 0, to = 0, r = 1;
    while (r && !LZ4F_isError(r) && from < n) {
        size_t source = n - from < 3001 ? n - from : 3001, room = sizeof back - to;
        r = LZ4F_decompress(d, back + to, &room, out + from, &source, 0);
        from += source;
        to += room;
    }
    printf("%zu %s\n", to, memcmp(in, back, DATA_SIZE) ? "differs" : "same");
    out[n / 2] ^= 1;
    LZ4F_resetDecompressionContext(d);
    from = to = 0;
    r = 1;
    while (r && !LZ4F_isError(r) && from < n) {
        size_t source = n - from, room = sizeof back - to;
        r = LZ4F_decompress(d, back + to, &room, out + from, &source, 0);
        from += source;
        to += room;
    }
    printf("  %s\n", LZ4F_isError(r) ? LZ4F_getErrorName(r) : "accepted");
    LZ4F_freeDecompressionContext(d);
}
int main(void) {
    for (int kind = 0; kind < DATA_KINDS; kind++) {
        data_fill(in, sizeof in, kind);
        printf("%d\n", kind);
        round_trip("default", LZ4_compress_default((char *)in, (char *)out, DATA_SIZE, sizeof out));
        for (int a = 2; a < 50; a *= 3) round_trip("fast", LZ4_compress_fast((char *)in, (char *)out, DATA_SIZE, sizeof out, a));
        for (int level = 2; level < 13; level += 3) round_trip("high", LZ4_compress_HC((char *)in, (char *)out, DATA_SIZE, sizeof out, level));
        stream();
        frame(0);
        frame(9);
        int n = LZ4_compress_default((char *)in, (char *)out, DATA_SIZE, sizeof out), used = 100000;
        printf("  partial %d\n", LZ4_decompress_safe_partial((char *)out, (char *)back, n, 1000, DATA_SIZE));
        printf("  small %d\n", LZ4_decompress_safe((char *)out, (char *)back, n, 1000) < 0);
        n = LZ4_compress_destSize((char *)in, (char *)out, &used, 5000);
        printf("  destination %d %d\n", n, used);
    }
    printf("%s\n", LZ4_versionString());
    return 0;
}
