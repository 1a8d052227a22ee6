// A stub cannot forward `...`: said at compile time, with the function's name.
// PASS: --stage=abi --entry=log
int log(int n, ...) { return n; }
// CHECK: `log` cannot be an entry function: it is variadic
