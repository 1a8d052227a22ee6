// va_start leads clang's own va_arg to the caller's va area: behind one named integer in its register save area.
// PASS: --stage=abi
int sum(int n, ...) {
  __builtin_va_list list;
  __builtin_va_start(list, n);
  int s = 0;
  while (n--) s += __builtin_va_arg(list, int);
  __builtin_va_end(list);
  return s;
}
int odd(int a, int b, int c, int d, int e, double x, int f, int g, ...) {
  __builtin_va_list list;
  __builtin_va_start(list, g);
  int s = __builtin_va_arg(list, int);
  __builtin_va_end(list);
  return s;
}
// CHECK: define hidden {{.*}}i32 @sum.privbox(i32 {{[^.]*}})
// CHECK: call {{.*}}@llvm.threadlocal.address{{.*}}(ptr {{.*}}@__privbox_va_area)
// CHECK: getelementptr i8, ptr %va.area, i64 176
// CHECK: store i32 8,
// CHECK: store i32 48,
// CHECK-NOT: llvm.va_start
// CHECK: define hidden {{.*}}@odd.privbox(
// CHECK: getelementptr i8, ptr %va.area, i64 184
// CHECK: store i32 48,
// CHECK: store i32 64,
// CHECK-NOT: llvm.va_start
// CHECK-NOT: llvm.va_end
