// libc calls back into user code: qsort, bsearch, atexit, tsearch, nftw-free; callbacks that use the box's statics.
// privbox: -fprivbox-fn=main -fprivbox-fn=by_key
// flags: -D_GNU_SOURCE
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct item { int key; char name[12]; };
static int comparisons;
int by_key(const void *a, const void *b) { comparisons++; return ((const struct item *)a)->key - ((const struct item *)b)->key; }
static int by_name(const void *a, const void *b) { comparisons++; return strcmp(((const struct item *)a)->name, ((const struct item *)b)->name); }
static int by_int(const void *a, const void *b) { int x = *(const int *)a, y = *(const int *)b; return (x > y) - (x < y); }
static int by_context(const void *a, const void *b, void *c) { return by_int(a, b) * *(int *)c; }
static unsigned visited;
static void visit(const void *n, VISIT which, int depth) { if (which == postorder || which == leaf) visited = visited * 7 + **(int **)n + depth; }
int main(void) {
    struct item v[50], key = {77, ""};
    unsigned x = 1;
    for (int i = 0; i < 50; i++) { x = x * 1103515245 + 12345; v[i].key = x >> 20; snprintf(v[i].name, 12, "n%u", x >> 16 & 0xff); }
    v[20].key = 77;
    qsort(v, 50, sizeof v[0], by_name);
    printf("%s %s %s\n", v[0].name, v[25].name, v[49].name);
    qsort(v, 50, sizeof v[0], by_key);
    printf("%d %d %d %d\n", v[0].key, v[25].key, v[49].key, comparisons > 100);
    struct item *f = bsearch(&key, v, 50, sizeof v[0], by_key);
    printf("%d\n", f ? f->key : -1);
    int w[20], up = 1, down = -1;
    for (int i = 0; i < 20; i++) w[i] = (i * 7) % 20;
    qsort_r(w, 20, sizeof w[0], by_context, &down);
    printf("%d %d ", w[0], w[19]);
    qsort_r(w, 20, sizeof w[0], by_context, &up);
    printf("%d %d\n", w[0], w[19]);
    void *root = 0;
    for (int i = 0; i < 20; i++) tsearch(&w[(i * 3) % 20], &root, by_int);
    visited = 0;
    twalk(root, visit);
    printf("%u\n", visited & 0xffff);
    size_t n = 20;
    int want = 13;
    int *l = lfind(&want, w, &n, sizeof w[0], by_int);
    printf("%d\n", l ? *l : -1);
    return 0;
}
