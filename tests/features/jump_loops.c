// Jump tables in hot loops: a byte-code machine, a tokenizer, a state machine over generated input.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define NOINLINE __attribute__((noinline))
enum op { PUSH, ADD, SUB, MUL, DUP, SWAP, DROP, JNZ, JMP, LOAD, STORE, PRINT, CALL, RET, HALT, NOP };
NOINLINE static long machine(const int *code, long *memory) {
    long stack[64], calls[16];
    int sp = 0, cp = 0, pc = 0;
    long steps = 0;
    for (;;) {
        steps++;
        switch (code[pc++]) {
        case PUSH: stack[sp++] = code[pc++]; break;
        case ADD: sp--; stack[sp - 1] += stack[sp]; break;
        case SUB: sp--; stack[sp - 1] -= stack[sp]; break;
        case MUL: sp--; stack[sp - 1] = (stack[sp - 1] * stack[sp]) & 0xffffff; break;
        case DUP: stack[sp] = stack[sp - 1]; sp++; break;
        case SWAP: { long t = stack[sp - 1]; stack[sp - 1] = stack[sp - 2]; stack[sp - 2] = t; break; }
        case DROP: sp--; break;
        case JNZ: if (stack[--sp]) pc = code[pc]; else pc++; break;
        case JMP: pc = code[pc]; break;
        case LOAD: stack[sp++] = memory[code[pc++]]; break;
        case STORE: memory[code[pc++]] = stack[--sp]; break;
        case PRINT: printf("%ld ", stack[--sp]); break;
        case CALL: calls[cp++] = pc + 1; pc = code[pc]; break;
        case RET: pc = (int)calls[--cp]; break;
        case HALT: return steps;
        case NOP: continue;
        default: return -1;
        }
    }
}
NOINLINE static int tokens(const char *s) {
    long h = 7;
    while (*s) {
        switch (*s) {
        case ' ': case '\t': case '\n': s++; continue;
        case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9': { long v = strtol(s, (char **)&s, 10); h = h * 31 + (int)v; break; }
        case '+': h = h * 31 + (s[1] == '+' ? (s++, 1) : 2); s++; break;
        case '-': case '*': case '/': case '%': h = h * 31 + *s++; break;
        case '(': case ')': case '[': case ']': case '{': case '}': h ^= *s++; break;
        case '"': for (s++; *s && *s != '"'; s++) { switch (*s) { case '\\': s++; h += *s; break; default: h = (h * 3 + *s) & 0xffffff; } } if (*s) s++; break;
        case 'a' ... 'z': case 'A' ... 'Z': case '_': while (*s && (*s == '_' || (*s | 32) >= 'a')) h = (h * 33 ^ *s++) & 0xffffff; break;
        default: h--; s++; break;
        }
        h &= 0xffffff;
    }
    return (int)h;
}
int main(void) {
    static const int program[] = {PUSH, 0, STORE, 0, PUSH, 1000, STORE, 1, /*8*/ LOAD, 0, LOAD, 1, CALL, 27, STORE, 0, LOAD, 1, PUSH, 1, SUB, DUP, STORE, 1, JNZ, 8, HALT, /*27*/ NOP, DUP, MUL, ADD, PUSH, 3, MUL, RET};
    long memory[4] = {0};
    long steps = machine(program, memory);
    printf("%ld %ld\n", steps, memory[0]);
    printf("%d\n", tokens("int main(void) { return foo[12] + 34 ++ \"st\\nr\" * (x - _y9) / 77 % 5; } @#"));
    return 0;
}
