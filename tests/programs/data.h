// Deterministic data for the round trips: text, noise, runs, a mixture; and the checksum that is printed.
#include <stddef.h>
#include <stdint.h>
enum { DATA_SIZE = 300000, DATA_KINDS = 5 };
static uint32_t data_state = 1;
static uint32_t data_random(void) { return data_state = data_state * 1664525u + 1013904223u, data_state >> 8; }
static void data_fill(unsigned char *p, size_t n, int kind) {
    static const char *const words[] = {"the", "box", "gate", "mask", "stack", "of", "a", "kernel", "proof", "and", "address", "is"};
    data_state = (uint32_t)kind * 7919u + 1;
    size_t i = 0;
    while (i < n) {
        int now = kind == 4 ? (int)(data_random() % 4) : kind;
        size_t until = kind == 4 ? i + 1 + data_random() % 5000 : n;
        if (until > n) until = n;
        for (; i < until;) switch (now) {
            case 0: for (const char *w = words[data_random() % 12]; *w && i < until;) p[i++] = (unsigned char)*w++; if (i < until) p[i++] = ' '; break;
            case 1: p[i++] = (unsigned char)data_random(); break;
            case 2: { unsigned char c = (unsigned char)data_random(); size_t run = data_random() % 400; while (run-- && i < until) p[i++] = c; break; }
            default: p[i] = (unsigned char)(i * i >> 7); i++; break;
            }
    }
}
static uint32_t data_check(const unsigned char *p, size_t n) {
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < n; i++) h = (h ^ p[i]) * 16777619u;
    return h;
}
