// Another definition may replace a weak one: it is called by address, through a pointer that LLVM
// cannot see through.
// PASS: --stage=abi --hash=00000000000000aa
int __attribute__((weak)) weak(int x) { return x; }
int f(int x) { return weak(x); }
// CHECK: define hidden {{.*}}@weak.privbox.00000000000000aa(
// CHECK: define hidden {{.*}}@f.privbox(
// CHECK: [[P:%.*]] = load ptr, ptr @weak.ref.pb.00000000000000aa
// CHECK: call i32 [[P]](
