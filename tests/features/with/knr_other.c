// The other unit of knr.c, with prototypes.
int elsewhere(int n, int c) { return n * c; }
double elsewhere_double(double x, int n) { return x * n; }
long elsewhere_many(long a, long b, long c, long d, long e, long f, long g, long h) { return a + b * 2 + c * 3 + d * 4 + e * 5 + f * 6 + g * 7 + h * 8; }
