// A caller of setjmp becomes a driver and a body that is called again after each jump; what may be read after a jump is in the frame.
// PASS: --stage=abi --entry=main
#include <setjmp.h>
jmp_buf env;
int next(int);
int twice(int a) {
  int kept = next(a);
  int r = setjmp(env);
  if (r == 0)
    kept += next(kept);
  r += __sigsetjmp(env, a);
  for (int i = 0; i < a; i++)
    r += next(i);
  if (r == 9)
    longjmp(env, r);
  return r + kept;
}
// CHECK: define hidden {{.*}}i32 @twice.privbox(i32
// CHECK: %privbox.frame = alloca
// CHECK: [[PLACE:%.*]] = call ptr @llvm.threadlocal.address.p0(ptr @__privbox_activation)
// CHECK: [[KEPT:%.*]] = load volatile ptr, ptr [[PLACE]]
// CHECK: [[PLACE2:%.*]] = call ptr @llvm.threadlocal.address.p0(ptr @__privbox_unsafe_sp)
// CHECK: [[KEPT2:%.*]] = load volatile ptr, ptr [[PLACE2]]
// CHECK: [[SITE:%.*]] = phi i64 [ 0, %entry ], [ [[NEXT:%.*]], %again ]
// CHECK: [[VALUE:%.*]] = phi i64 [ 0, %entry ], [ [[GIVEN:%.*]], %again ]
// CHECK: call { i64, i64 } @__privbox_gate_try(ptr nest @twice.privbox.cont, ptr %privbox.frame, i64 [[SITE]], i64 [[VALUE]])
// CHECK-NEXT: store volatile ptr [[KEPT]], ptr [[PLACE]]
// CHECK-NEXT: store volatile ptr [[KEPT2]], ptr [[PLACE2]]
// CHECK: br i1 {{.*}}, label %done, label %again
// CHECK: ret i32

// CHECK: define hidden void @twice.privbox.cont(ptr %frame, i64 %site, i64 %value, i64 %token)
// CHECK: store i64 %token, ptr [[TOKEN:%[0-9a-z]+]]
// CHECK: switch i64 %site
// CHECK-NEXT: i64 1, label %setjmp.return
// CHECK-NEXT: i64 2, label
// CHECK: call void @__privbox_setjmp.privbox(ptr {{.*}}, i32 0, ptr [[TOKEN]], i64 1)
// CHECK: setjmp.return:
// CHECK: %setjmp.result = trunc i64
// CHECK: call void @__privbox_setjmp.privbox(ptr {{.*}}, i32 {{.*}}, ptr [[TOKEN]], i64 2)
// CHECK: call void @longjmp.privbox(
// CHECK: ret void
