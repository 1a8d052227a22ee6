// QuickJS: runs the scripts named in its arguments, its own tests, each in a runtime of its own.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "quickjs-libc.h"
#include "quickjs.h"
static JSValue evaluate(JSContext *ctx, const char *path, const char *text, size_t length) {
    bool module = JS_DetectModule(text, length);
    if (!module) return JS_Eval(ctx, text, length, path, JS_EVAL_TYPE_GLOBAL);
    JSValue value = JS_Eval(ctx, text, length, path, JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
    if (JS_IsException(value)) return value;
    if (js_module_set_import_meta(ctx, value, true, true) < 0) {
        JS_FreeValue(ctx, value);
        return JS_EXCEPTION;
    }
    return js_std_await(ctx, JS_EvalFunction(ctx, value));
}
static JSValue collect(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
    JS_RunGC(JS_GetRuntime(ctx));
    return JS_UNDEFINED;
}
static int run(const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    JSRuntime *rt = JS_NewRuntime();
    JSContext *ctx = JS_NewContext(rt);
    // The C stack of a box is its unsafe stack: what the engine measures is the same.
    JS_SetMaxStackSize(rt, 256 << 10);
    js_std_init_handlers(rt);
    js_std_add_helpers(ctx, 0, NULL);
    js_init_module_std(ctx, "qjs:std");
    js_init_module_os(ctx, "qjs:os");
    js_init_module_bjson(ctx, "qjs:bjson");
    JSValue global = JS_GetGlobalObject(ctx);
    JS_SetPropertyStr(ctx, global, "gc", JS_NewCFunction(ctx, collect, "gc", 0));
    JS_FreeValue(ctx, global);
    JS_SetModuleLoaderFunc2(rt, NULL, js_module_loader, js_module_check_attributes, NULL);
    size_t length;
    uint8_t *text = js_load_file(ctx, &length, path);
    if (!text) {
        fprintf(stderr, "cannot read %s\n", path);
        return 1;
    }
    JSValue value = evaluate(ctx, path, (const char *)text, length);
    int failed = JS_IsException(value);
    if (failed) js_std_dump_error(ctx);
    JS_FreeValue(ctx, value);
    if (!failed) failed = js_std_loop(ctx) != 0;
    js_free(ctx, text);
    js_std_free_handlers(rt);
    JS_FreeContext(ctx);
    JS_FreeRuntime(rt);
    printf("%s %s\n", name, failed ? "failed" : "passed");
    fflush(stdout);
    return failed;
}
int main(int argc, char **argv) {
    int failed = 0;
    for (int i = 1; i < argc; i++) failed += run(argv[i]);
    printf("%d failed\n", failed);
    return failed != 0;
}
