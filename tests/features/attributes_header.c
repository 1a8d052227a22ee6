// PRIVBOX and PRIVBOX_OUTSIDE of privbox.h, alone: entry functions and excluded ones.
// privbox: -fprivbox-fn=also
// flags: -DPLAIN_FALLBACK
#include <stdio.h>
#if defined(__has_include)
#if __has_include(<privbox.h>)
#include <privbox.h>
#endif
#endif
#ifndef PRIVBOX
#define PRIVBOX
#define PRIVBOX_OUTSIDE
#endif
PRIVBOX_OUTSIDE __attribute__((noinline)) static int excluded(int n) { return n * 2; }
__attribute__((noinline)) static int included(int n) { return n * 3; }
PRIVBOX int entry(int n) { return excluded(n) + included(n); }
PRIVBOX static int entry_static(int n) { return excluded(n) - included(n); }
int also(int n) { return entry(n) + 1; }
int main(void) {
    int (*volatile f)(int) = entry_static;
    printf("%d %d %d\n", entry(5), f(6), also(7));
    return 0;
}
