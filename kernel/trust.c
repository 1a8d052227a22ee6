// SPDX-License-Identifier: GPL-2.0
/*
 * The set of trusted digests. Who may change it, is main.c's business: the set decides what runs at CPL 0.
 */
#include <linux/hashtable.h>
#include <linux/mutex.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "privbox.h"
#include "trust.h"

#define MAX_DIGESTS 65536

struct trusted {
	struct hlist_node node;
	struct rcu_head rcu;
	u8 digest[PRIVBOX_DIGEST_SIZE];
};

static DEFINE_HASHTABLE(set, 10);
static DEFINE_MUTEX(writers);
static unsigned long count;

/* A digest is as good as random; an administrator who made up colliding ones slows down nobody else much. */
static u32 key_of(const u8 *digest)
{
	u32 key;

	memcpy(&key, digest, sizeof(key));
	return key;
}

static struct trusted *find(const u8 *digest)
{
	struct trusted *one;

	hash_for_each_possible_rcu(set, one, node, key_of(digest), lockdep_is_held(&writers))
		if (!memcmp(one->digest, digest, PRIVBOX_DIGEST_SIZE))
			return one;
	return NULL;
}

bool pb_trusted(const u8 digest[PRIVBOX_DIGEST_SIZE])
{
	bool found;

	rcu_read_lock();
	found = find(digest);
	rcu_read_unlock();
	return found;
}

unsigned long pb_trust_count(void)
{
	return READ_ONCE(count);
}

int pb_trust_add(const u8 digest[PRIVBOX_DIGEST_SIZE])
{
	struct trusted *one = kzalloc(sizeof(*one), GFP_KERNEL_ACCOUNT);
	int error = 0;

	if (!one)
		return -ENOMEM;
	memcpy(one->digest, digest, PRIVBOX_DIGEST_SIZE);
	mutex_lock(&writers);
	if (find(digest)) {
		/* Trusted twice is trusted. */
		kfree(one);
	} else if (count >= MAX_DIGESTS) {
		kfree(one);
		error = -E2BIG;
	} else {
		hash_add_rcu(set, &one->node, key_of(digest));
		WRITE_ONCE(count, count + 1);
	}
	mutex_unlock(&writers);
	return error;
}

int pb_trust_remove(const u8 digest[PRIVBOX_DIGEST_SIZE])
{
	struct trusted *one;

	mutex_lock(&writers);
	one = find(digest);
	if (one) {
		hash_del_rcu(&one->node);
		WRITE_ONCE(count, count - 1);
	}
	mutex_unlock(&writers);
	if (!one)
		return -ENOENT;
	kfree_rcu(one, rcu);
	return 0;
}

int pb_trust_list(void __user *to, u64 room, u64 *n)
{
	struct trusted *one;
	int error = 0;
	u64 at = 0;
	int bucket;

	mutex_lock(&writers);
	hash_for_each(set, bucket, one, node) {
		if (at < room && copy_to_user(to + at * PRIVBOX_DIGEST_SIZE, one->digest, PRIVBOX_DIGEST_SIZE)) {
			error = -EFAULT;
			break;
		}
		at++;
	}
	*n = count;
	mutex_unlock(&writers);
	return error;
}

void pb_trust_exit(void)
{
	struct hlist_node *next;
	struct trusted *one;
	int bucket;

	/* For those that pb_trust_remove() left to RCU. */
	rcu_barrier();
	hash_for_each_safe(set, bucket, next, one, node) {
		hash_del(&one->node);
		kfree(one);
	}
}
