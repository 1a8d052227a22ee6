// modf, frexp and sincos: code generation would pass addresses of the safe stack for the second result.
// FLAGS: -O2 -fno-math-errno
// PASS: --stage=abi
double modf(double, double *), frexp(double, int *), sin(double), cos(double);
void sincos(double, double *, double *);
double f(double x) { double i; return modf(x, &i) + i; }
double g(double x) { int e; return frexp(x, &e) * e; }
double h(double x) { return sin(x) * cos(x); }
double k(double x) { double s, c; sincos(x, &s, &c); return s * c; }
double l(double x) { double s, c; __builtin_sincos(x, &s, &c); double i; return __builtin_modf(s, &i) + i; }
// CHECK-LABEL: @f.privbox(
// CHECK: call double @modf.privbox(double %{{.*}}, ptr %[[I:.*]])
// CHECK: load double, ptr %[[I]]
// CHECK-LABEL: @g.privbox(
// CHECK: call double @frexp.privbox(
// CHECK-LABEL: @h.privbox(
// CHECK: call double @sin.privbox(
// CHECK: call double @cos.privbox(
// CHECK-LABEL: @k.privbox(
// CHECK: call void @sincos.privbox(double %{{.*}}, ptr %[[S:.*]], ptr %[[C:.*]])
// CHECK: load double, ptr %[[S]]
// CHECK: load double, ptr %[[C]]
// CHECK-LABEL: @l.privbox(
// CHECK-NOT: @llvm.modf
// CHECK-NOT: @llvm.sincos
// CHECK: ret double
