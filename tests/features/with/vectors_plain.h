// Shared by the units of vectors_foreign.c.
typedef int v8 __attribute__((vector_size(32)));
typedef int v4 __attribute__((vector_size(16)));
struct two { v8 a, b; };
v8 foreign_add(v8 a, v8 b);
v8 foreign_many(v8 a, v8 b, v8 c, v8 d, v8 e, v8 f, v8 g, v8 h, v8 i, v8 j);
struct two foreign_struct(struct two t);
int foreign_variadic(int n, ...);
v8 foreign_callback(v8 (*f)(v8, v8), v8 a, v8 b);
v4 foreign_small(v4 a, int n, v4 b);
