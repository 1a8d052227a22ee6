// The other unit of aliases.c.
int elsewhere(int n) { return n * n; }
int elsewhere_name(int) __attribute__((alias("elsewhere")));
