// The strong definitions for weak_symbols.c.
int overridden(int n) { return n * 100; }
int other_weak_data = 88;
int kept(int);
int strong_caller(int n) { return kept(n) + overridden(n); }
