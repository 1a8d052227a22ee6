// C11 atomics of every size, every order, exchange and compare-exchange loops, fences, flags, pointers.
#include <stdatomic.h>
#include <stdio.h>
#include <stdint.h>
#define NOINLINE __attribute__((noinline))
#define ALL(type, name)                                                                       \
    static _Atomic type name;                                                                 \
    NOINLINE static void test_##name(_Atomic type *p, type v) {                               \
        atomic_store(p, v);                                                                   \
        type a = atomic_fetch_add(p, 3), b = atomic_fetch_sub_explicit(p, 1, memory_order_relaxed); \
        type c = atomic_fetch_or(p, 0x41), d = atomic_fetch_and_explicit(p, 0x7d, memory_order_acq_rel); \
        type e = atomic_fetch_xor(p, 0x13), f = atomic_exchange(p, (type)(e + 1));            \
        type wrong = (type)(f + 1);                                                           \
        int g = atomic_compare_exchange_strong(p, &wrong, 5);                                 \
        type right = wrong;                                                                   \
        int h = atomic_compare_exchange_strong(p, &right, 9);                                 \
        type old = atomic_load_explicit(p, memory_order_acquire);                             \
        while (!atomic_compare_exchange_weak(p, &old, (type)(old * 3 + 1))) {}                \
        *p += 2; (*p)++; --*p; *p ^= 1;                                                       \
        printf(#name " %lld %lld %lld %lld %lld %lld %d %d %lld %lld\n", (long long)a, (long long)b, (long long)c, \
               (long long)d, (long long)e, (long long)f, g, h, (long long)wrong, (long long)atomic_load(p)); \
    }
ALL(uint8_t, u8) ALL(int8_t, s8) ALL(uint16_t, u16) ALL(int16_t, s16) ALL(uint32_t, u32) ALL(int32_t, s32)
ALL(uint64_t, u64) ALL(int64_t, s64)
static atomic_flag flag = ATOMIC_FLAG_INIT;
static _Atomic(int *) pointer;
static _Atomic _Bool yes;
static _Atomic double number;
static _Atomic float single;
NOINLINE static uint64_t max(_Atomic uint64_t *p, uint64_t v) {
    uint64_t old = atomic_load(p);
    while (old < v && !atomic_compare_exchange_weak(p, &old, v)) {}
    return old;
}
NOINLINE static int locked(_Atomic int *p) { return atomic_fetch_and(p, ~4) & 4; }
NOINLINE static int bit_set(_Atomic int *p, int n) { return (atomic_fetch_or(p, 1 << n) >> n) & 1; }
int main(void) {
    test_u8(&u8, 250); test_s8(&s8, -5); test_u16(&u16, 65000); test_s16(&s16, -7); test_u32(&u32, 4000000000u);
    test_s32(&s32, -9); test_u64(&u64, 1ull << 60); test_s64(&s64, -11);
    printf("%d %d ", atomic_flag_test_and_set(&flag), atomic_flag_test_and_set(&flag));
    atomic_flag_clear(&flag);
    printf("%d\n", atomic_flag_test_and_set(&flag));
    int v[4] = {1, 2, 3, 4};
    atomic_store(&pointer, v);
    atomic_fetch_add(&pointer, 2);
    printf("%d ", *atomic_load(&pointer));
    int *old = atomic_exchange(&pointer, v);
    printf("%d %d\n", (int)(old - v), *pointer);
    yes = 1;
    number = 1.5; number += 2; single = 3; single *= 2.5f;
    printf("%d %g %g\n", yes, number, single);
    atomic_thread_fence(memory_order_seq_cst);
    atomic_signal_fence(memory_order_acq_rel);
    atomic_thread_fence(memory_order_release);
    _Atomic int local = 12;
    printf("%d %d %d ", locked(&local), bit_set(&local, 5), bit_set(&local, 5));
    printf("%d\n", local);
    printf("%llu %llu\n", (unsigned long long)max(&u64, 5), (unsigned long long)max(&u64, ~0ull));
    printf("%llu\n", (unsigned long long)u64);
    int plain = 5;
    printf("%d ", __sync_fetch_and_add(&plain, 3));
    printf("%d ", __sync_bool_compare_and_swap(&plain, 8, 20));
    printf("%d ", __sync_val_compare_and_swap(&plain, 8, 30));
    printf("%d ", __atomic_add_fetch(&plain, 1, __ATOMIC_SEQ_CST));
    printf("%d ", __atomic_nand_fetch(&plain, 3, __ATOMIC_SEQ_CST));
    __sync_synchronize();
    __sync_lock_test_and_set(&plain, 7);
    printf("%d ", plain);
    __sync_lock_release(&plain);
    printf("%d\n", plain);
    return 0;
}
