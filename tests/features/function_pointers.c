// Function pointers both ways: tables, comparison, libc functions, returned, passed, stored in statics.
// link: static static-pie no-pie bfd
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ctype.h>
typedef int (*binary)(int, int);
static int add(int a, int b) { return a + b; }
static int sub(int a, int b) { return a - b; }
int mul(int a, int b) { return a * b; }
static const binary table[] = {add, sub, mul};
static binary current = sub;
static binary choose(int i) { return table[i % 3]; }
static int apply(binary f, int a, int b) { return f(a, b); }
typedef binary (*chooser)(int);
struct object { const char *name; int (*call)(struct object *, int); int state; };
static int counter(struct object *o, int n) { return o->state += n; }
static int doubler(struct object *o, int n) { o->state = o->state * 2 + n; return o->state; }
static int (*same)(int) = toupper;
int main(void) {
    for (int i = 0; i < 6; i++) printf("%d ", choose(i)(i * 10, 3));
    printf("\n%d\n", apply(current, 10, 4));
    current = mul;
    printf("%d %d\n", apply(current, 10, 4), current == mul);
    chooser c = choose;
    printf("%d %d\n", c(1) == sub, c(0) == sub);
    struct object objects[] = {{"a", counter, 1}, {"b", doubler, 2}};
    for (int i = 0; i < 5; i++) {
        struct object *o = &objects[i & 1];
        printf("%s=%d ", o->name, o->call(o, i));
    }
    size_t (*length)(const char *) = strlen;
    int (*compare)(const char *, const char *) = strcmp;
    void *(*allocate)(size_t) = malloc;
    void (*release)(void *) = free;
    char *p = allocate(16);
    strcpy(p, "hello");
    printf("\n%zu %d %c %c\n", length(p), compare(p, "hello"), same('q'), (char)(same == toupper ? 'y' : 'n'));
    release(p);
    int (*out)(const char *, ...) = printf;
    out("%s %d %.2f\n", "through a pointer", 42, 1.5);
    void (*nothing)(void) = 0;
    printf("%d\n", nothing == 0);
    return 0;
}
