// Shared by the units of inlines.c.
inline int c99(int n);
static inline int shared(int n) { static int calls; return n + ++calls; }
int gnu(int n);
int other_uses(int n);
int (*other_address(void))(int);
