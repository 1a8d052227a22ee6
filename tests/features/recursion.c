// Recursion 10000 deep, mutual, through pointers, tree, Ackermann, tail calls.
#include <stdio.h>
#include <stdlib.h>
#define NOINLINE __attribute__((noinline))
NOINLINE static long deep(int n) { volatile int keep = n; return n == 0 ? 0 : deep(n - 1) + keep; }
NOINLINE static int odd(int n);
NOINLINE static int even(int n) { return n == 0 ? 1 : odd(n - 1); }
NOINLINE static int odd(int n) { return n == 0 ? 0 : even(n - 1); }
static int (*volatile step)(int, int);
static int through(int n, int s) { return n == 0 ? s : step(n - 1, s ^ n) + 1; }
static int ackermann(int m, int n) { return m == 0 ? n + 1 : n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1)); }
struct node { struct node *left, *right; int key; };
static struct node *insert(struct node *n, int key) {
    if (!n) { n = calloc(1, sizeof *n); n->key = key; return n; }
    if (key < n->key) n->left = insert(n->left, key); else n->right = insert(n->right, key);
    return n;
}
static void walk(const struct node *n, unsigned *h) { if (!n) return; walk(n->left, h); *h = *h * 31 + (unsigned)n->key; walk(n->right, h); free((void *)n); }
NOINLINE static int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
static int permute(int *v, int k, int n) {
    if (k == n) return v[0] < v[n - 1];
    int s = 0;
    for (int i = k; i < n; i++) {
        int t = v[k]; v[k] = v[i]; v[i] = t;
        s += permute(v, k + 1, n);
        t = v[k]; v[k] = v[i]; v[i] = t;
    }
    return s;
}
int main(void) {
    step = through;
    printf("%ld %d %d\n", deep(10000), even(10000), odd(9999));
    printf("%d %d %d\n", through(5000, 0), ackermann(2, 30), fib(22));
    struct node *root = 0;
    unsigned h = 0, x = 12345;
    for (int i = 0; i < 1000; i++) root = insert(root, (int)((x = x * 1103515245 + 12345) >> 8 & 0xffff));
    walk(root, &h);
    int v[7] = {1, 2, 3, 4, 5, 6, 7};
    printf("%u %d\n", h, permute(v, 0, 7));
    return 0;
}
