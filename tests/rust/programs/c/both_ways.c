/* The C half of `both_ways.rs`: entry functions that call Rust's and are called by them. */
#include <privbox.h>
#include <stdint.h>
#include <string.h>

uint64_t rust_entry(uint64_t n);

PRIVBOX uint64_t c_entry(uint64_t n)
{
	return n < 2 ? n + 7 : rust_entry(n - 1) + (n << 3);
}

void c_walk(uint64_t n, void (*visit)(void *, uint64_t), void *place)
{
	for (uint64_t i = 0; i < n; i += 3) {
		visit(place, i);
		visit(place, rust_entry(i) % 1000);
	}
}

PRIVBOX_OUTSIDE uint64_t c_outside(const char *text)
{
	return strlen(text) + c_entry(5);
}
