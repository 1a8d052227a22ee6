// Labels as values: an interpreter, a static table, relative labels, a goto out of and into scopes.
#include <stdio.h>
#define NOINLINE __attribute__((noinline))
NOINLINE static long run(const unsigned char *code, long x) {
    static void *const table[] = {&&halt, &&add, &&mul, &&dec, &&jump_not_zero, &&push, &&pop};
    long stack[8], acc = 0;
    int sp = 0, pc = 0;
    goto *table[code[pc++]];
add: acc += x; goto *table[code[pc++]];
mul: acc = (acc * 3) & 0xffff; goto *table[code[pc++]];
dec: x--; goto *table[code[pc++]];
jump_not_zero: pc = x ? code[pc] : pc + 1; goto *table[code[pc++]];
push: stack[sp++ & 7] = acc; goto *table[code[pc++]];
pop: acc ^= stack[--sp & 7]; goto *table[code[pc++]];
halt: return acc;
}
NOINLINE static int relative(int n) {
    static const int offsets[] = {&&zero - &&zero, &&one - &&zero, &&two - &&zero};
    int s = 0;
again:
    goto *(&&zero + offsets[n % 3]);
zero: s += 1; if (n-- > 5) goto again; return s;
one: s += 10; if (n-- > 5) goto again; return s;
two: s += 100; if (n-- > 5) goto again; return s;
}
NOINLINE static int chosen(int n) {
    void *target = n > 0 ? &&positive : &&other;
    goto *target;
positive: return 1;
other: return n < 0 ? -1 : 0;
}
int main(void) {
    unsigned char code[] = {5, 1, 2, 3, 4, 1, 6, 0};
    for (volatile long i = 1; i < 30; i += 7) printf("%ld ", run(code, i));
    for (volatile int i = 0; i < 12; i++) printf("%d ", relative(i));
    printf("%d %d %d\n", chosen(5), chosen(-5), chosen(0));
    return 0;
}
