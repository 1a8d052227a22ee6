// Unions and type punning, anonymous members, flexible array members, designated initialisers, compound literals.
#include <stdio.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#define NOINLINE __attribute__((noinline))
struct value { enum { INT, REAL, TEXT, PAIR } tag; union { long i; double d; const char *s; struct { struct value *a, *b; }; }; };
NOINLINE static double weigh(const struct value *v) {
    switch (v->tag) {
    case INT: return v->i;
    case REAL: return v->d;
    case TEXT: return (double)strlen(v->s);
    case PAIR: return weigh(v->a) * 2 + weigh(v->b);
    }
    return 0;
}
struct packet { uint16_t n; uint8_t kind; struct { short x, y; } points[]; };
NOINLINE static struct packet *make(int n) {
    struct packet *p = malloc(sizeof *p + n * sizeof p->points[0]);
    p->n = (uint16_t)n;
    p->kind = 7;
    for (int i = 0; i < n; i++) { p->points[i].x = (short)i; p->points[i].y = (short)(i * i); }
    return p;
}
NOINLINE static uint32_t bits(float f) { union { float f; uint32_t u; } x = {.f = f}; return x.u; }
NOINLINE static int literal(int n) { const int *p = (int[]){n, n * 2, [5] = n * 3}; return p[0] + p[1] + p[4] + p[5]; }
static const struct { const char *name; int v[4]; } table[] = {[2] = {"two", {[1] = 5}}, [0] = {.v = {1, 2, 3, 4}, .name = "zero"}, [1] = {"one"}};
NOINLINE static long nested(int n) {
    struct { struct { int a; struct { char b[3]; long c; } in[2]; } out[3]; } v = {.out[1].in[1].c = n, .out[2] = {n, {{"xy", 7}}}};
    return v.out[1].in[1].c + v.out[2].a + v.out[2].in[0].b[1] + v.out[2].in[0].c + v.out[0].a + (long)offsetof(struct packet, points);
}
int main(void) {
    volatile int one = 1;
    struct value a = {INT, .i = one}, b = {REAL, .d = 2.5}, c = {TEXT, .s = "hello"}, d = {PAIR, .a = &a, .b = &b}, e = {PAIR, .a = &d, .b = &c};
    printf("%g\n", weigh(&e));
    struct packet *p = make(50);
    printf("%d %d %d %d\n", p->n, p->kind, p->points[49].x, p->points[49].y);
    free(p);
    printf("%x %d %ld\n", bits(one * 1.5f), literal(one + 3), nested(one + 9));
    for (int i = 0; i < 3; i++) printf("%s %d ", table[i].name, table[i].v[1]);
    printf("\n");
    return 0;
}
