// The shapes that masks share and hoist: pointer walks both ways, strides, nested loops, lists, indices of every type, negative.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define NOINLINE __attribute__((noinline))
static int grid[40][50];
NOINLINE static long walk(const int *p, const int *end) { unsigned long s = 0; while (p < end) s = s * 3 + (unsigned)*p++; return (long)(s & 0xffffffff); }
NOINLINE static long back(const int *p, const int *start) { long s = 0; while (p != start) s += *--p * 7; return s; }
NOINLINE static long stride(const char *p, long by, int n) { long s = 0; while (n--) { s += *(const int *)(const void *)p; p += by; } return s; }
NOINLINE static int search(const int *v, int n, int key) { int lo = 0, hi = n - 1; while (lo <= hi) { int m = (lo + hi) / 2; if (v[m] == key) return m; if (v[m] < key) lo = m + 1; else hi = m - 1; } return -1; }
NOINLINE static void sort(int *v, long lo, long hi) {
    while (lo < hi) {
        int p = v[(lo + hi) / 2];
        long i = lo, j = hi;
        while (i <= j) { while (v[i] < p) i++; while (v[j] > p) j--; if (i <= j) { int t = v[i]; v[i++] = v[j]; v[j--] = t; } }
        if (j - lo < hi - i) { sort(v, lo, j); lo = i; } else { sort(v, i, hi); hi = j; }
    }
}
NOINLINE static int types(const int *v, uint8_t a, int8_t b, uint16_t c, int16_t d, uint32_t e, int32_t f, uint64_t g, int64_t h) { return v[a] + v[b] * 2 + v[c] * 3 + v[d] * 4 + v[e] * 5 + v[f] * 6 + v[g] * 7 + v[h] * 8; }
NOINLINE static void multiply(double *c, const double *a, const double *b, int n) { for (int i = 0; i < n; i++) for (int j = 0; j < n; j++) { double s = 0; for (int k = 0; k < n; k++) s += a[i * n + k] * b[k * n + j]; c[i * n + j] = s; } }
NOINLINE static void blur(int (*g)[50], int rows) { for (int i = 1; i < rows - 1; i++) for (int j = 1; j < 49; j++) g[i][j] = (g[i - 1][j] + g[i + 1][j] + g[i][j - 1] + g[i][j + 1]) / 4 + 1; }
struct node { struct node *next, *prev; int v; };
NOINLINE static int list(int n) {
    struct node head = {&head, &head, 0};
    for (int i = 0; i < n; i++) { struct node *p = malloc(sizeof *p); p->v = i; p->next = head.next; p->prev = &head; head.next->prev = p; head.next = p; }
    int s = 0;
    for (struct node *p = head.prev; p != &head; p = p->prev) s = (s * 5 + p->v) & 0xffffff;
    for (struct node *p = head.next, *q; p != &head; p = q) { q = p->next; if (p->v % 3 == 0) { p->prev->next = p->next; p->next->prev = p->prev; free(p); } }
    for (struct node *p = head.next, *q; p != &head; p = q) { q = p->next; s ^= p->v * 9; free(p); }
    return s;
}
NOINLINE static int sparse(int **rows, int n) { int s = 0; for (int i = 0; i < n; i++) for (int *p = rows[i]; *p >= 0; p++) s += *p * (i + 1); return s; }
NOINLINE static void two(char *restrict d, const char *restrict s) { while ((*d++ = *s++)) {} d[-1] = '!'; *d = 0; }
NOINLINE static long conditional(const int *a, const int *b, const unsigned char *which, int n) { long s = 0; for (int i = 0; i < n; i++) { const int *p = which[i] ? a : b; s += p[i] - p[n - 1 - i]; } return s; }
NOINLINE static int far(const char *p, long k) { return p[k * 1000003] + p[-k * 999983]; }
int main(void) {
    int v[500];
    for (int i = 0; i < 500; i++) v[i] = (i * 7919) % 1009;
    printf("%ld %ld %ld\n", walk(v, v + 500), back(v + 500, v), stride((char *)v, 28, 70) + stride((char *)(v + 499), -12, 100));
    sort(v, 0, 499);
    printf("%d %d %d\n", search(v, 500, v[123]) >= 0, search(v, 500, -5), v[250]);
    printf("%d\n", types(v + 200, 255, -128, 200, -200, 100, -100, 50, -50));
    double a[144], b[144], c[144];
    for (int i = 0; i < 144; i++) { a[i] = i % 13; b[i] = i % 7; }
    multiply(c, a, b, 12);
    for (int i = 0; i < 40; i++) for (int j = 0; j < 50; j++) grid[i][j] = i * j % 97;
    for (int i = 0; i < 5; i++) blur(grid, 40);
    long s = 0;
    for (int i = 0; i < 2000; i++) s = (s * 31 + ((int *)grid)[i]) & 0xffffffff;
    printf("%g %g %ld %d\n", c[0], c[143], s, list(300));
    int r0[] = {1, 2, 3, -1}, r1[] = {-1}, r2[] = {9, 8, -1};
    int *rows[] = {r0, r1, r2};
    char text[32];
    two(text, "copied by loop");
    unsigned char which[500];
    for (int i = 0; i < 500; i++) which[i] = i % 3 == 0;
    printf("%d %s %ld\n", sparse(rows, 3), text, conditional(v, (int *)grid, which, 500));
    char *big = calloc(1, 40000000);
    big[20000000 + 15 * 1000003] = 5;
    big[20000000 - 15 * 999983] = 6;
    printf("%d\n", far(big + 20000000, 15));
    free(big);
    return 0;
}
