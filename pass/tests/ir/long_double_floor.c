// A library function that LLVM would call with a long double on the stack is called in the IR instead,
// where the box convention applies. sin and cos too: LLVM would join them to a sincos that is given
// addresses of the safe stack.
// FLAGS: -O2 -fno-math-errno
// PASS: --stage=abi
double sin(double), cos(double);
long double f(long double x) { return __builtin_floorl(x); }
double g(double x) { return sin(x) * cos(x); }
// CHECK-DAG: call {{.*}}x86_fp80 @floorl.privbox(ptr
// CHECK-DAG: call {{.*}}double @sin.privbox(double
// CHECK-DAG: call {{.*}}double @cos.privbox(double
