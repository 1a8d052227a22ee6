/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * What `catch` in the box asks (pass/src/catches.rs): does this exception match that type? The C++ runtime's
 * personality routine asks and answers outside; here it is done as there, with the same notes in the exception's header,
 * which __cxa_begin_catch and __cxa_call_unexpected read. The header is the Itanium C++ ABI's, libstdc++'s and libc++abi's
 * alike; the library is linked into programs without any C++, hence the weak names and C.
 */
#include "cxx.h"
#include <unwind.h>

/* Before the object that was thrown. A dependent exception (std::rethrow_exception) has, in place of the type,
 * the address of the object. */
struct header {
	const struct type_info *type;
	void (*destructor)(void *);
	void (*unexpected)(void);
	void (*terminate)(void);
	struct header *next;
	int handler_count;
	int handler_switch_value;
	const unsigned char *action_record;
	const unsigned char *language_specific_data;
	const void *catch_temp;
	void *adjusted;
	struct _Unwind_Exception unwind;
};
_Static_assert(offsetof(struct header, unwind) == 80, "Itanium C++ ABI, 2.2.1");
_Static_assert(sizeof(struct header) == 112, "the object is aligned as for any type");

/* libstdc++'s std::type_info, as <typeinfo> declares it; libc++abi's has as many functions before its own. */
struct type_info {
	const struct {
		void (*destroy)(struct type_info *);
		void (*delete)(struct type_info *);
		bool (*is_pointer)(const struct type_info *);
		bool (*is_function)(const struct type_info *);
		union {
			bool (*do_catch)(const struct type_info *, const struct type_info *thrown,
					 void **object, unsigned outer);
			bool (*can_catch)(const struct type_info *, const struct type_info *thrown,
					  void **object);
		};
	} *functions;
	const char *name;
};

/* The classes of exceptions; the last byte is 1 if it is a dependent one. */
#define GNU UINT64_C(0x474e5543432b2b00)
#define CLANG UINT64_C(0x434c4e47432b2b00)

/* Which exceptions of other languages match, besides `catch (...)`. */
extern const struct type_info foreign __asm__("_ZTIN10__cxxabiv119__foreign_exceptionE")
	__attribute__((weak));

PB_HIDDEN long __privbox_catches(struct _Unwind_Exception *exception, const struct type_info *type,
				 long selector, long before);
PB_HIDDEN long __privbox_violates(struct _Unwind_Exception *exception, const unsigned char *data,
				  long types, long before);

static struct header *header_of(struct _Unwind_Exception *exception)
{
	return (struct header *)((char *)exception - offsetof(struct header, unwind));
}

static uint64_t runtime_of(const struct _Unwind_Exception *exception)
{
	return exception->exception_class & ~UINT64_C(1);
}

/* The object of a C++ exception, and the header that its type is in. */
static void *object_of(struct _Unwind_Exception *exception, struct header **header)
{
	*header = header_of(exception);
	if (exception->exception_class & 1) {
		void *object = (void *)(*header)->type;

		*header = (struct header *)object - 1;
		return object;
	}
	return exception + 1;
}

/* Is `exception` to be caught as `type`? Then *object is what the handler gets. */
static bool matches(struct _Unwind_Exception *exception, const struct type_info *type, void **object)
{
	uint64_t runtime = runtime_of(exception);
	struct header *header;
	void *adjusted;

	if (runtime == GNU) {
		adjusted = object_of(exception, &header);
		if (header->type->functions->is_pointer(header->type))
			adjusted = *(void **)adjusted;
		if (!type->functions->do_catch(type, header->type, &adjusted, 1))
			return false;
	} else if (runtime == CLANG) {
		adjusted = object_of(exception, &header);
		if (!type->functions->can_catch(type, header->type, &adjusted))
			return false;
	} else {
		adjusted = NULL;
		return type == &foreign;
	}
	*object = adjusted;
	return true;
}

static bool is_cxx(const struct _Unwind_Exception *exception)
{
	return runtime_of(exception) == GNU || runtime_of(exception) == CLANG;
}

/* A clause `catch (type)` of a landing pad: `selector` if it is the first that matches. `before`: what the
 * clauses before it said, 0 if nothing. */
long __privbox_catches(struct _Unwind_Exception *exception, const struct type_info *type, long selector,
		       long before)
{
	void *object = NULL;

	if (before || !matches(exception, type, &object))
		return before;
	if (is_cxx(exception)) {
		header_of(exception)->handler_switch_value = (int)selector;
		header_of(exception)->adjusted = object;
	}
	return selector;
}

/* An exception specification: -1 if none of the `types` is matched. `data` is language-specific data of that one
 * specification (pass/src/catches.rs), for __cxa_call_unexpected: eight bytes, the types, the list of them. */
long __privbox_violates(struct _Unwind_Exception *exception, const unsigned char *data, long types,
			long before)
{
	const struct type_info *const *allowed = (const void *)(data + 8);
	struct header *header;
	void *object;

	if (before)
		return before;
	for (long i = 0; i < types; i++)
		if (matches(exception, allowed[i], &object))
			return 0;
	if (is_cxx(exception)) {
		object = object_of(exception, &header);
		header = header_of(exception);
		header->handler_switch_value = -1;
		header->language_specific_data = data;
		header->catch_temp = NULL;	/* what the addresses are relative to */
		header->adjusted = object;
	}
	return -1;
}

void *begin_catch(void *exception) __asm__("__cxa_begin_catch") __attribute__((weak));
void terminate(void) __asm__("_ZSt9terminatev") __attribute__((weak));

void __privbox_uncaught(struct _Unwind_Exception *exception)
{
	if (!is_cxx(exception) || !begin_catch || !terminate)
		return;
	begin_catch(exception);
	terminate();
}
