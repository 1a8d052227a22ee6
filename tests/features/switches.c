// Switches: dense, sparse, nested, 64-bit, negative, ranges, characters, fall through, with calls, no default.
#include <stdio.h>
#include <limits.h>
#define NOINLINE __attribute__((noinline))
NOINLINE static int dense(int n) {
    switch (n) {
    case 0: return 17; case 1: return 3; case 2: return n * 7; case 3: return 99; case 4: return -1; case 5: return 12;
    case 6: return n + 5; case 7: return 8; case 8: return 1000; case 9: return 4; case 10: return n ^ 3; case 11: return 2;
    default: return n;
    }
}
NOINLINE static int work(int n) {
    int s = 0;
    switch (n) {
    case 10: s += printf("ten "); break;
    case 11: s -= printf("eleven "); /* fall through */
    case 12: s += printf("twelve "); break;
    case 13: s = printf("thirteen "); break;
    case 14: printf("%d ", n); break;
    case 15: case 16: case 17: s = n * n; break;
    case 18: for (int i = 0; i < n; i++) s += i; break;
    case 19: return -19;
    case 20: s = dense(n - 15); break;
    }
    return s;
}
NOINLINE static int sparse(long n) {
    switch (n) {
    case -5000000000: return 1; case -3: return 2; case 0: return 3; case 7: return 4; case 1000: return 5;
    case 123456789: return 6; case 5000000000: return 7; case LONG_MAX: return 8; case LONG_MIN: return 9;
    default: return 0;
    }
}
NOINLINE static int wide(unsigned long n) {
    switch (n) {
    case 0x8000000000000000: return 5; case 0x8000000000000001: return printf("w1 "); case 0x8000000000000002: return 11;
    case 0x8000000000000003: return printf("w3 "); case 0x8000000000000004: return 23; case 0x8000000000000005: return printf("w5 ");
    case 0x8000000000000006: return (int)n; case 0x8000000000000007: return 47;
    default: return -1;
    }
}
NOINLINE static int negative(int n) {
    switch (n) {
    case -8: return 3; case -7: return work(10); case -6: return 4; case -5: return work(13); case -4: return 6; case -3: return 1;
    case -2: return work(18); case -1: return 9; case 0: return 0; case 1: return 5;
    }
    return 77;
}
NOINLINE static int ranges(unsigned char c) {
    switch (c) {
    case '0' ... '9': return 'd';
    case 'a' ... 'z': case 'A' ... 'Z': return 'a';
    case ' ': case '\t': case '\n': return 's';
    case 0x80 ... 0xff: return 'h';
    default: return 'o';
    }
}
NOINLINE static int nested(int a, int b) {
    switch (a) {
    case 0: switch (b) { case 0: return 1; case 1: return work(14); case 2: return 3; case 3: return work(20); case 4: return 5; default: break; }
    case 1: switch (b) { case 0: return 10; case 1: return 20; case 2: a += 5; break; case 3: return work(15); case 4: return 50; }
            a *= 2; break;
    case 2: return work(b + 10);
    case 3: a = b; break;
    case 4: return -b;
    case 5: switch (b & 1) { case 1: return 55; } return 56;
    }
    return a * 100 + b;
}
NOINLINE static int loop(const char *s) {
    int state = 0, n = 0;
    for (; *s; s++) switch (state) {
        case 0: if (*s == '/') state = 1; else n++; break;
        case 1: if (*s == '*') state = 2; else if (*s == '/') state = 4; else { n += 2; state = 0; } break;
        case 2: if (*s == '*') state = 3; break;
        case 3: if (*s == '/') state = 0; else if (*s != '*') state = 2; break;
        case 4: if (*s == '\n') { state = 0; n += 100; } break;
        case 5: __builtin_unreachable();
    }
    return n * 10 + state;
}
static const char *strings(int n) {
    switch (n) { case 1: return "one"; case 2: return "two"; case 3: return "three"; case 4: return "four"; case 5: return "five"; case 6: return "six"; }
    return "many";
}
NOINLINE static void duff(char *to, const char *from, int count) {
    int n = (count + 7) / 8;
    switch (count % 8) {
    case 0: do { *to++ = *from++; case 7: *to++ = *from++; case 6: *to++ = *from++; case 5: *to++ = *from++;
    case 4: *to++ = *from++; case 3: *to++ = *from++; case 2: *to++ = *from++; case 1: *to++ = *from++;
    } while (--n > 0);
    }
}
enum color { RED = 1, GREEN = 2, BLUE = 4, ALL = 7 };
NOINLINE static int colors(enum color c) { switch (c) { case RED: return 10; case GREEN: return 20; case BLUE: return 40; case ALL: return 70; } return 0; }
NOINLINE static int boolean(_Bool b) { switch ((int)b) { case 0: return 7; case 1: return 8; } return 9; }
NOINLINE static int huge(short n) {
#define C(k) case k: return (k * 37) % 1013 + work(10 + k % 9);
#define C5(k) C(k) C(k + 1) C(k + 2) C(k + 3) C(k + 4)
#define C25(k) C5(k) C5(k + 5) C5(k + 10) C5(k + 15) C5(k + 20)
    switch (n) { C25(-50) C25(-25) C25(0) C25(25) C25(50) }
    return -1;
}
int main(void) {
    volatile int k;
    for (k = -2; k < 14; k++) printf("%d ", dense(k));
    printf("\n");
    for (k = 8; k < 23; k++) printf("%d ", work(k));
    printf("\n");
    long s[] = {-5000000000, -3, 0, 7, 1000, 123456789, 5000000000, LONG_MAX, LONG_MIN, 1, -4};
    for (k = 0; k < 11; k++) printf("%d ", sparse(s[k]));
    for (k = -1; k < 10; k++) printf("%d ", wide(0x8000000000000000ul + (long)k));
    printf("\n");
    for (k = -10; k < 4; k++) printf("%d ", negative(k));
    printf("%d %d\n", negative(INT_MIN), negative(INT_MAX));
    for (k = 0; k < 256; k += 13) printf("%c", ranges((unsigned char)k));
    printf("\n");
    for (k = 0; k < 49; k++) printf("%d ", nested(k / 7, k % 7));
    printf("\n%d %d\n", loop("a/b/*c*/d//e\nf/*"), loop(""));
    for (k = 0; k < 8; k++) printf("%s ", strings(k));
    char text[32] = {0};
    duff(text, "the quick brown fox jump", 21);
    printf("%s %d %d %d %d\n", text, colors(RED), colors(ALL), boolean(k & 1), boolean(k & 8));
    for (k = -60; k < 80; k += 3) printf("%d ", huge((short)k));
    printf("\n");
    return 0;
}
