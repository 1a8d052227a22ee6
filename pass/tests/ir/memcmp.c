// FLAGS: -O2
// PASS: --stage=mask
//
// A comparison of a known size is done in place, and masked like any other access; of an unknown one, or to order what
// is long, by the box's function.
#include <string.h>
// CHECK-LABEL: define hidden i32 @equal.privbox(
// CHECK-NOT: call i32
// CHECK: call ptr @llvm.ptrmask.p0.i64(ptr %0,
// CHECK: load i128
// CHECK: call ptr @llvm.ptrmask.p0.i64(ptr %1,
// CHECK-COUNT-3: load i128
// CHECK-NOT: call i32
// CHECK: ret i32
int equal(const char *a, const char *b) { return memcmp(a, b, 32) == 0; }
// CHECK-LABEL: define hidden i32 @order.privbox(
// CHECK-NOT: call i32
// CHECK: call i32 @llvm.bswap.i32
// CHECK: ret i32
int order(const char *a, const char *b) { return memcmp(a, b, 4); }
// CHECK-LABEL: define hidden i32 @any.privbox(
// CHECK: call i32 @{{bcmp|memcmp}}.privbox(
int any(const char *a, const char *b, size_t n) { return memcmp(a, b, n) == 0; }
