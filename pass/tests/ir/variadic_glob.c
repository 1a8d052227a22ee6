// A pattern that happens to fit a variadic function is no error: only the box calls the clone.
// PASS: --stage=abi --entry=lo*
int log(int n, ...) { return n; }
// CHECK: define hidden {{.*}}i32 @log.privbox(
