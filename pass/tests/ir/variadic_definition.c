// va_start says that all registers are used up, so that clang's va_arg reads the caller's va area.
// PASS: --stage=abi
int sum(int n, ...) {
  __builtin_va_list list;
  __builtin_va_start(list, n);
  int s = 0;
  while (n--) s += __builtin_va_arg(list, int);
  __builtin_va_end(list);
  return s;
}
// CHECK: define hidden {{.*}}i32 @sum.privbox(i32 {{[^.]*}})
// CHECK: call {{.*}}@llvm.threadlocal.address{{.*}}(ptr {{.*}}@__privbox_va_area)
// CHECK: store i32 48
// CHECK: store i32 176
// CHECK-NOT: llvm.va_start
// CHECK-NOT: llvm.va_end
