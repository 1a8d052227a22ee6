// Statics and globals that the box and the normal code both change: one copy, in both.
// privbox: -fprivbox-fn=inside*
// with-plain: with/statics_foreign.c
// link: static static-pie no-pie bfd
#include <stdio.h>
#define NOINLINE __attribute__((noinline))
static int hidden = 1;
int visible = 2;
extern int foreign_value;
extern int foreign_array[];
int *foreign_pointer(void);
static int table[8] = {1, 2, 3};
static const char *names[] = {"a", "b", "c"};
NOINLINE static int count(void) { static int n = 100; return n++; }
NOINLINE static int *address(void) { static int n; return &n; }
int inside_change(int by) {
    hidden += by; visible *= by; foreign_value -= by; foreign_array[by & 3] += by;
    table[by & 7] ^= by;
    names[by % 3] = "changed inside";
    *address() += by;
    *foreign_pointer() += 1;
    return count() + hidden + visible;
}
int *inside_address(void) { return &hidden; }
int inside_equal(int *p, int *q) { return (p == &hidden) + 2 * (q == address()); }
NOINLINE static void outside_change(int by) {
    hidden -= by; visible += by; foreign_value *= by; foreign_array[by & 3] -= 1;
    table[by & 7] += by;
    names[by % 3] = "changed outside";
    *address() *= by;
    count();
}
int main(void) {
    for (int i = 1; i < 6; i++) {
        printf("%d\n", inside_change(i));
        outside_change(i);
        printf("%d %d %d %d %d %d\n", hidden, visible, foreign_value, foreign_array[i & 3], *address(), count());
    }
    *inside_address() = 999;
    printf("%d %d\n", hidden, inside_equal(&hidden, address()));
    for (int i = 0; i < 8; i++) printf("%d ", table[i]);
    for (int i = 0; i < 3; i++) printf("%s ", names[i]);
    printf("%d\n", *foreign_pointer());
    return 0;
}
