// The caller lays the variadic arguments out in user memory as `va_arg` will look for them: behind the one named
// integer, in the register save area; long double on the stack, which has two words.
// PASS: --stage=abi
int printf(const char *, ...);
int f(int a, double d, long double l) { return printf("%d %f %Lf", a, d, l); }
// CHECK: define hidden {{.*}}i32 @f.privbox
// CHECK: %privbox.args = alloca [24 x i64], align 16
// CHECK: getelementptr i8, ptr %privbox.args, i64 8
// CHECK: getelementptr i8, ptr %privbox.args, i64 48
// CHECK: getelementptr i8, ptr %privbox.args, i64 176
// CHECK: store x86_fp80
// CHECK: {{.*}}@__privbox_va_area
// CHECK: store ptr %privbox.args
// CHECK: {{.*}}@__privbox_va_words
// CHECK: store i64 2, ptr
// CHECK: call {{.*}}i32 @printf.privbox(ptr
// CHECK: define weak hidden {{.*}}i32 @printf.privbox(ptr
// CHECK: load i64, ptr {{.*}}
// CHECK: call void @__privbox_va_block.privbox(ptr {{.*}}, ptr {{.*}}, i64 {{.*}}, i32 1, i32 0, i32 0)
// CHECK: call void @__privbox_gate_callout_block(ptr {{.*}}, ptr nest @printf)
