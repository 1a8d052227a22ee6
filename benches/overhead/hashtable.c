/*
 * A hash table with chains, as programs write them: string keys, a comparison and a pointer hop per
 * link, growth by rehashing, removals. Dominated by loads through pointers.
 */
#include "workload.h"

#include <string.h>

struct entry {
	struct entry *next;
	uint64_t hash;
	uint64_t value;
	char key[24];
};

struct table {
	struct entry **buckets;
	size_t mask;
	size_t entries;
};

enum { most = 1 << 17 };

/* Entries and buckets come from here: allocation is not what is measured. */
static struct entry pool[most];
static struct entry *bucket_space[4 * most];
static struct entry *free_entries;
static size_t pool_used, buckets_used;

static uint64_t hash_key(const char *key)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (; *key; key++)
		hash = (hash ^ (unsigned char)*key) * 0x100000001b3u;
	return hash ^ hash >> 29;
}

static struct entry **find(struct table *table, const char *key, uint64_t hash)
{
	struct entry **link = &table->buckets[hash & table->mask];

	while (*link && ((*link)->hash != hash || strcmp((*link)->key, key) != 0))
		link = &(*link)->next;
	return link;
}

static void grow(struct table *table, size_t buckets)
{
	struct entry **old = table->buckets;
	size_t count = old ? table->mask + 1 : 0;

	table->buckets = bucket_space + buckets_used;
	buckets_used += buckets;
	table->mask = buckets - 1;
	memset(table->buckets, 0, buckets * sizeof(*table->buckets));
	for (size_t i = 0; i < count; i++) {
		struct entry *next;

		for (struct entry *entry = old[i]; entry; entry = next) {
			struct entry **link = &table->buckets[entry->hash & table->mask];

			next = entry->next;
			entry->next = *link;
			*link = entry;
		}
	}
}

static void insert(struct table *table, const char *key, uint64_t value)
{
	uint64_t hash = hash_key(key);
	struct entry **link = find(table, key, hash);
	struct entry *entry = *link;

	if (entry) {
		entry->value += value;
		return;
	}
	if (free_entries) {
		entry = free_entries;
		free_entries = entry->next;
	} else if (pool_used < most) {
		entry = &pool[pool_used++];
	} else {
		fail("hash table: the pool is empty");
	}
	entry->next = NULL;
	entry->hash = hash;
	entry->value = value;
	strcpy(entry->key, key);
	*link = entry;
	if (++table->entries > table->mask)
		grow(table, 2 * (table->mask + 1));
}

static void remove_key(struct table *table, const char *key)
{
	struct entry **link = find(table, key, hash_key(key));
	struct entry *entry = *link;

	if (!entry)
		return;
	*link = entry->next;
	entry->next = free_entries;
	free_entries = entry;
	table->entries--;
}

static void make_key(char *key, uint32_t number)
{
	char *at = key;

	memcpy(at, "user:", 5);
	at += 5;
	do
		*at++ = (char)('a' + number % 26);
	while (number /= 26);
	*at = 0;
}

uint64_t workload(unsigned rounds)
{
	uint64_t seed = 11, sum = 0;
	char key[24];

	for (unsigned round = 0; round < rounds / 2; round++) {
		struct table table = { 0 };

		pool_used = buckets_used = 0;
		free_entries = NULL;
		grow(&table, 16);
		for (int i = 0; i < 60000; i++) {
			make_key(key, random_next(&seed) % 100000);
			insert(&table, key, random_next(&seed) % 1000);
		}
		for (int i = 0; i < 300000; i++) {
			struct entry *entry;

			make_key(key, random_next(&seed) % 120000);
			entry = *find(&table, key, hash_key(key));
			if (entry)
				sum = checksum_add(sum, entry->value);
			else if (i % 4 == 0)
				insert(&table, key, (uint64_t)i);
			else if (i % 64 == 1)
				remove_key(&table, key);
		}
		for (size_t i = 0; i <= table.mask; i++)
			for (struct entry *entry = table.buckets[i]; entry; entry = entry->next)
				sum = checksum_add(sum, entry->value ^ entry->hash);
	}
	return sum;
}
