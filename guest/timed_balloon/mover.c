// SPDX-License-Identifier: GPL-2.0-only
/*
 * The work that moves the balloon, an item at a time.
 *
 * Each item is planned by the orders of the moment, and handed over only if
 * they still stand. Where there is nothing to do for a while a timer looks
 * again; new orders queue the work themselves.
 */
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "timed_balloon.h"

#define TB_STALL_MS 2000
#define TB_ITEMS_AT_ONCE 16

/* The pause after a failure doubles from the least to the most. */
#define TB_POLICY_PAUSE_MS 1
#define TB_POLICY_PAUSE_MAX_MS 320
#define TB_TARGET_PAUSE_MAX_MS 3200

enum hrtimer_restart tb_wake(struct hrtimer *timer)
{
	struct tb_balloon *balloon =
		container_of(timer, struct tb_balloon, wake_timer);

	queue_work(balloon->wq, &balloon->move_work);
	return HRTIMER_NORESTART;
}

void tb_wake_at(struct tb_balloon *balloon, ktime_t when)
{
	hrtimer_start(&balloon->wake_timer, when, HRTIMER_MODE_ABS);
}

static bool tb_is_open(const struct tb_balloon *balloon)
{
	return !balloon->stopping && !balloon->dead;
}

static bool tb_plan(struct tb_balloon *balloon, struct tb_item *item)
{
	u64 available = max(si_mem_available(), 0L) * TB_UNITS_PER_PAGE;
	unsigned long flags;
	bool planned = false;

	memset(item, 0, sizeof(*item));
	INIT_LIST_HEAD(&item->pages);
	spin_lock_irqsave(&balloon->lock, flags);
	item->orders = balloon->orders;
	item->planned_at = ktime_get();
	item->allocate_until = KTIME_MAX;
	if (tb_is_open(balloon))
		planned = tb_policy_runs(balloon) ?
			tb_policy_plan(balloon, item, available) :
			tb_target_plan(balloon, item);
	if (planned && ktime_before(item->planned_at, balloon->retry_at)) {
		tb_wake_at(balloon, balloon->retry_at);
		planned = false;
	}
	spin_unlock_irqrestore(&balloon->lock, flags);
	return planned;
}

/**
 * tb_grant() - decide, with the lock held, what may be handed over at once
 * @balloon: the balloon
 * @item: what it was planned by
 * @now: the instant
 *
 * Return: how many of the item's pages; 0 if its time is over
 */
unsigned int tb_grant(struct tb_balloon *balloon, const struct tb_item *item,
		      ktime_t now)
{
	lockdep_assert_held(&balloon->lock);
	if (item->forced)
		return item->count;
	if (balloon->stopping || balloon->orders != item->orders)
		return 0;
	if (item->policy)
		return tb_policy_grant(balloon, item->count, now);
	return item->count;
}

static void tb_pause(struct tb_balloon *balloon, const struct tb_item *item,
		     bool moved)
{
	unsigned int least = item->policy ? TB_POLICY_PAUSE_MS :
					    TB_TARGET_PAUSE_MS;
	unsigned int most = item->policy ? TB_POLICY_PAUSE_MAX_MS :
					   TB_TARGET_PAUSE_MAX_MS;

	if (moved)
		balloon->pause_ms = least;
	else
		balloon->pause_ms = clamp(balloon->pause_ms * 2, least, most);
	balloon->retry_at = ktime_add_ms(ktime_get(), balloon->pause_ms);
}

/* Note that not all of an item could be had; somebody else may need memory. */
static void tb_fail(struct tb_balloon *balloon, const struct tb_item *item,
		    bool moved)
{
	unsigned long flags;
	ktime_t stalled_at;

	spin_lock_irqsave(&balloon->lock, flags);
	if (item->policy && item->policy == balloon->policy.serial &&
	    item->direction == TB_INFLATE && !moved)
		balloon->policy.failures++;
	if (balloon->orders != item->orders)
		goto out;
	if (!moved && !balloon->stuck_since)
		balloon->stuck_since = item->planned_at;
	tb_pause(balloon, item, moved);
	if (!item->policy || !balloon->stuck_since)
		goto out;
	stalled_at = ktime_add_ms(balloon->stuck_since, TB_STALL_MS);
	if (!ktime_before(ktime_get(), stalled_at))
		tb_policy_end(balloon, TB_BY_STALL);
	else if (ktime_before(stalled_at, balloon->retry_at))
		balloon->retry_at = stalled_at;
out:
	spin_unlock_irqrestore(&balloon->lock, flags);
}

static void tb_inflate(struct tb_balloon *balloon, struct tb_item *item)
{
	bool exhausted = !tb_pages_allocate(balloon, item);
	unsigned int moved = 0;

	if (item->count)
		moved = tb_hand_over(balloon, item);
	tb_pages_free(&item->pages);
	if (exhausted)
		tb_fail(balloon, item, moved);
}

static void tb_deflate(struct tb_balloon *balloon, struct tb_item *item)
{
	tb_pages_take_out(balloon, item);
	if (item->count)
		tb_hand_over(balloon, item);
	else
		tb_fail(balloon, item, false);
	tb_pages_put_back(balloon, &item->pages);
}

static bool tb_move_item(struct tb_balloon *balloon)
{
	struct tb_item item;

	if (!tb_plan(balloon, &item))
		return false;
	if (item.direction == TB_INFLATE)
		tb_inflate(balloon, &item);
	else
		tb_deflate(balloon, &item);
	return true;
}

/**
 * tb_move() - move some items, as long as there are any to move
 * @work: the balloon's
 *
 * After a while it queues itself rather than go on: the freezer waits for it.
 */
void tb_move(struct work_struct *work)
{
	struct tb_balloon *balloon =
		container_of(work, struct tb_balloon, move_work);
	unsigned int i;

	for (i = 0; i < TB_ITEMS_AT_ONCE; i++) {
		if (!tb_move_item(balloon))
			return;
		cond_resched();
	}
	queue_work(balloon->wq, &balloon->move_work);
}
