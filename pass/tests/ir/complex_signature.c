// More than six integers: five in registers, the rest in a spill block, never on the stack, because
// rule 9 lets nothing at or above the return address be read.
// PASS: --stage=abi
long many(long a, long b, long c, long d, long e, long f, long g) { return a + f - g; }
// CHECK: define hidden {{.*}}i64 @many.privbox(i64 {{.*}}, i64 {{.*}}, i64 {{.*}}, i64 {{.*}}, i64 {{.*}}, ptr [[B:%.*]])
// CHECK-DAG: getelementptr i8, ptr [[B]], i64 0
// CHECK-DAG: getelementptr i8, ptr [[B]], i64 8
long call(void) { return ((volatile long (*)(long, long, long, long, long, long, long))many)(1, 2, 3, 4, 5, 6, 7); }
