// Aliases of functions and of data, exported and static, weak ones, called directly and by address.
// with: with/alias_other.c
// link: static no-pie
#include <stdio.h>
int original(int n) { return n * 2; }
int other_name(int) __attribute__((alias("original")));
int weak_name(int) __attribute__((weak, alias("original")));
static int hidden(int n) { return n + 100; }
static int hidden_name(int) __attribute__((alias("hidden")));
int exported_hidden(int) __attribute__((alias("hidden")));
int data[3] = {1, 2, 3};
extern int data_name[3] __attribute__((alias("data")));
int elsewhere(int);
int elsewhere_name(int);
int renamed(int) __asm__("strange.name");
int renamed(int n) { return n - 7; }
int main(void) {
    volatile int n = 5;
    printf("%d %d %d %d %d\n", original(n), other_name(n), weak_name(n), hidden_name(n), exported_hidden(n));
    data_name[1] = 50;
    int *volatile same = data_name;
    printf("%d %d\n", data[1], data == same);
    printf("%d %d %d\n", elsewhere(n), elsewhere_name(n), renamed(n));
    int (*f[])(int) = {original, other_name, weak_name, hidden_name, elsewhere_name, renamed};
    for (int i = 0; i < 6; i++) printf("%d ", f[i](n + i));
    printf("%d\n", f[0] == f[1]);
    return 0;
}
