// Statics are one object for both modules: the box only declares them.
// PASS: --stage=abi --hash=00000000000000aa
static int counter;
static const char names[][4] = {"a", "b"};
static int __attribute__((noinline)) internal(int x) { return counter += x; }
const char *name(int i) { return names[internal(i) & 1]; }
int (*address(void))(int) { return internal; }
// CHECK-DAG: @counter.pb.00000000000000aa = external hidden
// CHECK-DAG: @names.pb.00000000000000aa = external hidden
// CHECK-DAG: define hidden {{.*}} @internal.privbox.00000000000000aa(
// CHECK-DAG: ret ptr @internal.pb.00000000000000aa
