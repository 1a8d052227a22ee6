// An inline system call becomes a call of the gate, with the number handed over in R10, or in RCX where R10 or
// more than three arguments are needed: no register that the call does not have is made zero.
// PASS: --stage=abi
#define SYSCALL(...) __asm__ volatile("syscall" : "=a"(r) : "a"(n), ##__VA_ARGS__ : "rcx", "r11", "memory")
long none(long n) {
  long r;
  SYSCALL();
  return r;
}
long three(long n, char *a, int b, unsigned c) {
  long r;
  SYSCALL("D"(a), "S"(b), "d"(c));
  return r;
}
long gap(long n, long a) {
  long r;
  SYSCALL("d"(a));
  return r;
}
long four(long n, long a, long d) {
  register long r10 __asm__("r10") = d;
  long r;
  SYSCALL("D"(a), "S"(a), "d"(a), "r"(r10));
  return r;
}
// CHECK: [[N:%.*]] = inttoptr i64 {{%.*}} to ptr
// CHECK: call i64 @__privbox_syscall.0.privbox(ptr nest [[N]])
// CHECK: call i64 @__privbox_syscall.3.privbox(i64 {{%.*}}, i64 {{%.*}}, i64 {{%.*}}, ptr nest
// CHECK: call i64 @__privbox_syscall.privbox(i64 undef, i64 undef, i64 {{%.*}}, i64 {{%.*}}, i64 undef, i64 undef, ptr nest undef)
// CHECK: call i64 @__privbox_syscall.privbox(i64 {{%.*}}, i64 {{%.*}}, i64 {{%.*}}, i64 {{%.*}}, i64 undef, i64 undef, ptr nest {{%.*}})
// CHECK-DAG: define weak hidden i64 @__privbox_syscall.0.privbox(ptr nest
// CHECK-DAG: define weak hidden i64 @__privbox_syscall.3.privbox(i64 {{%.*}}, i64 {{%.*}}, i64 {{%.*}}, ptr nest
// CHECK-DAG: movq %r10, %rax; jmp __privbox_gate_syscall
// CHECK-DAG: define weak hidden i64 @__privbox_syscall.privbox(
// CHECK-DAG: movq %rcx, %rax; jmp __privbox_gate_syscall
