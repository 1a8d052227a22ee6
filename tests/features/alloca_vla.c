// alloca and variable-length arrays: loops, several dimensions, passed on, VLA types, big and zero sizes.
#include <alloca.h>
#include <stdio.h>
#include <string.h>
#define NOINLINE __attribute__((noinline))
NOINLINE static int fill(int n) {
    int v[n];
    for (int i = 0; i < n; i++) v[i] = i * n;
    int s = 0;
    for (int i = n; i--;) s = (s * 3 + v[i]) & 0xffffff;
    return s;
}
NOINLINE static int matrix(int r, int c, int m[r][c]) {
    int s = 0;
    for (int i = 0; i < r; i++) for (int j = 0; j < c; j++) s += m[i][j] * (i - j);
    return s;
}
NOINLINE static int dims(int r, int c) {
    int m[r][c];
    for (int i = 0; i < r; i++) for (int j = 0; j < c; j++) m[i][j] = i * 10 + j;
    return matrix(r, c, m) + (int)(sizeof m / sizeof m[0]);
}
NOINLINE static char *reversed(const char *s, char *out) {
    size_t n = strlen(s);
    char *p = alloca(n + 1);
    for (size_t i = 0; i < n; i++) p[i] = s[n - 1 - i];
    p[n] = 0;
    return strcpy(out, p);
}
struct node { struct node *next; int v; };
NOINLINE static int list(int n) {
    struct node *head = 0;
    for (int i = 0; i < n; i++) { struct node *p = alloca(sizeof *p); p->next = head; p->v = i; head = p; }
    int s = 0;
    for (; head; head = head->next) s = (s * 2 + head->v) & 0xffffff;
    return s;
}
NOINLINE static int scopes(int n) {
    int s = 0;
    for (int i = 1; i <= n; i++) {
        char a[i * 100];
        memset(a, i, sizeof a);
        { short b[i + 1]; b[i] = (short)i; s += a[i * 99] + b[i]; if (i % 3 == 0) continue; }
        if (s > 1000) goto out;
    }
out:
    return s;
}
NOINLINE static int recurse(int n) {
    int v[n + 1];
    v[n] = n;
    return n ? recurse(n - 1) + v[n] : v[0] + 1;
}
NOINLINE static long big(long n) {
    char *p = alloca(n);
    p[0] = 1; p[n - 1] = 2;
    for (long i = 4096; i < n - 1; i += 4096) p[i] = 3;
    long s = 0;
    for (long i = 0; i < n; i += 4096) s += p[i];
    return s + p[n - 1];
}
NOINLINE static int aligned(int n) {
    int v[n] __attribute__((aligned(64)));
    v[0] = n;
    return (int)((unsigned long)v % 64) + v[0];
}
int main(void) {
    char out[64];
    printf("%d %d %d\n", fill(1), fill(5), fill(17) & 0xffff);
    printf("%d %d\n", dims(3, 4), dims(5, 2));
    printf("%s\n", reversed("hello, box", out));
    printf("%d %d\n", list(1), list(20));
    printf("%d %d\n", scopes(5), scopes(40));
    printf("%d %ld %d\n", recurse(200), big(1 << 20), aligned(10));
    return 0;
}
