// main as the entry function: argc, argv, envp, environ, auxiliary vector, setenv in the box.
// args: one two three
// link: static static-pie no-pie bfd
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
extern char **environ;
int main(int argc, char **argv, char **envp) {
    for (int i = 1; i < argc; i++) printf("%s ", argv[i]);
    printf("%d %d\n", argc, argv[argc] == 0);
    int found = 0;
    for (char **e = envp; *e; e++) if (!strncmp(*e, "PATH=", 5)) found++;
    printf("%d %d %d\n", found, envp == environ, getenv("PATH") != 0);
    setenv("PRIVBOX_TEST_VARIABLE", "value", 1);
    printf("%s\n", getenv("PRIVBOX_TEST_VARIABLE"));
    printf("%lu\n", getauxval(AT_PAGESZ));
    argv[1][0] = 'O';
    printf("%s %d\n", argv[1], strrchr(argv[0], '/') != 0);
    return argc - 4;
}
