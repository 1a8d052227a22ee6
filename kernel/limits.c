// SPDX-License-Identifier: GPL-2.0
/*
 * Limits of contexts and pages for each user. The memory itself is charged to the control group of the process
 * (GFP_KERNEL_ACCOUNT) as well; these limits hold where nobody set up groups.
 */
#include <linux/atomic.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/hashtable.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uidgid.h>

#include "privbox.h"

struct pb_user {
	struct hlist_node node;
	kuid_t uid;
	/* All under the lock; the user is forgotten with the last charge, and a charge may be of nothing. */
	unsigned long charges;
	unsigned long contexts;
	unsigned long pages;
};

static DEFINE_SPINLOCK(lock);
static DEFINE_HASHTABLE(users, 6);

static unsigned long max_contexts = 4096;
module_param(max_contexts, ulong, 0644);
MODULE_PARM_DESC(max_contexts, "threads with a safe stack, of each user (4096)");

static unsigned long max_pages;
module_param(max_pages, ulong, 0644);
MODULE_PARM_DESC(max_pages, "pages for safe stacks, copies of them, and tables, of each user (0: a quarter of the memory)");

static struct pb_user *find(kuid_t uid)
{
	struct pb_user *user;

	hash_for_each_possible(users, user, node, __kuid_val(uid))
		if (uid_eq(user->uid, uid))
			return user;
	return NULL;
}

struct pb_user *pb_user_charge(unsigned long contexts, unsigned long pages)
{
	unsigned long most_contexts = READ_ONCE(max_contexts);
	unsigned long most_pages = READ_ONCE(max_pages) ?: totalram_pages() / 4;
	struct pb_user *fresh = kzalloc(sizeof(*fresh), GFP_KERNEL_ACCOUNT);
	struct pb_user *user;

	if (!fresh)
		return ERR_PTR(-ENOMEM);
	fresh->uid = current_uid();
	spin_lock(&lock);
	user = find(fresh->uid) ?: fresh;
	/* The sums cannot wrap: what is charged was below the limits, and a request is below 2^40. */
	if (user->contexts + contexts > most_contexts || user->pages + pages > most_pages) {
		spin_unlock(&lock);
		kfree(fresh);
		return ERR_PTR(-EDQUOT);
	}
	user->charges++;
	user->contexts += contexts;
	user->pages += pages;
	if (user == fresh)
		hash_add(users, &fresh->node, __kuid_val(fresh->uid));
	spin_unlock(&lock);
	if (user != fresh)
		kfree(fresh);
	return user;
}

void pb_user_uncharge(struct pb_user *user, unsigned long contexts, unsigned long pages)
{
	bool last;

	spin_lock(&lock);
	user->contexts -= contexts;
	user->pages -= pages;
	last = !--user->charges;
	if (last)
		hash_del(&user->node);
	spin_unlock(&lock);
	if (last)
		kfree(user);
}
