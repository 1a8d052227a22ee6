// The other unit of inlines.c.
#include "inlines.h"
inline int c99(int n) { return n * 3 + 1; }
int gnu(int n) { return n; }
int other_uses(int n) { return c99(n) + shared(n) + gnu(n); }
int (*other_address(void))(int) { return c99; }
