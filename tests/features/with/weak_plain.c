// Plain clang's strong definition for weak_foreign.c.
int overridden(int n) { return n * 1000; }
int plain_calls(int (*f)(int), int n) { return f(n) + overridden(1); }
