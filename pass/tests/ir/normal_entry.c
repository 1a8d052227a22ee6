// The normal symbol of an entry function chooses; unknown functions whose address is taken are in
// the translation table with a weak clone.
// PASS: --stage=normal --entry=work
int work(int x) { return x + 1; }
extern int foreign(int);
int (*pointer)(int) = foreign;
static int local(int x) { return x; }
int (*other)(int) = local;
// CHECK: @privbox.map = internal {{.*}}@foreign, ptr @foreign.privbox{{.*}}section ".privbox.map"
// CHECK: define {{.*}}i32 @work(
// CHECK: load i8, ptr @__privbox_enabled
// CHECK: musttail call {{.*}}@work.privbox.normal
// CHECK: call i32 @__privbox_enter({{.*}}ptr nest @work.privbox)
// CHECK: define internal {{.*}}@work.privbox.normal
