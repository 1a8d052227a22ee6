// The caller lays the variadic arguments out in user memory and says of what class each slot is.
// `M`: the runtime must align this one on a real stack, wherever the area has it.
// PASS: --stage=abi
int printf(const char *, ...);
int f(int a, double d, long double l) { return printf("%d %f %Lf", a, d, l); }
// CHECK: @privbox.va.isMm = private unnamed_addr constant
// CHECK: define hidden {{.*}}i32 @f.privbox
// CHECK: store ptr @privbox.va.isMm
// CHECK: call {{.*}}i32 @printf.privbox(ptr
// CHECK: define weak hidden {{.*}}i32 @printf.privbox(ptr
// CHECK: call {{.*}}i64 @strlen.privbox
// CHECK: call void @__privbox_va_block.privbox
// CHECK: call void @__privbox_gate_callout_block(ptr {{.*}}, ptr nest @printf)
