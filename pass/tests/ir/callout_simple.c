// A callee of unknown code gets a weak stub, so that its clone in another unit wins at link time;
// what the runtime library provides is a plain reference.
// PASS: --stage=abi
int foreign(int, double);
unsigned long strlen(const char *);
int f(int a, char *s) { return foreign(a, 1.0) + (int)strlen(s); }
// CHECK-DAG: call {{.*}}i32 @foreign.privbox
// CHECK-DAG: call {{.*}}i64 @strlen.privbox
// CHECK-DAG: declare hidden {{.*}}i64 @strlen.privbox
// CHECK-DAG: define weak hidden {{.*}}i32 @foreign.privbox(i32 {{.*}}, double
// CHECK-DAG: tail call {{.*}}i32 @__privbox_gate_callout(i32 {{.*}}, double {{.*}}, ptr nest @foreign)
