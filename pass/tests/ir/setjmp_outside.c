// A frame cannot hold what has no fixed size: such a caller stays outside.
// PASS: --stage=abi
#include <setjmp.h>
jmp_buf env;
void use(char *);
int vla(int n) {
  char v[n];
  use(v);
  return setjmp(env);
}
int other(int n) { return n; }
// CHECK-NOT: @vla.privbox
// CHECK: define hidden {{.*}}i32 @other.privbox(
// CHECK-NOT: @vla.privbox
