// Jsonnet's own test suite, by the library's C interface: each file is evaluated as the suite's scripts do it, and what comes out is
// printed, errors and all. Most of the files are wrong on purpose: parser and interpreter throw, by type, out of deep recursions.
extern "C" {
#include <libjsonnet.h>
}
#include <cstdio>
#include <cstring>
#include <string>
#include <unistd.h>

static int evaluate(const std::string &file)
{
    JsonnetVm *vm = jsonnet_make();
    bool top_level = file.rfind("tla.", 0) == 0;
    (top_level ? jsonnet_tla_var : jsonnet_ext_var)(vm, "var1", "test");
    (top_level ? jsonnet_tla_code : jsonnet_ext_code)(vm, "var2", "{x:1,y:2}");
    int error = 0;
    char *output = jsonnet_evaluate_file(vm, file.c_str(), &error);
    std::printf("== %s: %d\n%s\n", file.c_str(), error, output);
    jsonnet_realloc(vm, output, 0);
    jsonnet_destroy(vm);
    return error;
}

int main(int argc, char **argv)
{
    int wrong = 0;
    for (int i = 1; i < argc; i++) {
        std::string path = argv[i];
        std::size_t name = path.rfind('/') + 1;
        if (name && chdir(path.substr(0, name).c_str())) return 2;
        wrong += evaluate(path.substr(name));
    }
    std::printf("%d of %d files are wrong\n", wrong, argc - 1);
    return argc < 100 || wrong < 20;
}
