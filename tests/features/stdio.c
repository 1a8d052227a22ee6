// stdio: files, buffering, scanning, seeking, pushing back, memory streams, printf's conversions and results.
// flags: -D_GNU_SOURCE
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static void list(FILE *f) { char line[64]; rewind(f); while (fgets(line, sizeof line, f)) printf("[%.*s]", (int)strcspn(line, "\n"), line); printf("\n"); }
int main(void) {
    FILE *f = tmpfile();
    for (int i = 0; i < 5; i++) fprintf(f, "%d %s %.2f\n", i, "line", i / 3.0);
    list(f);
    fseek(f, 5, SEEK_SET);
    fputs("XY", f);
    list(f);
    rewind(f);
    int n;
    char word[16];
    float x;
    while (fscanf(f, "%d %15s %f", &n, word, &x) == 3) printf("%d:%s:%.2f ", n, word, x);
    printf("%d %ld\n", feof(f), ftell(f));
    fclose(f);
    char *text;
    size_t size;
    f = open_memstream(&text, &size);
    for (int i = 0; i < 50; i++) { fputc('a' + i % 26, f); fwrite("--", 1, i % 3, f); }
    fclose(f);
    printf("%zu %s\n", size, text);
    f = fmemopen(text, size, "r");
    int c = fgetc(f);
    ungetc('#', f);
    int d = fgetc(f), e = getc(f);
    printf("%c%c%c", c, d, e);
    char *row = 0;
    size_t room = 0;
    printf(" %zd\n", getdelim(&row, &room, 'z', f));
    free(row);
    fclose(f);
    free(text);
    printf("%5d|%-5d|%05d|%+d|%x|%X|%#o|%c|%%|%s|%.3s|%10s|%-10s|\n", 42, 42, 42, 42, 255, 255, 8, 'c', "str", "truncate", "right", "left");
    printf("%hhd %hd %d %ld %lld %zu %td %jd\n", (char)-1, (short)-2, -3, -4L, -5LL, (size_t)6, (ptrdiff_t)7, (__intmax_t)8);
    printf("%*d %.*f %-*s|\n", 8, 5, 3, 3.14159, 6, "ab");
    printf("%2$s %1$s\n", "one", "two");
    printf("count%n", &n);
    printf("%d\n", n);
    printf("%d\n", printf("%s", ""));
    setvbuf(stdout, 0, _IONBF, 0);
    puts("unbuffered");
    dprintf(1, "direct %d\n", 5);
    putchar('!');
    fprintf(stdout, "%ls\n", L"wide");
    return 0;
}
