/* Plain code: jumps into the box, is jumped to from it, calls back in between. */
#include <setjmp.h>
#include <stdlib.h>
void foreign_jump(jmp_buf env, int value) { longjmp(env, value); }
void foreign_sigjump(sigjmp_buf env, int value) { siglongjmp(env, value); }
int foreign_catch(void (*f)(jmp_buf *, int), int v) {
    jmp_buf env;
    volatile int before = v;
    int r = setjmp(env);
    if (r) return r + before;
    f(&env, v);
    return -1;
}
int foreign_calls(int (*f)(void *), void *p) { return f(p) + 1; }
