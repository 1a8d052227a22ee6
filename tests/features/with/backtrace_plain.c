// The plain unit of backtrace.c.
#include <execinfo.h>
extern char _start[];
int reaches_start(int at_least) {
    void *frames[100];
    int n = backtrace(frames, 100);
    for (int i = 0; i < n; i++)
        if ((char *)frames[i] >= _start && (char *)frames[i] < _start + 64) return i >= at_least ? 1 : 1000 + i;
    return -n;
}
