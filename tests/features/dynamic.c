// dlopen and dlsym in the box: function pointers that no translation table knows; getpid as a pointer of libc.
// flags: -ldl
// no: strict
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
int main(void) {
    void *m = dlopen("libm.so.6", RTLD_NOW);
    if (!m) { printf("%s\n", dlerror()); return 1; }
    double (*cosine)(double) = (double (*)(double))dlsym(m, "cos");
    double (*power)(double, double) = (double (*)(double, double))dlsym(m, "pow");
    printf("%.10f %.10f\n", cosine(0.5), power(2, 0.5));
    size_t (*length)(const char *) = (size_t (*)(const char *))dlsym(RTLD_DEFAULT, "strlen");
    int (*print)(const char *, ...) = (int (*)(const char *, ...))dlsym(RTLD_DEFAULT, "printf");
    print("%zu %.2f %s\n", length("seven77"), 1.25, "through dlsym");
    printf("%d\n", dlsym(m, "no_such_function") == 0);
    dlclose(m);
    return 0;
}
