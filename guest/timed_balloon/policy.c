// SPDX-License-Identifier: GPL-2.0-only
/*
 * The policy: its beginning, its ends, and what it allows at an instant.
 */
#include <linux/errno.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "timed_balloon.h"

/* Held by the reserve: look again after so long, move no less at once. */
#define TB_RESERVE_MS 5
#define TB_RESERVE_UNITS 16U

static void tb_notify(struct tb_balloon *balloon)
{
	if (balloon->status_node)
		sysfs_notify_dirent(balloon->status_node);
}

/* Towards the start: no end may be passed. */
static u64 tb_whole_pages(enum tb_direction direction, u64 kib)
{
	u64 units = div_u64(kib, TB_UNIT_KIB);

	return direction == TB_INFLATE ? round_down(units, TB_UNITS_PER_PAGE) :
					 round_up(units, TB_UNITS_PER_PAGE);
}

/**
 * tb_policy_end() - end the policy that runs
 * @balloon: the balloon, locked
 * @reason: why
 */
void tb_policy_end(struct tb_balloon *balloon, enum tb_reason reason)
{
	struct tb_policy *policy = &balloon->policy;

	lockdep_assert_held(&balloon->lock);
	policy->state = TB_ENDED;
	policy->reason = reason;
	policy->held_by = TB_NOT_HELD;
	policy->reached = balloon->size;
	policy->ended_at = ktime_get();
	balloon->stuck_since = 0;
	balloon->retry_at = 0;
	WRITE_ONCE(balloon->orders, balloon->orders + 1);
	/* It may be this timer that is running: then it does nothing more. */
	hrtimer_try_to_cancel(&balloon->deadline_timer);
	tb_notify(balloon);
}

static bool tb_policy_expire(struct tb_balloon *balloon, ktime_t now)
{
	if (ktime_before(now, balloon->policy.deadline_at))
		return false;
	tb_policy_end(balloon, TB_BY_DEADLINE);
	return true;
}

enum hrtimer_restart tb_policy_timer(struct hrtimer *timer)
{
	struct tb_balloon *balloon =
		container_of(timer, struct tb_balloon, deadline_timer);
	unsigned long flags;

	spin_lock_irqsave(&balloon->lock, flags);
	if (tb_policy_runs(balloon))
		tb_policy_expire(balloon, ktime_get());
	spin_unlock_irqrestore(&balloon->lock, flags);
	return HRTIMER_NORESTART;
}

static void tb_policy_retire(struct tb_balloon *balloon)
{
	struct tb_policy *policy = &balloon->policy;

	if (tb_policy_runs(balloon))
		tb_policy_end(balloon, TB_BY_SUCCESSOR);
	if (policy->state == TB_IDLE)
		return;
	strscpy(balloon->previous.id, policy->order.id,
		sizeof(balloon->previous.id));
	balloon->previous.reason = policy->reason;
	balloon->previous.reached = policy->reached;
}

static void tb_policy_begin(struct tb_balloon *balloon,
			    const struct tb_order *order, ktime_t now)
{
	struct tb_policy *policy = &balloon->policy;
	u64 serial = policy->serial + 1;

	memset(policy, 0, sizeof(*policy));
	policy->order = *order;
	policy->serial = serial;
	policy->state = TB_RUNNING;
	policy->start = balloon->size;
	policy->target = tb_whole_pages(order->direction, order->target_kib);
	policy->started_at = now;
	policy->deadline_at = ktime_add_ms(now, order->duration_ms);
	tb_pace_begin(tb_pace_of(balloon, order->direction),
		      order->duration_ms);
	balloon->host_in_force = false;
	balloon->stuck_since = 0;
	balloon->retry_at = 0;
	balloon->pause_ms = 0;
	WRITE_ONCE(balloon->orders, balloon->orders + 1);
}

static bool tb_policy_is_late(const struct tb_order *order, ktime_t now)
{
	return order->has_begin_by && ktime_to_ms(now) > order->begin_by_ms;
}

/**
 * tb_policy_start() - begin a policy, in place of one that runs
 * @balloon: the balloon
 * @order: what was written
 *
 * Return: 0, -ERANGE if the guest has not so much memory, -ETIME if it was to
 * begin earlier, -ENODEV if the device is going, -EIO if the host ceased to
 * answer
 */
int tb_policy_start(struct tb_balloon *balloon, const struct tb_order *order)
{
	u64 ram_kib = (u64)get_num_physpages() << (PAGE_SHIFT - 10);
	struct tb_policy *policy = &balloon->policy;
	ktime_t now = ktime_get();
	unsigned long flags;
	int error = 0;

	if (order->target_kib > ram_kib)
		return -ERANGE;
	if (tb_policy_is_late(order, now))
		return -ETIME;
	spin_lock_irqsave(&balloon->lock, flags);
	if (balloon->stopping || balloon->dead) {
		error = balloon->stopping ? -ENODEV : -EIO;
		goto unlock;
	}
	tb_policy_retire(balloon);
	tb_policy_begin(balloon, order, now);
	if (tb_way(order->direction, balloon->size, policy->target)) {
		hrtimer_start(&balloon->deadline_timer, policy->deadline_at,
			      HRTIMER_MODE_ABS);
		tb_notify(balloon);
	} else {
		tb_policy_end(balloon, TB_BY_TARGET);
	}
	queue_work(balloon->wq, &balloon->move_work);
unlock:
	spin_unlock_irqrestore(&balloon->lock, flags);
	return error;
}

/**
 * tb_policy_cancel() - end a policy by its name
 * @balloon: the balloon
 * @id: the name
 *
 * Return: 0, or -ENOENT if it does not run
 */
int tb_policy_cancel(struct tb_balloon *balloon, const char *id)
{
	int error = -ENOENT;
	unsigned long flags;

	spin_lock_irqsave(&balloon->lock, flags);
	if (tb_policy_runs(balloon) && !strcmp(balloon->policy.order.id, id)) {
		tb_policy_end(balloon, TB_BY_CANCEL);
		error = 0;
	}
	spin_unlock_irqrestore(&balloon->lock, flags);
	return error;
}

/* The size not to be passed at present, and until when that is so. */
static u64 tb_policy_limit(const struct tb_policy *policy, ktime_t now,
			   ktime_t *until)
{
	enum tb_direction direction = policy->order.direction;
	unsigned int i;

	for (i = 0; i < policy->order.segments; i++) {
		const struct tb_segment *segment = &policy->order.segment[i];
		u64 limit = tb_whole_pages(direction, segment->target_kib);

		*until = ktime_add_ms(policy->started_at, segment->until_ms);
		if (ktime_before(now, *until))
			return tb_way(direction, limit, policy->target) ?
				limit : policy->target;
	}
	*until = policy->deadline_at;
	return policy->target;
}

static bool tb_policy_hold(struct tb_balloon *balloon, enum tb_hold by,
			   ktime_t until)
{
	balloon->policy.held_by = by;
	balloon->stuck_since = 0;
	tb_wake_at(balloon, until);
	return false;
}

/* How much of that the reserve leaves; 0 if it is not worth while. */
static u64 tb_policy_spare(const struct tb_policy *policy, u64 units,
			   u64 available)
{
	u64 reserve_kib = policy->order.reserve_kib;
	u64 reserve = div_u64(reserve_kib, TB_UNIT_KIB) +
		      !!(reserve_kib % TB_UNIT_KIB);
	u64 spare = tb_way(TB_DEFLATE, available, reserve);
	u64 least = max(TB_RESERVE_UNITS, TB_UNITS_PER_PAGE);

	if (!reserve)
		return units;
	return spare < min(units, least) ? 0 : min(units, spare);
}

/**
 * tb_policy_plan() - plan the next item of the policy that runs
 * @balloon: the balloon, locked
 * @item: gets the plan
 * @available: units that the guest has to spare
 *
 * Return: false if there is nothing to be moved at present
 */
bool tb_policy_plan(struct tb_balloon *balloon, struct tb_item *item,
		    u64 available)
{
	struct tb_policy *policy = &balloon->policy;
	enum tb_direction direction = policy->order.direction;
	ktime_t now = item->planned_at;
	ktime_t until;
	s64 left_ns;
	u64 units;

	lockdep_assert_held(&balloon->lock);
	if (tb_policy_expire(balloon, now))
		return false;
	if (!tb_way(direction, balloon->size, policy->target)) {
		tb_policy_end(balloon, TB_BY_TARGET);
		return false;
	}
	units = tb_way(direction, balloon->size,
		       tb_policy_limit(policy, now, &until));
	if (!units)
		return tb_policy_hold(balloon, TB_BY_SEGMENT, until);
	units = tb_policy_spare(policy, units, available);
	if (!units)
		return tb_policy_hold(balloon, TB_BY_RESERVE,
				      ktime_add_ms(now, TB_RESERVE_MS));
	policy->held_by = TB_NOT_HELD;
	left_ns = ktime_to_ns(ktime_sub(policy->deadline_at, now));
	units = min_t(u64, units,
		      tb_pace_fits(tb_pace_of(balloon, direction), left_ns,
				   direction == TB_DEFLATE));
	item->direction = direction;
	item->count = (unsigned int)units / TB_UNITS_PER_PAGE;
	item->policy = policy->serial;
	item->allocate_until = ktime_add_ns(now, left_ns / 2);
	return item->count;
}

/**
 * tb_policy_grant() - decide how many pages of the policy may go now
 * @balloon: the balloon, locked
 * @pages: how many there are
 * @now: the instant
 *
 * Return: how many of them
 */
unsigned int tb_policy_grant(struct tb_balloon *balloon, unsigned int pages,
			     ktime_t now)
{
	ktime_t left = ktime_sub(balloon->policy.deadline_at, now);
	struct tb_pace *pace = tb_pace_of(balloon,
					  balloon->policy.order.direction);
	unsigned int fit = tb_pace_fits(pace, left, true);

	lockdep_assert_held(&balloon->lock);
	if (tb_policy_expire(balloon, now))
		return 0;
	return min(pages, fit / TB_UNITS_PER_PAGE);
}

/**
 * tb_policy_host_order() - let the host shorten or end the policy that runs
 * @balloon: the balloon, locked, with the host's new target
 */
void tb_policy_host_order(struct tb_balloon *balloon)
{
	struct tb_policy *policy = &balloon->policy;
	enum tb_direction direction = policy->order.direction;

	lockdep_assert_held(&balloon->lock);
	if (!tb_way(direction, balloon->size, balloon->host_target)) {
		balloon->host_in_force = true;
		tb_policy_end(balloon, TB_BY_HOST);
	} else if (tb_way(direction, balloon->host_target, policy->target)) {
		policy->target = balloon->host_target;
	}
}

/**
 * tb_policy_acknowledged() - note that the host has an item
 * @balloon: the balloon, locked
 * @item: the item
 * @units: how many
 * @at: when it said so
 */
void tb_policy_acknowledged(struct tb_balloon *balloon,
			    const struct tb_item *item, u64 units, ktime_t at)
{
	struct tb_policy *policy = &balloon->policy;

	lockdep_assert_held(&balloon->lock);
	if (item->forced)
		return;
	balloon->stuck_since = 0;
	balloon->pause_ms = 0;
	if (!item->policy || item->policy != policy->serial)
		return;
	policy->moved_at = at;
	if (ktime_after(at, policy->deadline_at))
		policy->late += units;
	if (!tb_policy_runs(balloon))
		tb_notify(balloon);
	else if (balloon->size == policy->target)
		tb_policy_end(balloon, TB_BY_TARGET);
}
