// The plain unit of vectors_foreign.c.
#include <stdarg.h>
#include "vectors_plain.h"
v8 foreign_add(v8 a, v8 b) { return a + b; }
v8 foreign_many(v8 a, v8 b, v8 c, v8 d, v8 e, v8 f, v8 g, v8 h, v8 i, v8 j) { return a + b * 2 + c * 3 + d * 4 + e * 5 + f * 6 + g * 7 + h * 8 + i * 9 + j * 10; }
struct two foreign_struct(struct two t) { return (struct two){t.b, t.a}; }
int foreign_variadic(int n, ...) { va_list l; va_start(l, n); int s = 0; while (n--) { v8 v = va_arg(l, v8); s = s * 3 + v[1] + v[7]; } va_end(l); return s; }
v8 foreign_callback(v8 (*f)(v8, v8), v8 a, v8 b) { return f(a, b) * 2; }
v4 foreign_small(v4 a, int n, v4 b) { return a * n + b; }
