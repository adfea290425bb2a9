// SPDX-License-Identifier: GPL-2.0-only
/*
 * What happens when the guest has run out of memory.
 */
#include <linux/lockdep.h>
#include <linux/oom.h>

#include "timed_balloon.h"

/*
 * With the lock held: take no more for the host, or not at once; the balloon
 * may be smaller by now than it wants.
 */
static void tb_oom_ease(struct tb_balloon *balloon)
{
	lockdep_assert_held(&balloon->lock);
	if (balloon->host_target < balloon->size)
		return;
	if (balloon->deflate_on_oom)
		balloon->host_in_force = false;
	else if (!tb_policy_runs(balloon))
		balloon->retry_at = ktime_add_ms(ktime_get(),
						 TB_TARGET_PAUSE_MS);
}

/*
 * Who takes memory now fights those who need it. A host that wants the balloon
 * smaller is obeyed still.
 */
static bool tb_oom_stand_back(struct tb_balloon *balloon)
{
	unsigned long flags;
	bool stopping;

	spin_lock_irqsave(&balloon->lock, flags);
	stopping = balloon->stopping;
	if (tb_policy_runs(balloon) &&
	    balloon->policy.order.direction == TB_INFLATE)
		tb_policy_end(balloon, TB_BY_OOM);
	tb_oom_ease(balloon);
	WRITE_ONCE(balloon->orders, balloon->orders + 1);
	spin_unlock_irqrestore(&balloon->lock, flags);
	return !stopping;
}

static unsigned int tb_oom_give_back(struct tb_balloon *balloon)
{
	unsigned int pages = tb_give_back(balloon);
	unsigned long flags;

	spin_lock_irqsave(&balloon->lock, flags);
	tb_oom_ease(balloon);
	spin_unlock_irqrestore(&balloon->lock, flags);
	return pages;
}

/* Any task that allocates may come here; nothing here allocates. */
static int tb_oom(struct notifier_block *notifier, unsigned long action,
		  void *data)
{
	struct tb_balloon *balloon =
		container_of(notifier, struct tb_balloon, oom_notifier);
	unsigned long *freed = data;

	if (tb_oom_stand_back(balloon) && balloon->deflate_on_oom)
		*freed += tb_oom_give_back(balloon);
	return NOTIFY_OK;
}

int tb_oom_start(struct tb_balloon *balloon)
{
	balloon->oom_notifier.notifier_call = tb_oom;
	return register_oom_notifier(&balloon->oom_notifier);
}

void tb_oom_stop(struct tb_balloon *balloon)
{
	unregister_oom_notifier(&balloon->oom_notifier);
}
