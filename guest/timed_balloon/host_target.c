// SPDX-License-Identifier: GPL-2.0-only
/*
 * The sizes that device and driver tell each other in the configuration: the
 * host's target, and where the balloon stands.
 */
#include <linux/lockdep.h>
#include <linux/virtio_config.h>

#include "timed_balloon.h"

/**
 * tb_target_changed() - note that the host has notified its target
 * @vdev: the device
 *
 * This is an interrupt, where a target cannot be read. A policy that comes
 * before it is read is younger than this order.
 */
void tb_target_changed(struct virtio_device *vdev)
{
	struct tb_balloon *balloon = vdev->priv;
	unsigned long flags;

	spin_lock_irqsave(&balloon->lock, flags);
	balloon->notified = balloon->policy.serial;
	if (!balloon->stopping)
		queue_work(balloon->wq, &balloon->target_work);
	spin_unlock_irqrestore(&balloon->lock, flags);
}

/**
 * tb_target_read() - read the host's target and obey it, or not
 * @work: the balloon's
 */
void tb_target_read(struct work_struct *work)
{
	struct tb_balloon *balloon =
		container_of(work, struct tb_balloon, target_work);
	unsigned long flags;
	u64 notified;
	u32 units;

	/* What is notified from here on may be younger than what is read. */
	spin_lock_irqsave(&balloon->lock, flags);
	notified = balloon->notified;
	spin_unlock_irqrestore(&balloon->lock, flags);
	virtio_cread_le(balloon->vdev, struct virtio_balloon_config, num_pages,
			&units);
	spin_lock_irqsave(&balloon->lock, flags);
	balloon->host_target = round_down(units, TB_UNITS_PER_PAGE);
	if (notified == balloon->policy.serial) {
		WRITE_ONCE(balloon->orders, balloon->orders + 1);
		balloon->retry_at = 0;
		balloon->pause_ms = 0;
		if (tb_policy_runs(balloon))
			tb_policy_host_order(balloon);
		else
			balloon->host_in_force = true;
	}
	spin_unlock_irqrestore(&balloon->lock, flags);
	queue_work(balloon->wq, &balloon->move_work);
}

/**
 * tb_target_plan() - plan the next item on the way to the host's target
 * @balloon: the balloon, locked
 * @item: gets the plan
 *
 * Return: false if it is reached, or does not count at present
 */
bool tb_target_plan(struct tb_balloon *balloon, struct tb_item *item)
{
	u64 units;

	lockdep_assert_held(&balloon->lock);
	if (!balloon->host_in_force)
		return false;
	item->direction = TB_INFLATE;
	if (balloon->host_target < balloon->size)
		item->direction = TB_DEFLATE;
	units = tb_way(item->direction, balloon->size, balloon->host_target);
	item->count = min_t(u64, units, TB_ITEM_UNITS) / TB_UNITS_PER_PAGE;
	return item->count;
}

void tb_target_write_actual(struct tb_balloon *balloon)
{
	unsigned long flags;
	u32 units;

	spin_lock_irqsave(&balloon->lock, flags);
	units = balloon->size;
	spin_unlock_irqrestore(&balloon->lock, flags);
	virtio_cwrite_le(balloon->vdev, struct virtio_balloon_config, actual,
			 &units);
}
