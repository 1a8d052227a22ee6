// The plain unit of knr.c.
int plain(int a, int b, int c, int d, int e, int f, int g, int h) { return a + b * 2 + c * 3 + d * 4 + e * 5 + f * 6 + g * 7 + h * 8; }
double plain_double(int n, double x, double y) { return n * x + y; }
