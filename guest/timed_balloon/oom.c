// SPDX-License-Identifier: GPL-2.0-only
/*
 * What happens when the guest has run out of memory.
 */
#include <linux/oom.h>

#include "timed_balloon.h"

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
	if (balloon->deflate_on_oom && balloon->host_target >= balloon->size)
		balloon->host_in_force = false;
	WRITE_ONCE(balloon->orders, balloon->orders + 1);
	spin_unlock_irqrestore(&balloon->lock, flags);
	return !stopping;
}

/* Any task that allocates may come here; nothing here allocates. */
static int tb_oom(struct notifier_block *notifier, unsigned long action,
		  void *data)
{
	struct tb_balloon *balloon =
		container_of(notifier, struct tb_balloon, oom_notifier);
	unsigned long *freed = data;

	if (tb_oom_stand_back(balloon) && balloon->deflate_on_oom)
		*freed += tb_give_back(balloon);
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
