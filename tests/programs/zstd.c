// zstd: one-shot round trips from fast to strong, streams, dictionaries, checksums, errors.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "zstd.h"
#include "zstd_errors.h"
#include "data.h"
static unsigned char in[DATA_SIZE], out[DATA_SIZE * 2], back[DATA_SIZE];
static void report(const char *what, size_t n) {
    if (ZSTD_isError(n)) printf("  %s: %s\n", what, ZSTD_getErrorName(n));
    else printf("  %s: %zu %08x\n", what, n, data_check(out, n));
}
static size_t stream(int level, size_t chunk) {
    ZSTD_CCtx *c = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
    ZSTD_CCtx_setParameter(c, ZSTD_c_enableLongDistanceMatching, level & 1);
    ZSTD_outBuffer o = {out, sizeof out, 0};
    for (size_t at = 0; at < DATA_SIZE; at += chunk) {
        ZSTD_inBuffer i = {in + at, DATA_SIZE - at < chunk ? DATA_SIZE - at : chunk, 0};
        int last = at + chunk >= DATA_SIZE;
        for (;;) {
            size_t left = ZSTD_compressStream2(c, &o, &i, last ? ZSTD_e_end : ZSTD_e_continue);
            if (ZSTD_isError(left)) return left;
            if (last ? left == 0 : i.pos == i.size) break;
        }
    }
    ZSTD_freeCCtx(c);
    return o.pos;
}
static int unstream(size_t n, size_t chunk) {
    ZSTD_DCtx *d = ZSTD_createDCtx();
    ZSTD_inBuffer i = {out, n, 0};
    size_t at = 0, r = 1;
    while (r && !ZSTD_isError(r)) {
        ZSTD_outBuffer o = {back + at, DATA_SIZE - at < chunk ? DATA_SIZE - at : chunk, 0};
        r = ZSTD_decompressStream(d, &o, &i);
        at += o.pos;
    }
    ZSTD_freeDCtx(d);
    return !ZSTD_isError(r) && at == DATA_SIZE && !memcmp(in, back, DATA_SIZE);
}
int main(void) {
    static const int levels[] = {-5, 1, 3, 5, 7, 9, 13, 17, 19};
    for (int kind = 0; kind < DATA_KINDS; kind++) {
        data_fill(in, sizeof in, kind);
        printf("%d\n", kind);
        for (int i = 0; i < 9; i++) {
            size_t size = i > 6 ? DATA_SIZE / 4 : DATA_SIZE;
            size_t n = ZSTD_compress(out, sizeof out, in, size, levels[i]);
            report("compress", n);
            memset(back, 0, sizeof back);
            size_t m = ZSTD_decompress(back, sizeof back, out, n);
            printf("  %zu %s\n", m, memcmp(in, back, size) ? "differs" : "same");
        }
        for (int level = 1; level < 8; level += 3) {
            size_t n = stream(level, 10007);
            report("stream", n);
            printf("  %d\n", unstream(n, 7001));
        }
        ZSTD_CCtx *c = ZSTD_createCCtx();
        ZSTD_DCtx *d = ZSTD_createDCtx();
        size_t n = ZSTD_compress_usingDict(c, out, sizeof out, in + 50000, 20000, in, 50000, 6);
        report("dictionary", n);
        size_t m = ZSTD_decompress_usingDict(d, back, sizeof back, out, n, in, 50000);
        printf("  %zu %d\n", m, memcmp(back, in + 50000, 20000));
        report("wrong dictionary", ZSTD_decompress_usingDict(d, back, sizeof back, out, n, in, 40000));
        ZSTD_freeCCtx(c);
        ZSTD_freeDCtx(d);
        n = ZSTD_compress(out, sizeof out, in, DATA_SIZE, 3);
        printf("  %s\n", ZSTD_isError(ZSTD_decompress(back, 1000, out, n)) ? "too small" : "fits");
        printf("  %s\n", ZSTD_isError(ZSTD_decompress(back, sizeof back, out, n - 5)) ? "truncated" : "whole");
        memset(out, 0x41, 4);
        report("no magic", ZSTD_decompress(back, sizeof back, out, n));
    }
    printf("%s\n", ZSTD_versionString());
    return 0;
}
