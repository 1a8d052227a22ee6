// A thread-local indexed by a variable, at level pks: LLVM would fold the index into `%fs:(,%rax,4)`, which rule 8 rejects at every level.
// PASS: --stage=abi --level=pks
static _Thread_local int table[64], one;
extern _Thread_local int far;
int indexed(long i) { return table[i]; }
int fixed(void) { return table[7] + one; }
int other(void) { return far; }
int fill(int n) { for (int i = 0; i < n; i++) table[i] = i; return one = n; }
// CHECK-LABEL: @indexed.privbox(
// CHECK: %[[A:.*]] = {{.*}}@llvm.threadlocal.address
// CHECK: %[[H:.*]] = {{.*}}call ptr asm "", "=r,0,{{.*}}"(ptr %[[A]])
// CHECK: getelementptr {{.*}}ptr %[[H]], i64 %0
// CHECK-LABEL: @fixed.privbox(
// CHECK-NOT: asm
// CHECK: ret i32
// CHECK-LABEL: @other.privbox(
// CHECK: asm "movq %fs:0, $0; addq \22far\22@GOTTPOFF(%rip), $0"
