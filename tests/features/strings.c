// The string functions of the C library, called by name and through builtins, at every length and alignment.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#define NOINLINE __attribute__((noinline))
static char buffer[4096], other[4096];
NOINLINE static unsigned hash(const void *p, size_t n) { unsigned h = 5381; const unsigned char *c = p; while (n--) h = h * 33 ^ *c++; return h; }
NOINLINE static int sign(int n) { return (n > 0) - (n < 0); }
int main(void) {
    volatile size_t zero = 0;
    for (size_t n = 0; n < 200; n += 1 + n / 9) for (size_t o = 0; o < 9; o += 4) {
        for (size_t i = 0; i < sizeof buffer; i++) buffer[i] = (char)(i * 31 + n);
        memset(other, 'z', sizeof other);
        memcpy(other + o, buffer + 3 * o, n);
        memmove(other + 300 + o, other + 290, n);
        memmove(other + 600, other + 600 + o, n);
        memset(other + 1000 + o, (int)n, n);
        printf("%x ", hash(other, sizeof other));
        printf("%d ", sign(memcmp(buffer + o, buffer + o + 1, n)) + sign(memcmp(buffer, buffer + zero, n)) * 10);
    }
    printf("\n");
    for (int n = 0; n < 70; n += 3) {
        memset(buffer, 'a', 200); buffer[n] = 0;
        strcpy(other, buffer); strcat(other, "bcd");
        printf("%zu %zu %d %d ", strlen(buffer), strnlen(other, 20), sign(strcmp(buffer, other)), sign(strncmp(buffer, other, n)));
        char *p = strchr(other, 'c');
        printf("%td %td ", p - other, (char *)memchr(other, 'd', 200) - other);
        strncpy(buffer + 300, other, 40);
        printf("%x ", hash(buffer + 300, 40));
    }
    printf("\n");
    char text[] = "one, two;three  four";
    for (char *save = 0, *t = strtok_r(text, ",; ", &save); t; t = strtok_r(0, ",; ", &save)) printf("<%s>", t);
    printf("%s %s %s\n", strstr("haystack needle", "need"), strrchr("a/b/c", '/'), strpbrk("hello", "lo"));
    printf("%zu %zu %d %d\n", strspn("aabbc", "ab"), strcspn("hello", "lo"), sign(strcasecmp("HeLLo", "hello")), sign(strncasecmp("abX", "ABy", 3)));
    char *d = strdup("duplicate");
    d[0] = (char)toupper((unsigned char)d[0]);
    printf("%s %ld %lu %g %d\n", d, strtol("-0x1fz", 0, 16), strtoul("777", 0, 8), strtod("2.5e3", 0), atoi("42abc"));
    free(d);
    char big[300];
    int n = snprintf(big, 10, "%s", "truncated output");
    printf("%d %s\n", n, big);
    int hex = 0;
    sscanf("12 abc 3.5 0x1f", "%d %9s %*f %i", &n, big, &hex);
    printf("%d %s %d %s\n", n, big, hex, strerror(2));
    char *end = stpcpy(stpcpy(big, "ab"), "cd");
    printf("%td %s %d\n", end - big, big, bcmp(big, "abcd", 4));
    for (int c = 0; c < 128; c += 11) printf("%d%d%d%d ", !!isalpha(c), !!isdigit(c), !!isspace(c), tolower(c));
    printf("\n");
    return 0;
}
