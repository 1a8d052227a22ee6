// A function of the unit's own with the name of one that the runtime library has: kept outside, it is called out, and not
// the system call of that name made. One that the unit does not define is the library's.
// PASS: --stage=abi --outside=send
int recv(int a);
__attribute__((noinline)) int send(int a) { return a + 1; }
int f(int a) { return send(a) + recv(a); }
// CHECK-DAG: declare {{.*}}@recv.privbox(
// CHECK-DAG: define weak hidden {{.*}}@send.privbox(
