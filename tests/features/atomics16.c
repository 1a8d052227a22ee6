// 16-byte atomics inline (cmpxchg16b), and through libatomic as call-outs; generic ones of odd sizes.
// flags: -mcx16
// flags: -latomic
#include <stdatomic.h>
#include <stdio.h>
typedef unsigned __int128 u128;
static _Atomic u128 wide;
struct pair { long a, b; };
static _Atomic struct pair shared;
struct triple { int v[3]; };
static _Atomic struct triple odd;
static u128 plain __attribute__((aligned(16)));
int main(void) {
    atomic_store(&wide, (u128)5 << 64 | 7);
    u128 old = atomic_fetch_add(&wide, (u128)1 << 64);
    u128 now = atomic_load(&wide);
    printf("%lld %lld %lld\n", (long long)(old >> 64), (long long)(now >> 64), (long long)now);
    u128 expected = 1;
    printf("%d ", atomic_compare_exchange_strong(&wide, &expected, 3));
    printf("%d ", atomic_compare_exchange_strong(&wide, &expected, 3));
    printf("%lld\n", (long long)atomic_load(&wide));
    struct pair p = {1, 2};
    atomic_store(&shared, p);
    struct pair want = {1, 2}, next = {3, 4};
    printf("%d ", atomic_compare_exchange_strong(&shared, &want, next));
    p = atomic_exchange(&shared, want);
    printf("%ld %ld\n", p.a, p.b);
    struct triple t = {{1, 2, 3}};
    atomic_store(&odd, t);
    t = atomic_load(&odd);
    printf("%d %d %d\n", t.v[0], t.v[1], t.v[2]);
    printf("%d ", __sync_bool_compare_and_swap(&plain, 0, (u128)9 << 70));
    printf("%d\n", (int)(plain >> 70));
    return 0;
}
